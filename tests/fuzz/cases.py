"""What a round of fuzzing does to one partition's file, and what must come of it."""

from dataclasses import dataclass
from datetime import datetime

from ingestion.pipeline import Status
from tests.fuzz.publisher import Answer

Value = str | int | float | datetime | None
Columns = dict[str, list[Value]]
"""Rows as raw data must hold them: values by raw column, in published order."""


@dataclass(frozen=True)
class Expected:
    """What may come of a partition.

    If it is loaded, its rows must be one of `rows`, compared in the columns that are given there. Without any, no
    value is compared: nobody can say what a file with damaged bytes means.
    """

    statuses: frozenset[Status]
    rows: tuple[Columns, ...] = ()


def loads(*rows: Columns) -> Expected:
    """It is loaded, with one of these rows."""
    return Expected(frozenset({Status.LOADED}), rows)


def loads_or_fails(*rows: Columns) -> Expected:
    """It is loaded with one of these rows, or fails: both are right, anything else is not."""
    return Expected(frozenset({Status.LOADED, Status.FAILED}), rows)


FAILS = Expected(frozenset({Status.FAILED}))
LOADS_OR_FAILS = loads_or_fails()
NOT_PUBLISHED = Expected(frozenset({Status.NOT_PUBLISHED}))


@dataclass(frozen=True)
class Mutation:
    """A partition's answer with something wrong in it. `what` says what, for people who read a failure.

    `is_of_time` says that only a time limit ends it.
    """

    what: str
    answer: Answer
    expected: Expected
    is_of_time: bool = False
