"""How the data is, by its last checks, whoever ran them: `python -m quality.health`.

The latest result of every check in the ledger: of dbt's tests, the suites of Great Expectations and Dagster's asset
checks. Exit status: 0 no check of severity error failed; 1 one did; 3 there is no database, or nothing was checked.
"""

import sys

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from warehouse.connection import WarehouseError, open_for_reading
from warehouse.terminal import quiet_on_broken_pipe

# A check's latest run; where that failed for several partitions, all of them.
_LATEST = """
    select source, asset, check_name, partition_key, severity, passed, observed, expected, checked_at
    from meta.asset_checks
    qualify checked_at = max(checked_at) over (partition by source, asset, check_name)
"""

# Views of the dbt tests that warn, with what they name.
_NAMED = {
    "assert_every_month_of_trips_has_weather": (
        "months of trips without weather",
        "select strftime(month_without_weather, '%Y-%m')",
    ),
    "assert_no_day_of_a_loaded_month_is_without_trips": ("days without trips", "select feed || ' ' || date_day"),
    "assert_trips_of_a_day_are_like_those_of_its_weekday": (
        "days unlike their weekday",
        "select feed || ' ' || pickup_date || ': ' || trip_count || ' trips, median ' || median_trip_count",
    ),
}


def print_health(connection: duckdb.DuckDBPyConnection, console: Console) -> int | None:
    """Print the latest checks; how many of severity error failed, none where nothing was checked."""
    latest = connection.execute(f"{_LATEST} order by source, severity, asset, check_name, partition_key").fetchall()
    if not latest:
        return None
    table = Table("source", box=None, header_style="bold", pad_edge=False)
    for name in ("checks", "failed", "warned", "last at (UTC)"):
        table.add_column(name, justify="right")
    for source in sorted({row[0] for row in latest}):
        rows = [row for row in latest if row[0] == source]
        counts = [_checks(rows), *(_checks([row for row in rows if row[4:6] == (s, False)]) for s in ("error", "warn"))]
        table.add_row(source, *(f"{count:,}" for count in counts), f"{max(row[8] for row in rows):%Y-%m-%d %H:%M}")
    console.print(table)
    for _, asset, check, partition, severity, passed, observed, expected, _ in latest:
        if not passed:
            word = "[bold red]failed[/]" if severity == "error" else "[yellow]warned[/]"
            of = f" of {partition}" if partition else ""
            console.print(word, escape(f"{asset}.{check}{of}: observed {observed}, expected {expected}"))
    for test, (title, query) in _NAMED.items():
        if named := _named(connection, test, query):
            console.print(f"{title}: {escape(', '.join(named))}")
    return _checks([row for row in latest if row[4:6] == ("error", False)])


def _checks(rows: list[tuple[object, ...]]) -> int:
    return len({row[1:3] for row in rows})


def _named(connection: duckdb.DuckDBPyConnection, test: str, query: str) -> list[str]:
    is_there = "select count(*) from information_schema.tables where table_schema = 'core_checks' and table_name = ?"
    if not connection.execute(is_there, [test]).fetchall()[0][0]:
        return []
    return [name for (name,) in connection.execute(f"{query} from core_checks.{test}").fetchall()]


@quiet_on_broken_pipe
def main() -> int:
    """Print the health of the data, and return the exit status."""
    try:
        with open_for_reading() as connection:
            failed = print_health(connection, Console(highlight=False, soft_wrap=True))
    except duckdb.CatalogException:
        failed = None
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 3
    if failed is None:
        print("nothing was checked yet. Run dbt build in dbt/, or python -m quality.run", file=sys.stderr)
        return 3
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
