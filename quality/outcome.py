"""Results of Great Expectations as checks of the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quality.figures import PARTITION_KEY
from quality.suite import Expectation, Suite
from warehouse.ledger import Check

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

# The values of all files, by the name of the figure.
Figures = Mapping[str, Sequence[float | None]]

_EXAMPLES = 3


def checks_of(suite: Suite, result: "ExpectationSuiteValidationResult", figures: Figures | None) -> tuple[Check, ...]:
    """A check for each expectation, or where files failed it one for each of those."""
    by_name = {expectation.name: expectation for expectation in suite.expectations}
    return tuple(check for each in result.results for check in _checks(suite, by_name[_name_of(each)], each, figures))


def _name_of(result: "ExpectationValidationResult") -> str:
    """Our name of the expectation, which GX keeps as meta."""
    config = result.expectation_config
    return str((config.meta if config else {})["name"])


def _checks(
    suite: Suite, expectation: Expectation, result: "ExpectationValidationResult", figures: Figures | None
) -> Iterator[Check]:
    error = _error(result)
    failed_files = [] if error else (result.result or {}).get("unexpected_index_list") or []
    if figures is None or error or not failed_files:
        observed = error or (
            _of_rows(expectation, result.result) if figures is None else _span(figures[expectation.name])
        )
        yield _check(suite, expectation, observed, passed=bool(result.success))
    else:
        for file in failed_files:
            observed = _number(file[expectation.name]) + (f" ({file['detail']})" if file["detail"] else "")
            yield _check(suite, expectation, observed, passed=False, partition_key=file[PARTITION_KEY])


def _check(
    suite: Suite, expectation: Expectation, observed: str, *, passed: bool, partition_key: str | None = None
) -> Check:
    return Check(
        asset=suite.model,
        check_name=expectation.name,
        source="great_expectations",
        severity=expectation.severity,
        passed=passed,
        observed=observed,
        expected=expected(expectation),
        partition_key=partition_key,
    )


def _error(result: "ExpectationValidationResult") -> str | None:
    """The reason why GX could not check, if it could not."""
    info = result.exception_info or {}
    raised = [info] if "raised_exception" in info else [each for each in info.values() if isinstance(each, dict)]
    messages = [str(each["exception_message"]) for each in raised if each.get("raised_exception")]
    return f"could not be checked: {messages[0].splitlines()[0]}" if messages else None


def _of_rows(expectation: Expectation, result: Mapping[str, Any]) -> str:
    """What GX observed in the rows of a table, in words."""
    if "unexpected_count" in result:
        count, rows = result["unexpected_count"], result["element_count"]
        examples = [_number(value) for value in result.get("partial_unexpected_list", [])[:_EXAMPLES]]
        words = f"{count:,} of {rows:,} rows are not" if count else f"all of {rows:,} rows"
        return words + (f", such as {', '.join(examples)}" if examples else "")
    observed = _number(result.get("observed_value"))
    return f"{observed} rows" if expectation.type == "unexpected_rows_expectation" else observed


def _span(values: Sequence[float | None]) -> str:
    """The smallest and the largest figure, as in `0.93 to 0.98 in 24 files`."""
    known = [value for value in values if value is not None]
    if not known:
        return "applies to no file"
    low, high = _number(min(known)), _number(max(known))
    return (low if low == high else f"{low} to {high}") + f" in {len(known)} file{'s' if len(known) > 1 else ''}"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def expected(expectation: Expectation) -> str:
    """What the expectation asks for, in words."""
    arguments = expectation.arguments
    low, high = arguments.get("min_value"), arguments.get("max_value")
    mostly = arguments.get("mostly", 1.0)
    if low is not None or high is not None:
        bounds = [f"at least {_number(low)}"] * (low is not None) + [f"at most {_number(high)}"] * (high is not None)
        words = _number(low) if low == high else " and ".join(bounds)
    elif expectation.type == "unexpected_rows_expectation":
        words = "0 rows"
    elif "value_set" in arguments:
        words = f"one of {', '.join(map(str, arguments['value_set']))}"
    elif "column_A" in arguments:
        words = f"{arguments['column_A']} not below {arguments['column_B']}"
    else:
        words = expectation.description.rstrip(".")
    return words + (f", in {mostly * 100:.6g} % of rows" if mostly < 1 else "")
