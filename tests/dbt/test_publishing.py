"""What is published is what the working file holds, and only what changed is written."""

import os
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, Warehouse, yellow_month
from warehouse.accepted_gaps import AcceptedGap, accept_gaps, read_accepted_gaps, reopen_gaps
from warehouse.ledger import Fingerprint, Ledger, utc_now
from warehouse.maintenance.warehouse_items import files_of_releases
from warehouse.publishing import making
from warehouse.publishing.audit import AuditError
from warehouse.publishing.parts import PublishingError
from warehouse.publishing.publish import Publication, publish
from warehouse.publishing.relink import relink
from warehouse.releases import Release, ReleaseError, Releases, current_release, open_release
from warehouse.releases.release import DATABASE, DBT_MANIFEST, SEMANTIC_MANIFEST


@pytest.fixture
def built(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The warehouse as it was built, whose tables of two rows and more are published as files."""
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    monkeypatch.setattr(making, "ROWS_FOR_FILES", 2)
    return warehouse


@pytest.fixture(scope="module")
def _kept(_base: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that warehouse once it is published, and with its release, both to be copied."""
    folder = tmp_path_factory.mktemp("publishing")
    _base.restore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(_base.path))
        patch.setenv("DBT_TARGET_PATH", str(_base.scratch / "target"))
        patch.setenv("PUBLISHED_FOLDER", str(folder / "published"))
        patch.setattr(making, "ROWS_FOR_FILES", 2)
        publish()
    shutil.copytree(folder / "published", folder / "kept", symlinks=True)
    shutil.copy(_base.path, folder / "kept.duckdb")
    return folder


@pytest.fixture
def first(_kept: Path, built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Release:
    """What the warehouse holds is published. In one folder, for a release knows where its files are."""
    monkeypatch.setenv("PUBLISHED_FOLDER", str(_kept / "published"))
    if (_kept / "published").exists():
        _remove(_kept / "published")
    shutil.copytree(_kept / "kept", _kept / "published", symlinks=True)
    shutil.copy(_kept / "kept.duckdb", built.path)
    return current_release()


def _add_february(warehouse: Warehouse) -> None:
    warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    warehouse.build()


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Counter[tuple[Any, ...]]:
    return Counter(connection.execute(f"from {table}").fetchall())


def _assert_same_as_working_file(warehouse: Warehouse, release: Release) -> None:
    with duckdb.connect(str(warehouse.path), read_only=True) as working, open_release(release) as published:
        for table in release.tables:
            assert _rows(published, table.full_name) == _rows(working, table.full_name)
            query = (
                "select column_name, data_type, comment from duckdb_columns() where schema_name = ? and table_name = ?"
            )
            name = [table.schema, table.name]
            assert published.execute(query, name).fetchall() == working.execute(query, name).fetchall()


def _inodes(release: Release) -> dict[str, int]:
    return {
        f"{table.name} {part.partition_key}": (release.folder / str(part.file)).stat().st_ino
        for table, part in release.files()
    }


def test_a_release_is_what_the_working_file_holds(built: Warehouse) -> None:
    done = publish()
    assert (done.is_new, done.parts_reused) == (True, 0)
    assert done.release == current_release()
    _assert_same_as_working_file(built, done.release)
    assert {"core_core.fct_trips", "core_checks.reconciliation", "core_staging.taxi_zone_lookup"} <= {
        table.full_name for table in done.release.tables
    }
    assert not any(table.full_name.startswith(("raw_data", "core_staging.stg")) for table in done.release.tables)


def test_any_client_reads_it_under_the_one_address(built: Warehouse, first: Release) -> None:
    with duckdb.connect(str(Releases().link), read_only=True) as client:
        assert client.execute("select count(*) from core_core.fct_trips").fetchall() == built.execute(
            "select count(*) from core_core.fct_trips"
        )
        ((comment,),) = client.execute("select comment from duckdb_views() where view_name = 'fct_trips'").fetchall()
    assert comment.startswith("Trips of all types")


def test_nothing_new_is_not_published_again(built: Warehouse, first: Release) -> None:
    again = publish()
    assert (again.is_new, again.release.id) == (False, first.id)
    assert len(Releases().all()) == 1


def test_a_publication_that_finds_nothing_new_tells_that_readers_have_all(built: Warehouse, first: Release) -> None:
    os.utime(Releases().link, (1, 1), follow_symlinks=False)
    assert not publish().is_new
    switched_at = Releases().switched_at()
    assert switched_at
    assert abs(switched_at - utc_now()) < timedelta(hours=1)


def test_releases_of_the_same_second_are_in_the_order_of_their_publication(
    built: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    monkeypatch.setattr(making, "utc_now", lambda: now)
    made = []
    for change in (None, _accept, _reopen, _accept):
        if change:
            with duckdb.connect(str(built.path)) as connection:
                change(connection)
        made.append(publish().release.id)
    assert made == sorted(set(made))
    assert [each.id for each in Releases().all()] == made


def _accept(connection: duckdb.DuckDBPyConnection) -> None:
    gap = AcceptedGap("green", "2025-01", "missing", "snow", "ann", utc_now(), None, Fingerprint(""))
    accept_gaps([gap], connection)


def _reopen(connection: duckdb.DuckDBPyConnection) -> None:
    reopen_gaps([("green", "2025-01")], connection)


def test_what_a_person_accepts_or_takes_back_is_published(built: Warehouse, first: Release) -> None:
    for change in (_accept, _reopen):
        with duckdb.connect(str(built.path)) as connection:
            change(connection)
            accepted = read_accepted_gaps(connection)
        done = publish()
        assert (done.is_new, done.parts_written) == (True, 0)
        with open_release() as published:
            assert read_accepted_gaps(published) == accepted
        assert not publish().is_new


def test_a_new_month_costs_that_month(built: Warehouse, first: Release) -> None:
    _add_february(built)
    done = publish()
    _assert_same_as_working_file(built, done.release)
    before, after = _inodes(first), _inodes(done.release)
    assert {name for name in after if before.get(name) != after[name]} == {
        # The month itself, the rides' and trips' months that the evening before and the weather reach into, and tables
        # without partitions that have other rows now.
        name
        for name in after
        if name.startswith("fct_trips yellow/2025-02")
        or (name not in before or _content_of(first, name) != _content_of(done.release, name))
    }
    assert after["fct_trips citibike/2025-01"] == before["fct_trips citibike/2025-01"]
    assert done.parts_reused >= 3


def _content_of(release: Release, name: str) -> str:
    table_name, key = name.split(" ")
    return next(
        part.content for table, part in release.files() if (table.name, part.partition_key) == (table_name, key)
    )


def test_a_full_refresh_to_the_same_rows_writes_no_file(built: Warehouse, first: Release) -> None:
    built.build("--full-refresh")
    done = publish()
    assert (done.is_new, done.parts_written) == (True, 0)
    assert done.release.content == first.content
    assert _inodes(done.release) == _inodes(first)


def test_a_damaged_file_is_named_and_written_anew(built: Warehouse, first: Release) -> None:
    file = next(first.folder / str(part.file) for table, part in first.files() if table.name == "fct_trips")
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    _add_february(built)
    done = publish()
    assert done.damaged == (file,)
    _assert_same_as_working_file(built, done.release)


@pytest.mark.parametrize("name", [DATABASE, SEMANTIC_MANIFEST, DBT_MANIFEST])
def test_a_damaged_database_or_manifest_is_made_anew(built: Warehouse, first: Release, name: str) -> None:
    file = first.folder / name
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-100])
    done = publish()
    assert (done.is_new, done.parts_written) == (True, 0)
    _assert_same_as_working_file(built, current_release())


def test_a_release_deleted_by_hand_is_not_missed(built: Warehouse, first: Release) -> None:
    _remove(first.folder)
    with pytest.raises(ReleaseError, match=f"{first.id}.*Publish again"):
        current_release()
    done = publish()
    assert (done.is_new, done.parts_reused) == (True, 0)
    _assert_same_as_working_file(built, current_release())


def test_the_releases_can_be_moved(
    built: Warehouse, first: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Releases().folder.rename(tmp_path / "moved")
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "moved"))
    relink(Releases())
    _assert_same_as_working_file(built, current_release())
    assert not publish().is_new


def test_a_rollback_stays(built: Warehouse, first: Release) -> None:
    _add_february(built)
    second = publish().release
    with Releases().lock():
        Releases().roll_back(first.id)
    assert current_release().id == first.id
    built.build()
    with pytest.raises(AuditError, match=f"still holds the rows of release {second.id}"):
        publish()
    assert current_release().id == first.id
    built.load("yellow", FEBRUARY, yellow_month(FEBRUARY, total=99))
    built.build()
    third = publish()
    assert current_release().id == third.release.id
    with Releases().lock():
        Releases().roll_back(second.id)
    assert list(Releases().withdrawn()) == [third.release.id]


def test_a_file_that_maintenance_found_damaged_is_written_anew_though_nothing_else_changed(
    built: Warehouse, first: Release
) -> None:
    _, part = next(first.files())
    file = first.folder / str(part.file)
    content, state = bytearray(file.read_bytes()), file.stat()
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not publish().is_new, "nobody has noticed"

    with pytest.raises(ReleaseError, match="damaged or gone"):
        files_of_releases(False)

    done = publish()
    assert done.damaged == (file,)
    _assert_same_as_working_file(built, done.release)


def test_a_rollback_to_a_damaged_release_is_refused(built: Warehouse, first: Release) -> None:
    _add_february(built)
    second = publish().release
    file = next(first.folder / str(part.file) for _, part in first.files())
    file.parent.chmod(0o755)
    file.unlink()
    with pytest.raises(ReleaseError, match=str(file)):
        Releases().roll_back(first.id)
    assert current_release().id == second.id


@pytest.mark.parametrize("id_", ["../../etc", "20250101T000000Z-0000", "", "x" * 10_000])
def test_an_id_that_is_none_is_refused(built: Warehouse, first: Release, id_: str) -> None:
    with pytest.raises(ReleaseError, match="expected the id of a release"):
        Releases().roll_back(id_)


def test_too_little_disk_is_said_before_anything_is_written(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(built.scratch)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PublishingError, match=r"expected about [\d,]+ bytes free .* Free [\d,]+ bytes more"):
        publish()
    assert not Releases().releases_folder.exists()


def test_a_table_that_other_hands_changed_is_refused(built: Warehouse) -> None:
    built.execute(
        "delete from core_core.dim_date where true; insert into core_core.fct_hourly_mobility "
        "select * from core_core.fct_hourly_mobility limit 1"
    )
    with pytest.raises(PublishingError, match=r"core_core\.fct_hourly_mobility: expected .* rows.*as the ledger says"):
        publish()


def test_a_key_that_would_climb_out_is_refused(built: Warehouse) -> None:
    built.execute(
        "update meta.asset_watermarks set partition_key = '../../' || partition_key where asset = 'fct_trips'"
    )
    with pytest.raises(PublishingError, match="expected partition keys of letters"):
        publish()
    assert Releases().current() is None


def test_the_ledger_knows_of_it_and_so_does_the_release(built: Warehouse, first: Release) -> None:
    query = "select release_id, content from meta.published_versions"
    runs = "select kind, status from meta.ingestion_runs where kind = 'publish'"
    assert built.execute(query) == [(first.id, first.content)]
    assert built.execute(runs) == [("publish", "success")]
    with open_release(first) as published:
        assert published.execute(query).fetchall() == [(first.id, first.content)]
        assert published.execute(runs).fetchall() == [("publish", "success")]


def test_what_could_not_be_published_is_in_the_ledger(built: Warehouse) -> None:
    built.load("yellow", JANUARY, yellow_month(JANUARY, total=7))
    with pytest.raises(AuditError):
        publish()
    ((status, error),) = built.execute("select status, error from meta.ingestion_runs where kind = 'publish'")
    assert (status, "yellow 2025-01: loaded, but not built" in str(error)) == ("failed", True)


def test_a_publication_that_was_killed_is_failed_in_the_ledger(built: Warehouse) -> None:
    with duckdb.connect(str(built.path)) as connection:
        Ledger(connection).start_run("publish", {}, started_by="terminal")
    publish()
    assert built.execute("select status from meta.ingestion_runs where kind = 'publish' order by started_at") == [
        ("failed",),
        ("success",),
    ]


def test_a_publication_killed_before_the_switch_is_finished(
    built: Warehouse, first: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add_february(built)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Releases, "switch_to", killed)
        with pytest.raises(KeyboardInterrupt):
            publish()
    assert current_release().id == first.id
    done: Publication = publish()
    assert done.is_new
    assert [release.id for release in Releases().all()] == [first.id, done.release.id]
    _assert_same_as_working_file(built, current_release())


def _remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)
