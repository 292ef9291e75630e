"""Which ledger is read, and when: the working file only when it changed and is free."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from monitoring.ledger_copy import LedgerReader
from monitoring.sources import LedgerSource, Source
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark


@pytest.fixture
def reader() -> Iterator[LedgerReader]:
    with closing(LedgerReader(quiet_seconds=0)) as opened:
        yield opened


def _load(rows: int) -> None:
    with open_for_writing() as connection:
        Ledger(connection).set_watermark("yellow", "2025-01", Watermark("1", rows, None, None, Fingerprint("http://x")))


def _rows(reader: LedgerReader) -> int | None:
    copy = reader.read()
    assert copy
    return copy.connection.execute("select sum(rows)::integer from meta.asset_watermarks").fetchall()[0][0]


@pytest.mark.usefixtures("database")
def test_without_anything_there_is_nothing(reader: LedgerReader) -> None:
    assert reader.read() is None


@pytest.mark.usefixtures("database")
def test_what_was_written_is_read(reader: LedgerReader) -> None:
    for rows in (3, 5):
        _load(rows)
        assert _rows(reader) == rows


def test_a_file_that_did_not_change_is_not_opened(reader: LedgerReader, database: Path) -> None:
    _load(3)
    first = reader.read()
    with held_by_another_process(database):
        again = reader.read()
    assert first
    assert again
    assert again.connection is first.connection
    assert again.of > first.of


def test_while_the_file_is_in_use_the_last_copy_stays_and_ages(reader: LedgerReader, database: Path) -> None:
    _load(3)
    first = reader.read()
    _load(5)
    with held_by_another_process(database):
        assert reader.read() is first
    assert _rows(reader) == 5


def test_at_the_start_the_release_stands_in_for_a_file_in_use(reader: LedgerReader, database: Path) -> None:
    release = publish_by_hand(Contents([], loads={("yellow", "2024-12"): ("1", "e")}), 1)
    _load(3)
    with held_by_another_process(database):
        copy = reader.read()
        assert copy
        assert copy.is_release
        assert _rows(reader) == 1
    assert release.database.exists()
    assert _rows(reader) == 3


@pytest.mark.usefixtures("database")
def test_while_one_partition_after_another_is_written_the_file_is_left_alone() -> None:
    with closing(LedgerReader(quiet_seconds=60)) as reader:
        _load(3)
        assert _rows(reader) == 3
        _load(5)
        assert _rows(reader) == 3
        reader.patience_seconds = 0
        assert _rows(reader) == 5


@pytest.mark.usefixtures("database")
def test_without_a_working_file_the_release_is_of_now(reader: LedgerReader) -> None:
    publish_by_hand(Contents([], loads={("yellow", "2024-12"): ("1", "e")}), 1)
    first, again = reader.read(), reader.read()
    assert first
    assert again
    assert again.connection is first.connection
    assert again.of > first.of


def test_a_file_that_cannot_be_read_leaves_the_last_figures(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    _load(3)
    ledger = LedgerSource(LedgerReader(quiet_seconds=0))
    source = Source("ledger", 1, ledger.read)
    source.refresh()
    figures = source.reading
    database.write_bytes(b"https://ann:s3cr3t@example.com")
    source.refresh()
    source.refresh()
    assert (source.is_up, source.reading) == (False, figures)
    assert len(caplog.messages) == 1, "an error that stays is told once"
    database.unlink()
    _load(5)
    source.refresh()
    assert source.is_up
    ledger.reader.close()


def test_the_copy_has_every_row_and_type_of_the_ledger(reader: LedgerReader, database: Path) -> None:
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run("dbt build", {"select": 'a "b"', "n": [1]}, started_by="terminal")
        ledger.finish_run(run_id, "success")
    copy = reader.read()
    assert copy
    with duckdb.connect(str(database), read_only=True) as connection:
        for (table,) in copy.connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'meta' and not temporary"
        ).fetchall():
            query = f"from meta.{table}"
            assert copy.connection.execute(query).fetchall() == connection.execute(query).fetchall(), table
