"""Sample files never replace real ones."""

from pathlib import Path

import pytest

from sandbox.guard import RealFilesLoadedError, check_no_real_file_is_loaded
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark


def _load(url: str) -> None:
    with open_for_writing() as connection:
        Ledger(connection).set_watermark("green", "2025-01", Watermark("1", 10, None, None, Fingerprint(url)))


@pytest.mark.usefixtures("database")
def test_samples_may_be_loaded_into_a_new_database_and_beside_other_samples() -> None:
    check_no_real_file_is_loaded()
    _load("http://127.0.0.1:8900/trip-data/green_tripdata_2025-01.parquet")
    check_no_real_file_is_loaded()


@pytest.mark.usefixtures("database")
def test_samples_may_be_loaded_beside_streams() -> None:
    with open_for_writing() as connection:
        watermark = Watermark("1", 10, None, None, Fingerprint("kafka://raw.trades"))
        Ledger(connection).set_watermark("trades", "2026-01-05", watermark)
    check_no_real_file_is_loaded()


def test_samples_are_kept_away_from_published_files(database: Path) -> None:
    _load("https://example.org/trip-data/green_tripdata_2025-01.parquet")
    with pytest.raises(
        RealFilesLoadedError, match=rf"{database.name} holds 1 published files, such as https://example"
    ):
        check_no_real_file_is_loaded()
