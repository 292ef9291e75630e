"""From a file's columns to the registry's: names in any capitals, types as declared."""

from collections.abc import Mapping
from pathlib import Path

from dlt.common.normalizers.naming.snake_case import NamingConvention

from ingestion.errors import UnreadableFileError
from ingestion.feeds import ColumnType, Feed

_SNAKE_CASE = NamingConvention()


def _match_key(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def _type_of_new_column(published: str) -> ColumnType:
    """The raw type for a column that the registry does not know, from its DuckDB type in the file."""
    if "INT" in published and published != "INTERVAL":
        return ColumnType.BIGINT
    if published in ("DOUBLE", "FLOAT") or published.startswith("DECIMAL"):
        return ColumnType.DOUBLE
    return ColumnType.TIMESTAMP if published.startswith("TIMESTAMP") else ColumnType.VARCHAR


def raw_names(feed: Feed, published: list[str], path: Path) -> dict[str, str]:
    """Map each published name to its raw name.

    A name that the registry does not know is kept, in snake_case.

    Raises:
        UnreadableFileError: a required column is missing.
    """
    known = {_match_key(column.name): column.name for column in feed.columns}
    names = {name: known.get(_match_key(name)) or _SNAKE_CASE.normalize_identifier(name) for name in published}
    missing = [column.name for column in feed.columns if column.required and column.name not in names.values()]
    if missing:
        raise UnreadableFileError(
            f"{path.name}: expected the columns of feed {feed.name}, but {', '.join(missing)} is missing; it has "
            f"{', '.join(published) or 'none'}. If the publisher renamed it, change the feed in ingestion/feeds.py."
        )
    return names


def select_list(feed: Feed, published: Mapping[str, str], path: Path) -> str:
    """The SQL select list that turns a published file into raw columns.

    `published` maps the file's column names to their DuckDB types. Declared columns come first, in
    the registry's order and types, null where an optional one is not in the file.

    Raises:
        UnreadableFileError: a required column is missing.
    """
    names = raw_names(feed, list(published), path)
    published_name = {raw: name for name, raw in names.items()}
    declared = {column.name: column.type for column in feed.columns}
    new = {raw: _type_of_new_column(published[name]) for name, raw in names.items() if raw not in declared}
    return ", ".join(
        f"""cast({f'"{published_name[raw]}"' if raw in published_name else "null"} as {type_}) as "{raw}\""""
        for raw, type_ in {**declared, **new}.items()
    )
