"""Run the floor on a database in a process of its own: `python -m benchmarks.floor database [--month 2025-01-01]`.

Without a month every table is made whole; with one, that month is replaced. Prints the seconds of each table, and of
all together with opening and closing the file, as JSON.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date

import duckdb

from benchmarks.floor.statements import FACTS, MONTHS, TABLES, create, replace
from benchmarks.processes import Stopwatch


def run(database: str, tables: Sequence[str], month: date | None, memory_limit: str) -> dict[str, float]:
    """Build the tables in turn; wall seconds of each by its name, and the `wall` and `cpu` seconds of all."""
    figures: dict[str, float] = {}
    stopwatch = Stopwatch()
    with duckdb.connect(database, config={"memory_limit": memory_limit}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("create schema if not exists core_core")
        for table in tables:
            table_begun = time.monotonic()
            if month:
                connection.execute(replace(table, month))
            else:
                months = connection.execute(MONTHS).fetchall() if table == "fct_hourly_mobility" else []
                connection.execute(create(table, [pickup_month for (pickup_month,) in months]))
            figures[table] = time.monotonic() - table_begun
    return figures | stopwatch.seconds()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--month", type=date.fromisoformat, help="replace this month alone")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=FACTS)
    parser.add_argument("--memory-limit", default="4GB")
    options = parser.parse_args()
    print(json.dumps(run(options.database, options.tables, options.month, options.memory_limit)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
