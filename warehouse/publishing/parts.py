"""The parts of a table: its partitions as the ledger has them, how many rows they have, and a checksum of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import duckdb

from warehouse.connection import WarehouseError
from warehouse.publishing.project import Model
from warehouse.releases.release import Part, ReleaseTable
from warehouse.sql import identifier, literal

# The key of the only part of a table that is not kept by partitions.
WHOLE = "all"

_WATERMARKS = """
    select partition_key, feed, grain, period_start, version, load_id, rows, updated_at
    from meta.asset_watermarks
    where asset = ? and source_url is null and rows > 0
    order by partition_key
"""

_PARTS_A_STATEMENT = 100


class PublishingError(WarehouseError):
    """A release cannot be made. Readers keep the one before. The message says why and what to do."""


Columns = tuple[tuple[str, str], ...]
"""Names and types of a table's columns, in their order."""


def columns_of_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Columns]:
    """The columns of every table and view, by its name with schema. DuckDB reads its whole catalogue for one, too."""
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table, name, type_ in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault(f"{schema}.{table}", []).append((name, type_))
    return {table: tuple(columns) for table, columns in found.items()}


def condition(model: Model, part: Part) -> str:
    """The SQL condition that the rows of a part fulfil."""
    if part.partition_key == WHOLE and not model.partition_fields:
        return "true"
    conditions = []
    for name, type_ in model.partition_fields:
        value = str(part.period_start) if type_ in ("date", "timestamp") else str(part.feed)
        conditions.append(f"{identifier(name)} = cast({literal(value)} as {type_})")
    return " and ".join(conditions)


def parts_of(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    columns: Sequence[tuple[str, str]],
    before: ReleaseTable | None,
) -> tuple[Part, ...]:
    """The parts of a table as they are now, without files. Parts that were not built since `before` are not read.

    Raises:
        PublishingError: the table has other rows than the ledger says.
    """
    if not model.partition_fields:
        rows, content = _measured(connection, model, "true")
        return (Part(WHOLE, rows, content),)
    known = _known_parts(before, columns)
    found = [
        (part, known.get((part.partition_key, part.version, part.built_at))) for part in _partitions(connection, model)
    ]
    measured = _measured_parts(connection, model, [part for part, same in found if same is None], len(found))
    parts = []
    for part, same in found:
        if same is None:
            rows, content = measured.get(_values(model, part), (0, ""))
            if rows != part.rows:
                raise _differs(model, part.rows, rows, part.partition_key)
            part = replace(part, content=content)
        else:
            part = replace(part, content=same.content)
        parts.append(part)
    # Counting without a condition costs nothing.
    ((count,),) = connection.execute(f"select count(*) from {model.relation}").fetchall()
    if (expected := sum(part.rows for part in parts)) != count:
        raise _differs(model, expected, count)
    return tuple(parts)


def _known_parts(
    before: ReleaseTable | None, columns: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str | None, object], Part]:
    """What the release before has of a table; nothing if its columns were others."""
    if before is None or before.columns != tuple(columns):
        return {}
    return {(part.partition_key, part.version, part.built_at): part for part in before.parts}


def _partitions(connection: duckdb.DuckDBPyConnection, model: Model) -> Iterator[Part]:
    for key, feed, grain, start, version, load_id, rows, built_at in connection.execute(
        _WATERMARKS, [model.table]
    ).fetchall():
        yield Part(key, rows, "", feed, grain, start, version, load_id, built_at)


def _measured(connection: duckdb.DuckDBPyConnection, model: Model, where: str) -> tuple[int, str]:
    """Rows and checksum of a part."""
    return rows_and_content(connection, model.relation, where)


def _measured_parts(
    connection: duckdb.DuckDBPyConnection, model: Model, parts: Sequence[Part], there: int
) -> dict[tuple[object, ...], tuple[int, str]]:
    """Rows and checksum of some of the parts that are there, by the values of the partition's columns.

    A statement for many of them: one for each takes a millisecond of which nothing is spent on its rows.
    """
    fields = ", ".join(identifier(name) for name, _ in model.partition_fields)
    if len(parts) > there // 2:
        conditions = ["true"]
    else:
        # DuckDB skips the rest of the table all the same.
        named = [f"({condition(model, part)})" for part in parts]
        conditions = [
            " or ".join(named[at : at + _PARTS_A_STATEMENT]) for at in range(0, len(named), _PARTS_A_STATEMENT)
        ]
    found = {}
    for where in conditions if parts else ():
        for *values, rows, content in connection.execute(
            f"select {fields}, count(*), sum(hash(t)) from {model.relation} as t where {where} group by {fields}"
        ).fetchall():
            found[tuple(values)] = rows, f"{content or 0:x}"
    return found


def _values(model: Model, part: Part) -> tuple[object, ...]:
    """What DuckDB gives as the values of the columns that name a partition."""
    values: list[object] = []
    for _, type_ in model.partition_fields:
        start = part.period_start
        values.append({"date": start and start.date(), "timestamp": start}.get(type_, part.feed))
    return tuple(values)


def rows_and_content(connection: duckdb.DuckDBPyConnection, source: str, where: str = "true") -> tuple[int, str]:
    """The number of rows, and a checksum that does not depend on their order."""
    rows, content = connection.execute(f"select count(*), sum(hash(t)) from {source} as t where {where}").fetchall()[0]
    return rows, f"{content or 0:x}"


def _differs(model: Model, expected: int, found: int, partition_key: str | None = None) -> PublishingError:
    of = f" of {partition_key}" if partition_key else ""
    return PublishingError(
        f"{model.full_name}: expected {expected:,} rows{of}, as the ledger says, but the table has {found:,}: somebody "
        f"else changed it. Build it anew: nyc build --select {model.name} --full-refresh"
    )
