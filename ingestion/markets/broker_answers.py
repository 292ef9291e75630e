"""What the broker's answers are made of: bars, contracts, times. Each is checked before anything is made of it.

Sources: the API's reference, https://docs.alpaca.markets/us/reference/optionchain and the pages beside it, with their
OpenAPI definitions. A contract's name is that of the Options Clearing Corporation: the root of the underlying's symbol,
which has a digit after a split or merger (XOM2), the day of expiry, C or P, and the strike in thousandths.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ingestion.markets.trading_days import NEW_YORK
from ingestion.partitions import Partition
from ingestion.readers.published_file import PublishedFile
from ingestion.readers.records import BadValueError, as_time

LATER = "Ask again later; if it stays so, the API has changed."
_NAME = re.compile(r"[A-Z0-9][A-Z0-9./]{0,29}")
_CONTRACT = re.compile(r"([A-Z0-9.]{1,10})([0-9]{2})([0-9]{2})([0-9]{2})([CP])([0-9]{8})")

# A bar's fields, and what they are called here.
BAR_FIELDS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "n": "trade_count", "vw": "vwap"}


@dataclass(frozen=True)
class Contract:
    """What a contract's name says of it."""

    root: str
    expiration_date: date
    strike: float
    option_type: str


def said_by_api(partition: Partition, path: Path = Path()) -> PublishedFile:
    """The answers about a partition, which have no name of their own; without a path while they are coming."""
    return PublishedFile(partition, path, called=str(partition))


def contract_of(name: str) -> Contract | None:
    """What a contract's name says; None where it is not of the usual form."""
    found = _CONTRACT.fullmatch(name)
    if found is None:
        return None
    root, year, month, day, letter, strike = found.groups()
    try:
        expires = date(2000 + int(year), int(month), int(day))
    except ValueError:
        return None
    return Contract(root, expires, int(strike) / 1000, "call" if letter == "C" else "put")


def is_root_of(contract: str, underlying: str) -> bool:
    """Whether a contract's root looks like the symbol's: BRKB of BRK.B, SPXW of SPX, XOM2 of XOM."""
    return contract.startswith(underlying.replace(".", ""))


def new_york_day(value: Any, file: PublishedFile) -> date:
    """The day in New York of a time in UTC. A daily bar has the time at which its day began there."""
    return day_in_new_york(time_of(value, file))


def day_in_new_york(time: datetime) -> date:
    """The day in New York of a time in UTC without zone."""
    return time.replace(tzinfo=UTC).astimezone(NEW_YORK).date()


def time_of(value: Any, file: PublishedFile) -> datetime:
    """A time of the API, in UTC without zone.

    Raises:
        UnreadableFileError: it is none.
    """
    try:
        return as_time(value)
    except BadValueError as error:
        raise file.unreadable(str(error), f"got {str(value)[:50]!a}", LATER) from error


def name_of(value: Any, file: PublishedFile) -> str:
    """A symbol or a contract's name.

    Raises:
        UnreadableFileError: it cannot be one.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise file.unreadable("the name of a share or contract", f"got {str(value)[:50]!a}", LATER)
    return value


def object_of(value: Any, what: str, file: PublishedFile) -> Mapping[str, Any]:
    """An object; an empty one where there is null.

    Raises:
        UnreadableFileError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise file.unreadable(f"an object as {what}", f"got {str(value)[:50]!a}", LATER)
    return value


def field_of(answer: Mapping[str, Any], name: str, file: PublishedFile) -> Any:
    """A field that an answer must have; it may be null.

    Raises:
        UnreadableFileError: it is missing.
    """
    if name not in answer:
        raise file.unreadable(f"an answer with {name}", f"it has {', '.join(answer)[:100]!a}", LATER)
    return answer[name]


def has_any(pages: Iterable[Mapping[str, Any]], name: str, file: PublishedFile) -> bool:
    """Whether a field, which every page must have, has something in it on any page.

    Raises:
        UnreadableFileError: a page has no such field, or it is no object.
    """
    found = [object_of(field_of(page, name, file), name, file) for page in pages]
    return any(found)


def bars_of(answer: Mapping[str, Any], day: date, file: PublishedFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The bars of a page of daily bars, each with its symbol. All must be of this day.

    Raises:
        UnreadableFileError: it is no such page, or a bar is of another day.
    """
    for symbol, bars in object_of(field_of(answer, "bars", file), "bars", file).items():
        name_of(symbol, file)
        if not isinstance(bars, list):
            raise file.unreadable(f"a list of bars of {symbol}", f"got {str(bars)[:50]!a}", LATER)
        for bar in bars:
            said = object_of(bar, f"a bar of {symbol}", file)
            found = new_york_day(said.get("t"), file)
            if found != day:
                raise file.unreadable(f"bars of {day}", f"one of {symbol} is of {found}", LATER)
            yield symbol, said


def listed_contracts(
    answer: Mapping[str, Any], underlying: str, file: PublishedFile
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The contracts of a page, each with its name. All must be of this underlying.

    Raises:
        UnreadableFileError: it is no such page, or a contract is of another underlying.
    """
    listed = field_of(answer, "option_contracts", file)
    if listed is not None and not isinstance(listed, list):
        raise file.unreadable("a list of contracts", f"got {str(listed)[:50]!a}", LATER)
    for contract in listed or ():
        said = object_of(contract, "a contract", file)
        name = name_of(said.get("symbol"), file)
        if said.get("underlying_symbol") != underlying:
            came = str(said.get("underlying_symbol"))[:30]
            raise file.unreadable(f"contracts of {underlying}", f"{name} is of {came!a}", LATER)
        yield name, said


def with_others(record: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """A record with fields that nobody knows. They cannot take the place of those that are known."""
    for name, value in others.items():
        record[f"{name}_published" if name in record else name] = value
    return record


def bar_record(names: Mapping[str, str], bar: Mapping[str, Any], file: PublishedFile) -> dict[str, Any]:
    """The record of a bar, that begins with these names."""
    record = {**names, "timestamp": time_of(bar.get("t"), file)}
    record |= {ours: bar.get(field) for field, ours in BAR_FIELDS.items()}
    return with_others(record, {name: value for name, value in bar.items() if name not in ("t", *BAR_FIELDS)})
