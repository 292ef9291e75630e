"""The summary tells what is lost from what is not built yet."""

from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, MARCH, Warehouse, yellow_month
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Ledger
from warehouse.reconciliation import reconcile
from warehouse.summary import FeedRows, main, rows_by_feed


def _rows(feed: str) -> FeedRows:
    with open_for_reading() as connection:
        return next(rows for rows in rows_by_feed(reconcile(connection)) if rows.feed == feed)


def test_all_that_is_built_is_there(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--live"]) == 0
    said = capsys.readouterr().out
    assert "Trips by month of file and feed" in said
    assert "Weather hours by month of file and feed" in said
    assert _rows("yellow") == FeedRows("yellow", published=8, kept=6, quarantined=2, not_built=0, lost=0)


def test_what_is_merely_not_built_is_not_lost(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    warehouse.load("yellow", JANUARY, yellow_month(JANUARY)[:1])
    assert main(["--live"]) == 3
    assert "dbt build" in capsys.readouterr().out
    # What the facts have of January is of the load before.
    assert _rows("yellow") == FeedRows("yellow", published=9, kept=6, quarantined=2, not_built=5, lost=0)


def test_what_is_lost_is_lost(warehouse: Warehouse) -> None:
    trip = f"(select min(trip_id) from core_core.fct_trips where feed = 'yellow' and source_month = '{MARCH}')"
    warehouse.execute(f"delete from core_core.fct_trips where trip_id = {trip}")
    assert _rows("yellow").lost == 1
    assert main(["--live"]) == 1


def test_before_the_first_build_it_says_what_to_do(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = Warehouse(database, database.parent)
    raw.create_raw_tables()
    raw.load("yellow", JANUARY, yellow_month(JANUARY))
    assert main(["--live"]) == 3
    said = capsys.readouterr().out
    assert "cd dbt && dbt build" in said
    assert _rows("yellow") == FeedRows("yellow", published=4, kept=0, quarantined=0, not_built=4, lost=0)


@pytest.mark.parametrize("has_ledger", [False, True])
def test_with_nothing_loaded_it_says_what_to_do(
    database: Path, has_ledger: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_for_writing() as connection:
        if has_ledger:
            Ledger(connection)
    assert main(["--live"]) == 3
    assert "python ingestion/run_pipeline.py" in capsys.readouterr().out


def test_without_a_file_it_says_what_to_do(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--live"]) == 3
    assert "Load a month first" in capsys.readouterr().err


def test_a_file_that_is_none_is_a_failure(database: Path) -> None:
    database.write_bytes(b"something else" * 1000)
    assert main(["--live"]) == 1
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(database))
