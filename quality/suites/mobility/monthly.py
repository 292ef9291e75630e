"""What the file suites of this subject have in common: their files are of months."""

from functools import partial

from quality.comparisons import difference_to_before, ratio_to_before
from quality.files import share
from quality.suite import Expectation, Suite
from warehouse.periods import Grain

ratio_to_month_before = partial(ratio_to_before, Grain.MONTH)
difference_to_month_before = partial(difference_to_before, Grain.MONTH)


def monthly(
    model: str,
    expectations: tuple[Expectation, ...],
    feeds: tuple[str, ...],
    *,
    name: str | None = None,
    table: str | None = None,
    detail: str = "''",
) -> Suite:
    """A suite on the months' files in a model. Without a name and table it is one on a staging model."""
    return Suite(
        name or model,
        model,
        table or f"core_staging.{model}",
        "files",
        expectations,
        feeds,
        detail,
        grain=Grain.MONTH,
        event_days="core_staging.int_event_days",
    )


def null_share_like_month_before(column: str, at_most: float) -> tuple[Expectation, Expectation]:
    """A column's share of missing values, and how far it is from that of the month before."""
    name = f"{column}_null_share"
    return (
        share(name, f"{column} is null", at_most=1.0, why=f"The share of rows without {column}."),
        difference_to_month_before(
            name, at_most, f"The share of rows without {column}, less that of the month before."
        ),
    )
