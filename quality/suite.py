"""What a suite is: expectations on one table, by name. Light, so that Dagster can list suites without loading GX."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warn"]

# Of a row suite the rows of the table are checked; of a file suite figures of each published file (quality/files.py).
Kind = Literal["rows", "files"]


@dataclass(frozen=True)
class Expectation:
    """One expectation of Great Expectations, under a name of our own.

    `name` is what the ledger, the data docs and the terminal call it: unique in its suite. `type` is GX's name of the
    expectation and `arguments` are its arguments. In a file suite, `figure` is the SQL whose value is looked at for
    each file: an aggregate of the file's rows or, where `is_comparison`, an expression over the figures of the file and
    of the file before.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    description: str
    severity: Severity = "error"
    figure: str | None = None
    is_comparison: bool = False


@dataclass(frozen=True)
class Suite:
    """The expectations on one dbt model.

    `table` is where dbt built the model. `feeds` are, for a file suite, those whose files it holds. `detail` is SQL
    for words that are shown beside a file that fails. `is_blocking` says whether Dagster stops what is downstream when
    an expectation of severity error fails.
    """

    name: str
    model: str
    table: str
    kind: Kind
    expectations: tuple[Expectation, ...]
    feeds: tuple[str, ...] = ()
    detail: str = "''"
    is_blocking: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        names = [expectation.name for expectation in self.expectations]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{self.name}: expected each name once, but {', '.join(repeated)} comes more often")

    @property
    def check_name(self) -> str:
        """What Dagster calls the asset check of the suite."""
        return f"quality_{self.name}"


class UnknownSuiteError(ValueError):
    """A name in a selection that no suite and no model has."""


def select(suites: tuple[Suite, ...], names: list[str]) -> list[Suite]:
    """The suites of these names, or of the models of these names, each once, in their own order; all without names.

    Raises:
        UnknownSuiteError: a name fits none.
    """
    known = {name for suite in suites for name in (suite.name, suite.model)}
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(sorted(known))
        raise UnknownSuiteError(f"unknown suite {', '.join(map(repr, unknown))}: expected some of {listed}")
    return [suite for suite in suites if not names or suite.name in names or suite.model in names]
