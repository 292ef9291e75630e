"""What a subject declares about its quality in `quality/suites/<subject>/__init__.py`, beside `SUITES`."""

from collections.abc import Mapping
from dataclasses import dataclass

from quality.suite import Suite
from warehouse.periods import Grain


@dataclass(frozen=True)
class Explanation:
    """Why rows of a feed are rejected for a reason, in files of before a period, such as `2017-01`, or in all files."""

    feed: str
    reason: str
    text: str
    before: str | None = None


@dataclass(frozen=True)
class Quarantine:
    """A table of rejected rows, with columns `feed`, `reason`, `source_row` and that of the period.

    `grain` is how long the periods are, and names their column. `shown` are the columns of the examples in the report,
    by what to call them. `tolerance` is the share of a file's rows that may be rejected.
    """

    table: str
    grain: Grain
    shown: Mapping[str, str]
    tolerance: float = 0.01
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A dbt test that only warns, and whose rows `python -m quality.health` names.

    `test` is its name, also that of its view in `core_checks`. `row` is SQL for a row in words.
    """

    test: str
    title: str
    row: str


@dataclass(frozen=True)
class Subject:
    """The suites, quarantines and listings of a subject. What concerns all subjects has an empty name."""

    name: str
    suites: tuple[Suite, ...]
    quarantines: tuple[Quarantine, ...] = ()
    listings: tuple[Listing, ...] = ()
