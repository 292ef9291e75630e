"""What a release knows becomes a working file without rows: what was loaded counts as missing, and is loaded again."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.gap_survey import survey
from ingestion.lost_rows import give_up_lost
from ingestion.publication import State
from tests.warehouse.backup.working_files import everything
from warehouse.backup import BackupError, restore_release
from warehouse.backup.restore_command import main
from warehouse.connection import NotThereYetError, open_for_reading, open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark, read_watermarks
from warehouse.ledger.stream_offsets import StreamOffset, write_stream_offsets
from warehouse.periods import Grain, Period
from warehouse.releases import Release, Releases
from warehouse.sql import literal

NOW = datetime(2025, 6, 20)
LOADED = Watermark("load 1", 40, None, None, Fingerprint("https://example.org/f", etag="one"))
OF_A_STREAM = Watermark("load 2", 7, None, None, Fingerprint("kafka://trades"))


@pytest.fixture
def release(working_file: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """A release whose ledger has two months of files, a day of a stream, a model and a run under way."""
    releases = Releases()
    folder = releases.releases_folder / "20250601T000000Z-0001"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        path = literal(folder / "nyc_mobility.duckdb")
        connection.execute(f"attach {path} as made (storage_version 'v1.5.0', block_size 16384)")
        connection.execute("use made")
        ledger = Ledger(connection)
        ledger.start_run("publish", {}, started_by="terminal", run_id="its own")
        for month in ("2025-04", "2025-05"):
            ledger.set_watermark("green", month, LOADED)
        ledger.set_watermark("trades", "2025-05-02", OF_A_STREAM)
        write_stream_offsets(connection, [StreamOffset("trades", "trades", 0, "t", 0, 7, 7, 7, 0, 0, None)])
        connection.execute(
            "insert into meta.asset_watermarks select * replace ('fct_trips' as asset, null as source_url)"
            " from meta.asset_watermarks where asset = 'green'"
        )
        connection.execute("create schema core_core; create table core_core.dim_zone as select 1 as n")
        connection.execute("use memory; detach made")
    made = Release(folder.name, folder, datetime.now(UTC), "terminal", "run", duckdb.__version__, "content", ())
    (folder / "release.json").write_text(made.write())
    releases.switch_to(made)
    working_file.unlink()
    return made


def _states() -> dict[str, State]:
    last = Period.parse(Grain.MONTH, "2025-05")
    found = survey("green", None, last, now=NOW, is_offline=True)
    return {planned.partition.key: planned.state for planned in found.plan}


def test_what_was_loaded_counts_as_missing_and_models_and_streams_begin_anew(release: Release) -> None:
    done = restore_release(release)
    assert [(each.feed, each.periods, each.rows) for each in done.to_load] == [("green", 2, 80)]
    assert done.streams == {"trades": 7}
    assert _states() == {"2025-04": State.MISSING, "2025-05": State.MISSING}
    with open_for_writing() as connection:
        assert read_watermarks(connection).keys() == {("green", "2025-04"), ("green", "2025-05")}
        held = {
            table: connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            for table in ("meta.stream_offsets", "raw_data.stream_rejects", "meta.asset_watermarks")
        }
        assert held == {"meta.stream_offsets": 0, "raw_data.stream_rejects": 0, "meta.asset_watermarks": 2}
        runs = connection.execute("select kind, status from meta.ingestion_runs order by started_at").fetchall()
        assert runs == [("publish", "failed"), ("restore", "success")]
        # Constraints, too: a second watermark of a partition takes the place of the first.
        Ledger(connection).set_watermark("green", "2025-05", LOADED)
        assert len(read_watermarks(connection)) == 2


def test_what_is_lost_is_missing_also_where_it_is_not_due_and_nobody_is_asked(release: Release) -> None:
    with duckdb.connect(release.database) as connection:
        Ledger(connection).set_watermark("green", "2025-06", LOADED)
    restore_release(release)
    found = survey("green", None, Period.parse(Grain.MONTH, "2025-06"), now=NOW, is_offline=True)
    assert {planned.partition.key: planned.state for planned in found.plan}["2025-06"] is State.MISSING


def test_what_nobody_has_any_more_can_be_given_up(release: Release) -> None:
    restore_release(release)
    with open_for_writing() as connection:
        connection.execute("create table raw_data.green_taxi (feed varchar, source_month date, _dlt_load_id varchar)")
        connection.execute("insert into raw_data.green_taxi select 'green', '2025-04-01', 'load 1' from range(40)")
    assert give_up_lost(True) == ["green 2025-05: 40 rows"]
    assert give_up_lost(False) == ["green 2025-05: 40 rows"]
    assert give_up_lost(False) == []
    with open_for_reading() as connection:
        assert read_watermarks(connection).keys() == {("green", "2025-04")}
        ((arguments,),) = connection.execute(
            "select arguments from meta.ingestion_runs where arguments->>'given_up' is not null"
        ).fetchall()
    assert json.loads(arguments) == {"given_up": ["green 2025-05"]}


def test_there_is_nothing_to_give_up_without_a_file(database: Path) -> None:
    with pytest.raises(NotThereYetError):
        give_up_lost(False)


def test_a_working_file_that_is_there_is_only_replaced_if_asked(release: Release, working_file: Path) -> None:
    restore_release(release)
    there = everything(working_file)
    with pytest.raises(BackupError, match="--force"):
        restore_release(release)
    assert restore_release(release, force=True, dry_run=True).kept_as is None
    assert everything(working_file) == there
    done = restore_release(release, force=True)
    assert done.kept_as
    assert everything(done.kept_as) == there


def test_a_release_of_a_later_version_is_refused(release: Release, working_file: Path) -> None:
    with duckdb.connect(release.database) as connection:
        connection.execute("insert into meta.migrations values ('of_the_future', now()::timestamp)")
    with pytest.raises(BackupError, match="of_the_future"):
        restore_release(release)
    assert not working_file.exists()


def test_a_release_of_a_version_before_is_brought_up_to_date(release: Release) -> None:
    with duckdb.connect(release.database) as connection:
        connection.execute("drop table meta.stream_offsets; drop table meta.source_files")
        connection.execute("delete from meta.migrations where name in ('streams_added', 'source_files_added')")
    assert restore_release(release).streams == {}


def test_a_damaged_release_is_named(release: Release, working_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.database.write_bytes(b"damage" * 5000)
    assert main(["--from-release"]) == 1
    assert f"{release.database}: expected the ledger of a release" in capsys.readouterr().err
    assert not working_file.exists()


def test_words(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from-release", "--dry-run"]) == 0
    assert "Nothing was changed" in capsys.readouterr().out
    assert main(["--from-release", "20200101T000000Z-0000"]) == 1
    assert release.id in capsys.readouterr().err
    assert main(["--from-release", release.id]) == 0
    said = capsys.readouterr().out
    assert "green: 2 periods, 2025-04 to 2025-05, 80 rows" in said
    assert "trades: a stream, 7 messages read" in said
    assert "nyc gaps --fill, nyc stream --once, nyc build, nyc publish" in said
