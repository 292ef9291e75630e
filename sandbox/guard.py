"""Keeps sample files from replacing real ones."""

from ingestion.catalog import FEEDS
from warehouse.connection import open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import DATABASE_VARIABLE, database_path

_SAMPLE_ADDRESS = "http://127.0.0.1:"


class RealFilesLoadedError(Exception):
    """The database holds files of the publishers, which sample files would replace."""


def check_no_real_file_is_loaded() -> None:
    """Stop where a command that loads sample files would load them over real ones.

    Raises:
        RealFilesLoadedError: a partition of the database came from elsewhere than this machine.
        WarehouseError: the database cannot be opened.
    """
    if not database_path().exists():
        return
    with open_for_reading() as connection:
        watermarks = read_watermarks(connection)
    # Messages of a stream are added to those before, and replace none.
    loaded = (watermark for (feed, _), watermark in watermarks.items() if not (feed in FEEDS and FEEDS[feed].is_stream))
    addresses = sorted(watermark.fingerprint.url for watermark in loaded)
    real = [address for address in addresses if not address.startswith(_SAMPLE_ADDRESS)]
    if real:
        raise RealFilesLoadedError(
            f"{database_path()} holds {len(real)} published files, such as {real[0]}, and sample files of the same "
            f"periods would replace them. Set {DATABASE_VARIABLE} to another file for the samples."
        )
