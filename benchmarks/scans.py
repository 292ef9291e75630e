"""What DuckDB scans for dbt: how many rows of each table each statement of a run reads, on any machine.

`python -m benchmarks.scans DATABASE -- run --select fct_trips` runs dbt and prints, as JSON on the last line, the rows
scanned by model and table; what dbt's hooks scan is under `hooks`. Rows that DuckDB skips by the least and greatest
values of a row group are not scanned. Neither are rows that are only counted, which takes 7 ms for 32 million.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.environments import local
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from dbt_common.events.contextvars import get_node_info

from benchmarks.processes import BenchmarkError
from warehouse.dbt_plugin import Plugin
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

# The name for scans that belong to no model, seed or test.
HOOKS = "hooks"


@dataclass(frozen=True)
class Scan:
    """One scan of a table (`raw_data.yellow_taxi`) by one statement of a node of dbt (`fct_trips`)."""

    node: str
    statement: str
    table: str
    rows: int
    row_groups: int
    row_groups_there: int


class _ProfiledCursor(local.DuckDBCursorWrapper):
    """A cursor of dbt's on a profiled connection, which tells `keep` of every scan."""

    def __init__(self, keep: Callable[[Scan], None], cursor: duckdb.DuckDBPyConnection) -> None:
        super().__init__(cursor)  # type: ignore[no-untyped-call]
        self._keep = keep
        self._unread: tuple[str, str] | None = None
        cursor.execute("pragma enable_profiling = 'no_output'")

    def execute(self, sql: str, bindings: object = None) -> "_ProfiledCursor":
        # One by one, because a profile is that of the last statement only.
        for statement in duckdb.extract_statements(sql):
            self._read_profile()
            super().execute(statement, bindings)  # type: ignore[no-untyped-call]
            self._unread = (_node(get_node_info()), statement.query.strip())
        return self

    def rollback(self) -> None:
        self._read_profile()
        self._cursor.rollback()

    def close(self) -> None:
        self._read_profile()
        self._cursor.close()

    def _read_profile(self) -> None:
        """Keep the scans of the last statement. Not before now, for those of a query end when its rows are fetched."""
        if self._unread:
            node, statement = self._unread
            self._unread = None
            for scan in scans_in(self._cursor.get_profiling_information(format="json"), node, statement):
                self._keep(scan)


def scans_in(profile: str, node: str, statement: str) -> Iterator[Scan]:
    """The scans of tables in DuckDB's profile, as JSON, of a statement; none where it read no column."""
    operators: list[dict[str, Any]] = list(json.loads(profile).get("operator") or ())
    while operators:
        operator = operators.pop()
        operators += operator.get("children", ())
        info = operator["extra_info"]
        if "Table" in info and (info.get("Projections") or info.get("Filters")):
            _database, table = info["Table"].split(".", 1)
            counts = ("rows_scanned", "row_groups_scanned", "total_row_groups_to_scan")
            yield Scan(node, statement, table, *(operator.get(count, 0) for count in counts))


def _node(info: Mapping[str, Any]) -> str:
    """The name of dbt's node from what dbt tells its log of it, such as `model.nyc_mobility.fct_trips`."""
    kind, *names = info.get("unique_id", "operation").split(".")
    return HOOKS if kind == "operation" else names[1]


@contextmanager
def recorded_scans() -> Iterator[list[Scan]]:
    """The scans of whatever dbt, run in this process meanwhile, sends to DuckDB on connections it opens meanwhile."""
    scans: list[Scan] = []
    # Every connection that dbt opens, one a thread, wraps its cursor in this.
    profiled = patch.object(local, "DuckDBCursorWrapper", partial(_ProfiledCursor, scans.append))
    with profiled, patch.object(Plugin, "locks_settings", False):
        yield scans


def scans_of_dbt(*arguments: str) -> list[Scan]:
    """Run dbt in this process, as `run --select fct_trips`, on the warehouse that the environment names.

    Raises:
        BenchmarkError: dbt failed.
    """
    project = str(PROJECT_ROOT / "dbt")
    command = [*arguments, "--project-dir", project, "--profiles-dir", project, "--quiet"]
    try:
        with recorded_scans() as scans:
            result = dbtRunner().invoke(command)
    finally:
        # dbt keeps the file open for the next call in the same process.
        reset_adapters()  # type: ignore[no-untyped-call]
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not result.success:
        said = result.exception or "see what it said above"
        raise BenchmarkError(f"expected `dbt {' '.join(arguments)}` to succeed, but it failed: {said}")
    return scans


def rows_by_table(scans: Sequence[Scan]) -> dict[str, dict[str, int]]:
    """Rows scanned by node and table; without tables of which there was nothing to scan."""
    rows: dict[str, dict[str, int]] = {}
    for scan in sorted(scans, key=lambda scan: (scan.node, scan.table)):
        if scan.rows:
            tables = rows.setdefault(scan.node, {})
            tables[scan.table] = tables.get(scan.table, 0) + scan.rows
    return rows


def main() -> int:
    """Run dbt and print what was scanned."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scans", description=__doc__)
    parser.add_argument("database", type=Path, help="the DuckDB file to build, in place")
    parser.add_argument("arguments", nargs="+", help="dbt's command and options, after --")
    options = parser.parse_args()
    os.environ[DATABASE_VARIABLE] = str(options.database.resolve())
    try:
        scans = scans_of_dbt(*options.arguments)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(rows_by_table(scans)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
