"""From a file's columns to those that its feed declares: names in any spelling, former names, types as declared."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ingestion.feeds import PARTITION_COLUMN_NAMES, Column, ColumnType, Feed
from ingestion.readers.casts import cast, is_always_null, not_finite, raw_type_of
from ingestion.readers.published_file import PublishedFile, shortened
from warehouse.sql import identifier

# The widest published file has 24.
MAX_COLUMNS = 500
_MAX_NAME_LENGTH = 200

# Names of ours, of dlt's and of DuckDB's own columns. A published column of such a name is kept under another.
RESERVED_NAMES = frozenset({*PARTITION_COLUMN_NAMES, "_dlt_load_id", "_dlt_id", "rowid", "file_row_number"})


@dataclass(frozen=True)
class Selection:
    """How to read a published file: the SQL select list, and the raw columns it gives.

    `not_finite` are the SQL conditions, by raw column, of values that are read as null because they are NaN or
    infinite. `renamed` says under which other raw names published columns are kept. `aliases` are what the select list
    calls the file's columns, in their order.
    """

    select_list: str
    columns: tuple[Column, ...]
    new_columns: tuple[Column, ...]
    not_finite: Mapping[str, str]
    renamed: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """One published column and the raw column that it goes to."""

    name: str
    type: str
    value: str
    raw: Column


def match_key(name: str) -> str:
    """What two spellings of a published name have in common: `Trip Duration`, `trip_duration` and `tripduration`."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name


def check_names(names: Sequence[str], file: PublishedFile) -> None:
    """Refuse a header with too many columns, names that are too long, or the same name twice.

    Raises:
        UnreadableFileError: the header is refused.
    """
    counted = Counter(name for name in names if name.strip())
    twice = [name for name, count in counted.items() if count > 1]
    too_long = [name for name in counted if len(name) > _MAX_NAME_LENGTH or "\0" in name]
    if len(names) > MAX_COLUMNS:
        came = f"it has {len(names):,}"
    elif too_long:
        came = f"a name is {too_long[0][:60]!r}…"
    elif twice:
        came = f"{shortened(', '.join(twice))} is there {counted[twice[0]]} times"
    else:
        return
    raise file.unreadable(
        f"at most {MAX_COLUMNS} columns, each once, with names of at most {_MAX_NAME_LENGTH} letters",
        came,
        f"Look at the publisher's page; {file.load_again} when the file is repaired.",
    )


# How the messages begin that `select_columns` and `PublishedFile.wrong_values` refuse a file with.
_ABOUT_COLUMNS = re.compile(r": expected (?:the columns of feed |[\w()]+ in column \w+, as |values of the types in )")


def is_about_columns(message: str) -> bool:
    """Whether a file was refused because it lacks a column, or has one that cannot be of the declared type."""
    return _ABOUT_COLUMNS.search(message) is not None


def select_columns(
    file: PublishedFile,
    published: Mapping[str, str],
    existing: Mapping[str, str] | None = None,
    *,
    by_position: bool = False,
) -> Selection:
    """How to turn a published file into raw columns.

    `published` maps the file's column names to their DuckDB types. Declared columns come first, in the declared order
    and types, null where an optional one is not in the file. A column that the feed does not declare is kept: in the
    column of the raw table that has its name in another spelling (`existing`, names and types), else under its name in
    snake_case. One whose name is ours gets the ending `_published`; one that the existing column cannot hold gets a
    column of its own, such as `fee_as_varchar`.

    With `by_position` the select list calls the file's columns by their raw names, and undeclared ones c0, c1, …, so
    that no name from outside is in it, and DuckDB's messages say which column is meant.

    Raises:
        UnreadableFileError: a required column is missing or cannot be of its type, or two columns have the same raw
            name.
    """
    feed = file.partition.feed
    known, required = _known_names(feed, file.partition.period.first_day)
    declared = {column.name: column for column in feed.columns}
    namer = NewNames(declared, existing or {})
    reads = []
    aliases = []
    for position, (name, type_) in enumerate(published.items()):
        raw = known.get(match_key(name))
        aliases.append((raw if raw in declared else f"c{position}") if by_position else name)
        value = identifier(aliases[-1])
        if type_ == "JSON":
            value, type_ = f"({value} ->> '$')", "VARCHAR"
        column = declared.get(raw) if raw else None
        reads.append(_Read(name, type_, value, column or namer.column(raw or namer.name(name, position), type_)))
    _check_columns(file, required, reads)
    by_name = {read.raw.name: read for read in reads}
    new_columns = tuple(read.raw for read in reads if read.raw.name not in declared)
    columns = feed.columns + new_columns
    expressions = [f"{_expression(by_name.get(c.name), c, file)} as {identifier(c.name)}" for c in columns]
    conditions = {read.raw.name: not_finite(read.value, read.type) for read in reads}
    return Selection(
        ", ".join(expressions),
        columns,
        new_columns,
        {name: condition for name, condition in conditions.items() if condition},
        tuple(f"{shortened(name, 60)!r} as {raw}" for name, raw in namer.renamed.items()),
        tuple(aliases),
    )


def _known_names(feed: Feed, first_day: date) -> tuple[dict[str, str], set[str]]:
    """Raw names by match key, and which of them must be in the file."""
    known = {match_key(column.name): column.name for column in feed.columns}
    required = {column.name for column in feed.columns if column.required}
    if feed.former_schema and first_day < feed.former_schema.until:
        former = {match_key(name): raw for name, raw in feed.former_schema.raw_names}
        known |= former
        required &= set(former.values())
    return known, required


class NewNames:
    """Raw columns for what the feed does not declare, with a record of names that are not the published ones."""

    def __init__(self, declared: Mapping[str, Column], existing: Mapping[str, str]) -> None:
        self._existing = {
            name: type_ for name, type_ in existing.items() if name not in RESERVED_NAMES and name not in declared
        }
        # Of two spellings that are in the table already the first is filled from now on.
        self._spelled = {match_key(name): name for name in reversed(self._existing)}
        self.renamed: dict[str, str] = {}

    def name(self, published: str, position: int) -> str:
        if spelled := self._spelled.get(match_key(published)):
            return spelled
        if not any(letter.isascii() and letter.isalnum() for letter in published):
            return f"unnamed_{position + 1}"
        raw = _snake_case(published)
        if raw in RESERVED_NAMES:
            raw = self.renamed[published] = f"{raw.strip('_')}_published"
        return raw

    def column(self, name: str, published_type: str) -> Column:
        """The raw column for values of a DuckDB type: the existing one of this name, if it can hold them all."""
        type_ = raw_type_of(published_type)
        there = self._existing.get(name)
        is_number = (there, type_) == (ColumnType.DOUBLE, ColumnType.BIGINT)
        if there is None or there == type_:
            return Column(name, type_)
        if there == ColumnType.VARCHAR or is_number or is_always_null(published_type):
            return Column(name, ColumnType(there))
        self.renamed[name] = f"{name}_as_{type_.lower()}"
        return Column(self.renamed[name], type_)


def _check_columns(file: PublishedFile, required: set[str], reads: list[_Read]) -> None:
    feed = file.partition.feed
    counted = Counter(read.raw.name for read in reads)
    missing = required.difference(counted)
    problems = [f"{column.name} is missing" for column in feed.columns if column.name in missing]
    problems += [f"{name} is there {count} times" for name, count in sorted(counted.items()) if count > 1]
    if problems:
        declared = {column.name for column in feed.columns}
        others = ", ".join(read.name for read in reads if read.raw.name not in declared)
        twice = ", ".join(repr(read.name) for read in reads if counted[read.raw.name] > 1)
        raise file.unreadable(
            f"the columns of feed {feed.name}",
            f"{shortened(', '.join(problems))}{f' ({shortened(twice, 80)})' if twice else ''}; "
            f"it has {shortened(others) or 'nothing'} beside them",
            f"If the publisher renamed it, change the feed in {feed.declared_in}.",
        )


def _expression(read: _Read | None, column: Column, file: PublishedFile) -> str:
    if read is None:
        return f"cast(null as {column.type})"
    value = cast(read.value, column.name, read.type, column.type)
    if value is None:
        raise file.unreadable(
            f"{column.type} in column {column.name}, as {file.partition.feed.declared_in} declares",
            f"it is {shortened(read.type)}",
            f"{file.load_again.capitalize()}; if it stays so, the publisher has changed the file, and the feed must "
            "follow.",
        )
    return value


def _snake_case(name: str) -> str:
    """A name that the feed does not declare, as dlt would write it."""
    # Imported here because dlt takes half a second to import, and such columns are rare.
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return NamingConvention().normalize_identifier(name)
