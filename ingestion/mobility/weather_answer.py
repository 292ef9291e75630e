"""Reading an answer of Open-Meteo, which is a text from outside and may be anything.

Nothing of it becomes SQL. It is parsed and checked here, and handed on as a table of values.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import pyarrow as pa

from ingestion.feeds import PARTITION_COLUMN_NAMES, Column, ColumnType
from ingestion.readers.arrow_columns import numbers, texts, times_without_zone
from ingestion.readers.published_file import PublishedFile
from warehouse.periods import Grain

# The archive answers for the middle of a square of its grid, whose sides have a quarter of a degree at most.
_GRID_DEGREES = 0.3
_MOST_VARIABLES = 100
_VARIABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_OUR_NAMES = PARTITION_COLUMN_NAMES
_INTEGERS = range(-(2**31), 2**31)
_BIG_INTEGERS = range(-(2**63), 2**63)
_LATER = "Ask again later."


@dataclass(frozen=True)
class Asked:
    """What was asked for. `units` are those of the variables, and `file` is the answer."""

    file: PublishedFile
    columns: tuple[Column, ...]
    units: Mapping[str, str]
    hours: Sequence[datetime]
    latitude: float
    longitude: float

    @property
    def declared_in(self) -> str:
        """The module that says what is asked for."""
        return self.file.partition.feed.declared_in

    @property
    def grain(self) -> Grain:
        """How long the period is that is asked for."""
        return self.file.partition.feed.grain


def content_hash(path: Path) -> str:
    """A hash of what an answer says, without the time that it took to make."""
    content = path.read_bytes()
    try:
        body = json.loads(content)
        body.pop("generationtime_ms", None)
        content = json.dumps(body, sort_keys=True).encode()
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass  # not an answer of the archive: the reader will say so
    return hashlib.sha256(content).hexdigest()


def read_answer(asked: Asked) -> pa.Table:
    """The hours of an answer in its order, `time` and each variable a column.

    Raises:
        UnreadableFileError: the answer is not what was asked for; the message says in which way.
    """
    body, units, hourly = _parsed(asked)
    _check_units(units, hourly, asked)
    _check_zone_and_place(body, asked)
    _check_hours(hourly, asked)
    declared = {column.name: column.type for column in asked.columns}
    columns = {
        name: times_without_zone(_times(values, asked))
        if name == "time"
        else _values(name, values, declared.get(name), asked)
        for name, values in hourly.items()
    }
    return pa.table(columns)


def _parsed(asked: Asked) -> tuple[dict[str, Any], dict[str, Any], dict[str, list[Any]]]:
    """The answer, its units and its variables, each a list as long as that of the times."""
    content = asked.file.path.read_bytes()
    try:
        body = json.loads(content, parse_constant=_no_number, object_pairs_hook=_no_name_twice)
        units, hourly = body["hourly_units"], body["hourly"]
        if not isinstance(units, dict) or not isinstance(hourly, dict):
            raise TypeError("hourly and hourly_units are no objects")
        lengths = {name: len(values) if isinstance(values, list) else None for name, values in hourly.items()}
        hours = lengths["time"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise asked.file.unreadable(
            "Open-Meteo's JSON with hourly and hourly_units",
            f"got {content[:200].decode(errors='replace')!r} ({type(error).__name__}: {str(error)[:100]})",
            _LATER,
        ) from error
    names = [name for name in hourly if not _VARIABLE_NAME.fullmatch(name) or name in _OUR_NAMES]
    if names or len(hourly) > _MOST_VARIABLES:
        raise asked.file.unreadable(
            f"variables with names such as rain or temperature_2m, at most {_MOST_VARIABLES}",
            f"the answer has {len(hourly)}" + (f", one named {names[0][:80]!r}" if names else ""),
            f"Something between you and Open-Meteo gives other answers; remove it, then {asked.file.load_again}.",
        )
    uneven = {name: length for name, length in lengths.items() if length is None or length != hours}
    if uneven:
        name, length = next(iter(uneven.items()))
        came = f"{length:,} values" if length is not None else "no list"
        raise asked.file.unreadable(
            "a value for each time in every variable",
            f"{name} has {came} and time {hours if hours is not None else 'none'}",
            _LATER,
        )
    return body, units, hourly


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{name[:60]!r} is there more than once")
    return named


def _check_units(units: dict[str, Any], hourly: dict[str, list[Any]], asked: Asked) -> None:
    wrong = {name: units.get(name) for name, unit in asked.units.items() if name in hourly and units.get(name) != unit}
    if wrong:
        expected = {name: asked.units[name] for name in wrong}
        raise asked.file.unreadable(
            f"the units {expected}",
            f"the answer has {str(wrong)[:200]}",
            f"Open-Meteo may have changed its defaults; ask for the units in {asked.declared_in}.",
        )


def _check_zone_and_place(body: dict[str, Any], asked: Asked) -> None:
    zone, offset = body.get("timezone"), body.get("utc_offset_seconds")
    if zone not in ("GMT", "UTC") or isinstance(offset, bool) or offset != 0:
        raise asked.file.unreadable(
            "times in GMT with utc_offset_seconds 0",
            f"the answer has {str(offset)[:50]} in {str(zone)[:50]}",
            f"Ask again later; if it stays so, Open-Meteo has changed, and {asked.declared_in} must follow.",
        )
    for name, expected in (("latitude", asked.latitude), ("longitude", asked.longitude)):
        came = body.get(name)
        if not _is_number(came) or abs(came - expected) > _GRID_DEGREES:
            raise asked.file.unreadable(
                f"weather of {name} {expected} (within {_GRID_DEGREES} degrees)",
                f"the answer is of {str(came)[:50]}",
                "Ask again later, and look for something between you and Open-Meteo that gives other answers.",
            )


def _check_hours(hourly: dict[str, list[Any]], asked: Asked) -> None:
    """The hours must be those asked for, each once, with something measured in each."""
    times = Counter(_times(hourly["time"], asked))
    others = sorted(times.keys() - set(asked.hours))
    repeated = sorted(hour for hour, count in times.items() if count > 1)
    for hours, which in ((others, "not asked for"), (repeated, "there more than once")):
        if hours:
            raise asked.file.unreadable(
                f"each hour from {asked.hours[0]} to {asked.hours[-1]} (UTC)",
                f"{len(hours)} are {which}, the first {hours[0]}",
                "What was loaded stays; ask again later.",
            )
    measured = [values for name, values in hourly.items() if name != "time"]
    empty = sum(all(values[hour] is None for values in measured) for hour in range(len(hourly["time"])))
    missing = len(asked.hours) - len(times) + empty
    if missing:
        raise asked.file.unreadable(
            f"{len(asked.hours)} hours of weather (UTC, with the day after the {asked.grain})",
            f"{missing} are missing or empty",
            f"Open-Meteo fills them within days; load the {asked.grain} then.",
        )


def _times(values: list[Any], asked: Asked) -> list[datetime]:
    try:
        times = [datetime.fromisoformat(value) for value in values]
        if any(time.tzinfo for time in times):
            raise ValueError("a time with a zone")
    except (ValueError, TypeError) as error:
        raise asked.file.unreadable("times such as 2025-05-31T23:00", f"got {str(error)[:100]}", _LATER) from error
    return times


def _values(name: str, values: list[Any], type_: ColumnType | None, asked: Asked) -> pa.Array:
    """A variable's values as its type; one that was not asked for is kept as numbers, or as text."""
    if type_ is None:
        return _values_of_new_variable(values)
    is_valid = _is_integer if type_ is ColumnType.INTEGER else _is_number
    for hour, value in enumerate(values):
        if value is not None and not is_valid(value):
            raise asked.file.unreadable(
                f"{'whole' if type_ is ColumnType.INTEGER else 'finite'} numbers as {name}",
                f"got {str(value)[:50]!r} for hour {hour + 1} of {len(values)}",
                f"{asked.file.load_again.capitalize()}; if it stays so, the variable has changed, and "
                f"{asked.declared_in} must follow.",
            )
    if type_ is ColumnType.INTEGER:
        return numbers([None if value is None else int(value) for value in values], pa.int64())
    return numbers([None if value is None else float(value) for value in values], pa.float64())


def _values_of_new_variable(values: list[Any]) -> pa.Array:
    given = [value for value in values if value is not None]
    if given and all(type(value) is int and value in _BIG_INTEGERS for value in given):
        return numbers(values, pa.int64())
    if given and all(_is_number(value) for value in given):
        return numbers([None if value is None else float(value) for value in values], pa.float64())
    given_texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return texts(given_texts)


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number, which JSON's true and false are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_integer(value: Any) -> bool:
    return _is_number(value) and value == int(value) and int(value) in _INTEGERS
