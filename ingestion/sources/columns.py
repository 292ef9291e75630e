"""From a file's columns to the registry's: names in any capitals, former names, types as declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Column, ColumnType, Feed

# Times as some of Citi Bike's older files write them; all others are ISO 8601, with or without fractions.
_AMERICAN_TIMES = "['%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M']"


@dataclass(frozen=True)
class Selection:
    """How to read a published file: the SQL select list, and the raw columns it gives."""

    select_list: str
    columns: tuple[Column, ...]
    new_columns: tuple[Column, ...]


def match_key(name: str) -> str:
    """What two spellings of a published name have in common."""
    return name.replace("_", "").replace(" ", "").lower()


def select_columns(feed: Feed, month: date, published: Mapping[str, str], path: Path) -> Selection:
    """How to turn a published file into raw columns.

    `published` maps the file's column names to their DuckDB types. Declared columns come first, in
    the registry's order and types, null where an optional one is not in the file. A column that the
    registry does not know is kept, in snake_case.

    Raises:
        UnreadableFileError: a required column is missing, or two columns have the same raw name.
    """
    names = _raw_names(feed, month, published, path)
    published_name = {raw: name for name, raw in names.items()}
    declared = {column.name for column in feed.columns}
    new_columns = tuple(
        Column(raw, _type_of_new_column(published[name])) for name, raw in names.items() if raw not in declared
    )
    columns = feed.columns + new_columns
    expressions = []
    for column in columns:
        name = published_name.get(column.name)
        value = _cast(name, published[name], column.type) if name else f"cast(null as {column.type})"
        expressions.append(f'{value} as "{column.name}"')
    return Selection(", ".join(expressions), columns, new_columns)


def _raw_names(feed: Feed, month: date, published: Mapping[str, str], path: Path) -> dict[str, str]:
    """Map each published name to its raw name."""
    known = {match_key(column.name): column.name for column in feed.columns}
    required = {column.name for column in feed.columns if column.required}
    if feed.former_schema and month < feed.former_schema.until:
        former = {match_key(name): raw for name, raw in feed.former_schema.raw_names}
        known |= former
        required &= set(former.values())
    names = {name: known.get(match_key(name)) or _snake_case(name) for name in published}
    raw = list(names.values())
    problems = [f"{name} is missing" for name in sorted(required.difference(raw))]
    problems += [f"{name} is there {raw.count(name)} times" for name in sorted(set(raw)) if raw.count(name) > 1]
    if problems:
        raise UnreadableFileError(
            f"{path.name}: expected the columns of feed {feed.name}, but {', '.join(problems)}; it has "
            f"{', '.join(published) or 'none'}. If the publisher renamed it, change the feed in ingestion/feeds.py."
        )
    return names


def _snake_case(name: str) -> str:
    """A name that the registry does not know, as dlt would write it."""
    # With dlt, which takes half a second, for a column that hardly ever comes.
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return NamingConvention().normalize_identifier(name)


def _type_of_new_column(published: str) -> ColumnType:
    """The raw type for a column that the registry does not know, from its DuckDB type in the file."""
    if "INT" in published and published != "INTERVAL":
        return ColumnType.BIGINT
    if published in ("DOUBLE", "FLOAT") or published.startswith("DECIMAL"):
        return ColumnType.DOUBLE
    return ColumnType.TIMESTAMP if published.startswith("TIMESTAMP") else ColumnType.VARCHAR


def _cast(name: str, published: str, type_: ColumnType) -> str:
    """The SQL expression of a published column as a type; values that have no such meaning are errors.

    DuckDB rounds a fraction that is cast to an integer. Here that is an error, as it would be data lost.
    """
    quoted = '"' + name.replace('"', '""') + '"'
    is_integer = type_ in (ColumnType.INTEGER, ColumnType.BIGINT)
    if is_integer and published in ("DOUBLE", "FLOAT"):
        return (
            f"cast(case when {quoted} = floor({quoted}) then {quoted}"
            f" when {quoted} is not null then error({quoted} || ' in column {match_key(name)} is no whole number') end"
            f" as {type_})"
        )
    if type_ is ColumnType.TIMESTAMP and published == "VARCHAR":
        return (
            f"case when {quoted} <> '' then"
            f" coalesce(try_cast({quoted} as timestamp), strptime({quoted}, {_AMERICAN_TIMES})) end"
        )
    return f"cast({quoted} as {type_})"
