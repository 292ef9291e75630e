"""Files that the ledger says are loaded, but whose rows are gone: after a restore from a release, or by other hands.

dbt refuses to build while there are some. What a publisher still has is loaded again by `nyc gaps --fill`. Of the rest
a person says that it is to go on without it.
"""

from collections.abc import Sequence

import duckdb

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.raw_data import rows_by_load
from warehouse.connection import NotThereYetError, open_for_writing
from warehouse.ledger import Ledger
from warehouse.paths import database_path

KIND = "restore"


def give_up_lost(dry_run: bool) -> list[str]:
    """Forget what is lost: the ledger no longer says that it is loaded. Gives a line for each file.

    With `dry_run` nothing is forgotten.

    Raises:
        NotThereYetError: there is no DuckDB file.
        WarehouseError: it cannot be opened.
    """
    if not database_path().exists():
        raise NotThereYetError(
            f"{database_path()}: expected a DuckDB file, but there is none. Restore one: nyc restore --from latest"
        )
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        lost = lost_partitions(ledger, connection)
        if lost and not dry_run:
            _forget(list(lost), ledger, connection)
    return [f"{partition}: {rows:,} rows" for partition, rows in lost.items()]


def lost_partitions(ledger: Ledger, connection: duckdb.DuckDBPyConnection) -> dict[Partition, int]:
    """The partitions of files of which the raw table holds no row, though the ledger says how many it does."""
    loaded = {
        Partition(feed, feed.period(key)): watermark.rows
        for (name, key), watermark in ledger.watermarks().items()
        if (feed := FEEDS.get(name)) and not feed.is_stream and watermark.rows > 0
    }
    held = rows_by_load(loaded, connection)
    lost = [partition for partition in loaded if partition not in held]
    return {one: loaded[one] for one in sorted(lost, key=lambda one: (one.feed.name, one.period.start))}


def _forget(lost: Sequence[Partition], ledger: Ledger, connection: duckdb.DuckDBPyConnection) -> None:
    with ledger.transaction():
        run_id = ledger.start_run(KIND, {"given_up": [str(one) for one in lost]}, started_by="terminal")
        keys = [[one.feed.name for one in lost], [one.key for one in lost]]
        for table, feed in (("asset_watermarks", "asset"), ("source_files", "feed")):
            connection.execute(
                f"delete from meta.{table} where ({feed}, partition_key) in"
                " (select unnest(?::varchar[]), unnest(?::varchar[]))",
                keys,
            )
        ledger.finish_run(run_id, "success")
