"""What was rejected, and why: `python -m quality.quarantine`.

Rejected rows by feed, month and reason with their share of the file and three examples each. Exit status: 0 no file has
more than 1 % of its rows rejected; 1 one has; 3 there is no database, or nothing is built.
"""

import sys

import duckdb
from rich.console import Console
from rich.markup import escape

from quality.suites.mobility.facts import NO_DROPOFF_TIMES, QUARANTINE_TOLERANCE
from warehouse.connection import WarehouseError, open_for_reading
from warehouse.terminal import quiet_on_broken_pipe

_REJECTED = """
    with rejected as (
        select feed, source_month, reason, count(*) as rejected_rows
        from core_core.quarantined_trips
        group by all
    ),

    published as (
        select feed, cast(period_start as date) as source_month, rows as published_rows
        from meta.asset_watermarks
        where source_url is not null
    )

    select
        feed,
        source_month,
        reason,
        rejected_rows,
        rejected_rows / published_rows as share,
        sum(rejected_rows) over (partition by feed, source_month) / published_rows as share_of_file
    from rejected
    inner join published using (feed, source_month)
    order by feed, source_month, rejected_rows desc
"""

_EXAMPLES = """
    select source_row, pickup_datetime, dropoff_datetime
    from core_core.quarantined_trips
    where feed = ? and source_month = ? and reason = ?
    order by source_row
    limit 3
"""


def print_quarantine(connection: duckdb.DuckDBPyConnection, console: Console) -> int:
    """Print the rejected rows; how many files have more of them than is tolerated."""
    groups = connection.execute(_REJECTED).fetchall()
    above = set()
    for feed, month, reason, rows, share, share_of_file in groups:
        is_above = share_of_file > QUARANTINE_TOLERANCE
        colour = "bold red" if is_above else "bold"
        console.print(f"[{colour}]{feed} {month:%Y-%m}[/]  {reason}: {rows:,} rows, {share:.4%} of the file")
        if is_above:
            above.add((feed, month))
        if (feed, reason) == ("fhv", "missing_times") and month.year < 2017:
            console.print(f"    {NO_DROPOFF_TIMES}")
        for row, pickup, dropoff in connection.execute(_EXAMPLES, [feed, month, reason]).fetchall():
            console.print(escape(f"    row {row:,}: pickup {pickup or 'missing'}, drop-off {dropoff or 'missing'}"))
    if not groups:
        console.print("nothing was rejected")
    for feed, month in sorted(above):
        console.print(f"[bold red]failed[/] {feed} {month:%Y-%m}: more than {QUARANTINE_TOLERANCE:.0%} of the file")
    return len(above)


@quiet_on_broken_pipe
def main() -> int:
    """Print the report, and return the exit status."""
    try:
        with open_for_reading() as connection:
            return 1 if print_quarantine(connection, Console(highlight=False, soft_wrap=True)) else 0
    except duckdb.CatalogException:
        print("expected core_core.quarantined_trips, but it is missing. Run dbt build in dbt/", file=sys.stderr)
    except WarehouseError as error:
        print(error, file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())
