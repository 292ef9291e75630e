"""The files of a day: the chains of options as a file of their own, and the briefing."""

from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet

from briefings.writing import NoSuchDayError, write_briefing
from warehouse.connection import WarehouseError
from warehouse.paths import database_path
from warehouse.releases import open_for_readers

Metadata = dict[str, dg.MetadataValue]

_CHAINS = """
    select * from core_markets.fct_options_snapshots where source_date = $day order by source_row
"""


def snapshot_folder() -> Path:
    """Where files of chains are: `snapshots` beside the DuckDB file."""
    return database_path().parent / "snapshots"


def write_snapshot_file(day: date) -> Metadata:
    """Write the chains of a day, as they are published, into a Parquet file, and say where it is.

    The publisher gives a chain only until the next session opens. The file is for those who keep what was known then.

    Raises:
        dagster.Failure: the release has no chains of the day, or the file cannot be written.
    """
    path = snapshot_folder() / f"options_{day}.parquet"
    new = path.with_name(f".{path.name}.new")
    try:
        with open_for_readers() as (source, connection):
            rows: pa.Table = connection.execute(_CHAINS, {"day": day}).to_arrow_table()
        if not rows.num_rows:
            raise dg.Failure(f"{day}: {source} has no chains of options of this day. Load it.", allow_retries=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(rows, new, compression="zstd")
        new.replace(path)
    except WarehouseError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return {
        "path": dg.MetadataValue.path(str(path)),
        "bytes": dg.MetadataValue.int(path.stat().st_size),
        "dagster/row_count": dg.MetadataValue.int(rows.num_rows),
        "from": dg.MetadataValue.text(str(source.release.id if source.release else source)),
    }


def write_briefing_file(day: date) -> Metadata:
    """Write the briefing of a day from the current release, and say where it is.

    Raises:
        dagster.Failure: there is none of the day, or it cannot be written.
    """
    try:
        with open_for_readers() as (source, connection):
            written = write_briefing(day, source, connection)
    except (NoSuchDayError, WarehouseError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return {
        "path": dg.MetadataValue.path(str(written.path)),
        "bytes": dg.MetadataValue.int(written.bytes),
        "from": dg.MetadataValue.text(written.source),
    }
