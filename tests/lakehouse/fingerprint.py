"""A hash of rows that is the same whichever engine read them, and in whichever order.

Also a program, for an engine that lives in another environment: `python fingerprint.py FILE.duckdb` prints the hash of
every table and view of a DuckDB file, with the version of DuckDB that read them, as JSON.
"""

import hashlib
import json
import sys
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_MISSING = "\x00missing"
_BETWEEN_COLUMNS = "\x1f"


def fingerprint(rows: Any) -> str:
    """Hash a table of Arrow, or anything that has one: a reader of batches, a frame of Polars."""
    table = _as_arrow(rows)
    names = sorted(table.column_names)
    # Engines differ in how they call a type, not in what it holds.
    texts = [pc.fill_null(_as_text(table.column(name).combine_chunks()), _MISSING) for name in names]
    joined = (
        pc.binary_join_element_wise(*texts, pa.scalar(_BETWEEN_COLUMNS, pa.large_string())) if table.num_rows else []
    )
    total = 0
    for row in joined:
        total += int.from_bytes(hashlib.blake2b(row.as_py().encode(), digest_size=16).digest())
    return f"{table.num_rows} rows of {','.join(names)}: {total % 2**128:032x}"


def _as_arrow(rows: Any) -> pa.Table:
    if hasattr(rows, "read_all"):
        return rows.read_all()
    if hasattr(rows, "to_arrow"):
        import polars

        return rows.to_arrow(compat_level=polars.CompatLevel.oldest())
    return rows


def _as_text(column: Any) -> Any:
    type_ = column.type
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type_)
    if pa.types.is_dictionary(type_):
        column, type_ = column.dictionary_decode(), type_.value_type
    if pa.types.is_timestamp(type_):
        # Microseconds since 1970, in UTC where there is a zone.
        column = column.cast(pa.timestamp("us", type_.tz)).cast(pa.int64())
    elif pa.types.is_floating(type_):
        column = column.cast(pa.float64())
    elif pa.types.is_nested(type_):
        column = pa.array([None if each is None else json.dumps(each, default=str) for each in column.to_pylist()])
    text = column.cast(pa.large_string())
    if pa.types.is_decimal(type_) and type_.scale > 0:
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return text


def fingerprints_of_file(path: str) -> dict[str, str]:
    """The hash of every table and view of a DuckDB file, by schema and name."""
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal"
            " union all select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
        return {name: fingerprint(connection.sql(f"from {name}").to_arrow_table()) for (name,) in names}


if __name__ == "__main__":
    import duckdb

    print(json.dumps({"version": duckdb.__version__, "tables": fingerprints_of_file(sys.argv[1])}))
