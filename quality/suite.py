"""What a suite is: expectations on one table, by name. Light, so that Dagster can list suites without loading GX."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from warehouse.periods import Grain

Severity = Literal["error", "warn"]

# A row suite checks the rows of its table. A file suite checks figures of each published file (quality/files.py).
Kind = Literal["rows", "files"]


@dataclass(frozen=True)
class Expectation:
    """One expectation of Great Expectations, under a name of our own.

    `name` is what the ledger, the data docs and the terminal call it: unique in its suite. `type` is GX's name of the
    expectation and `arguments` are its arguments. In a file suite, `figure` is the SQL whose value is checked for each
    file: an aggregate of the file's rows or, where `is_comparison`, an expression over the figures of the file and of
    the file before. `since` is the key of the first period that it is checked in, such as `2011-01`.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    description: str
    severity: Severity = "error"
    figure: str | None = None
    is_comparison: bool = False
    since: str | None = None


@dataclass(frozen=True)
class Suite:
    """The expectations on one dbt model.

    `table` is where dbt built the model. `is_blocking` says whether Dagster stops what is downstream when an
    expectation of severity error fails.

    A file suite has the following, too. `feeds` are those whose files the table holds, and `grain` is how long their
    periods are: it names the column of the table that says which file a row is from. A table with a row a file, whose
    columns are the figures, has neither; it has columns `feed` and `partition_key`. `detail` is SQL for words that are
    shown beside a file that fails. `event_days` is a table of days (`date_day`) on which a `feed` was unlike other
    days.
    """

    name: str
    model: str
    table: str
    kind: Kind
    expectations: tuple[Expectation, ...]
    feeds: tuple[str, ...] = ()
    detail: str = "''"
    is_blocking: bool = field(default=True, kw_only=True)
    grain: Grain | None = field(default=None, kw_only=True)
    event_days: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        names = [expectation.name for expectation in self.expectations]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{self.name}: expected each name once, but {', '.join(repeated)} comes more often")
        if bool(self.feeds) != (self.grain is not None):
            raise ValueError(f"{self.name}: expected feeds and the grain of their periods, or neither")

    @property
    def check_name(self) -> str:
        """What Dagster calls the asset check of the suite."""
        return f"quality_{self.name}"


class UnknownSuiteError(ValueError):
    """A name in a selection that is not a suite or a model."""


def select(suites: tuple[Suite, ...], names: list[str]) -> list[Suite]:
    """The suites with these names, or of models with these names, in their own order; without names all.

    Raises:
        UnknownSuiteError: no suite and no model has one of the names.
    """
    known = {name for suite in suites for name in (suite.name, suite.model)}
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(sorted(known))
        raise UnknownSuiteError(f"unknown suite {', '.join(map(repr, unknown))}: expected some of {listed}")
    return [suite for suite in suites if not names or suite.name in names or suite.model in names]
