"""Small working files, and all that is in one."""

from pathlib import Path
from typing import Any

import duckdb

from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark

ROWS = 20_000
WATERMARK = Watermark("load 1", ROWS, None, None, Fingerprint("https://example.org/f"))

# Writes on and on, a number of each of two tables in one transaction, and says each time that it has.
WRITER = """
import itertools, sys
from pathlib import Path
from warehouse.connection import open_for_writing
path = Path(sys.argv[1])
for number in itertools.count(1):
    with open_for_writing(path) as connection:
        connection.begin()
        connection.execute("insert into raw_data.trips select ?, random(), 'new' from range(5000)", [number])
        connection.execute("insert into core_core.counted values (?)", [number])
        connection.commit()
    print(number, flush=True)
"""

# Commits, and is killed before DuckDB brings it from its log into the file.
KILLED_WRITER = """
import os, signal, sys
import duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into core_core.counted values (77)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def make_working_file(path: Path) -> None:
    """Raw rows, a mart with comments and constraints, a view on both, and a ledger."""
    with open_for_writing(path) as connection:
        connection.execute("create schema raw_data; create schema core_core")
        connection.execute(
            f"create table raw_data.trips as select i as n, random() as x, 'text ' || i as t from range({ROWS}) s (i)"
        )
        connection.execute("create table core_core.counted (n bigint not null primary key)")
        connection.execute("comment on column core_core.counted.n is 'A number'")
        connection.execute("create view core_core.both as from raw_data.trips semi join core_core.counted using (n)")
        ledger = Ledger(connection)
        ledger.set_watermark("green", "2025-05", WATERMARK)
        ledger.start_run("ingestion", {}, started_by="terminal", run_id="under way")


def change(path: Path, number: int) -> None:
    """Write something."""
    with open_for_writing(path) as connection:
        connection.execute("insert into core_core.counted values (?)", [number])


def everything(path: Path, *, without_restores: bool = False) -> dict[str, Any]:
    """All that is defined, and the rows of every table, in their order.

    Without restores, the runs that they recorded are left out, and those that they ended.
    """
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal order by 1"
        ).fetchall()
        # The many rows as they are, which is quicker than to make Python's values of them.
        found: dict[str, Any] = {
            name: rows.to_arrow_table() if name.startswith("raw_data.") else rows.fetchall()
            for (name,) in tables
            for rows in (connection.sql(f"from {name}"),)
        }
        found["definitions"] = connection.execute(
            "select schema_name, table_name, sql, comment from duckdb_tables() where not internal"
            " union all select schema_name, view_name, sql, comment from duckdb_views() where not internal"
            " union all select table_name, column_name, data_type, comment from duckdb_columns() where not internal"
            " order by all"
        ).fetchall()
    if without_restores:
        runs = found["meta.ingestion_runs"]
        found["meta.ingestion_runs"] = [run[0] for run in runs if run[1] != "restore"]
    return found
