"""Exports to a folder: what readers find, and what is written again."""

import csv
import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.lakehouse.fingerprint import fingerprints_of_file
from tests.lakehouse.reading import READERS, by_csv, by_pyarrow, of_release
from tests.lakehouse.releases import CHANGED, FACT, make_changed_release, make_release
from warehouse.lakehouse import Exported, Location, UnknownTableError, export
from warehouse.releases import Release, ReleaseTable

FORMATS = ("parquet", "csv", "duckdb")


def _written(done: list[Exported]) -> dict[str, int]:
    return {each.table: each.files_written for each in done if each.files_written}


def _states(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file."""
    states = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (state.st_ino, state.st_mtime_ns) for path, state in states.items()}


def _fact(release: Release) -> ReleaseTable:
    fact = release.table(FACT)
    assert fact
    return fact


@pytest.mark.parametrize("read", READERS)
def test_every_reader_finds_what_was_published(read: object, release: Release, lake: Location) -> None:
    assert callable(read)
    export("parquet", to=lake)
    assert read(lake, release) == of_release(release)


def test_files_of_the_release_are_not_copied(release: Release, lake: Location) -> None:
    export("parquet", to=lake)
    for table, part in release.files():
        exported = lake.joined("parquet", table.schema, table.name, f"{part.partition_key}.parquet").path
        assert exported.samefile(release.folder / str(part.file))


def test_on_another_disk_they_are_copies(release: Release, lake: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert _written(export("parquet", to=lake))[FACT] == 3
    assert by_pyarrow(lake, release) == of_release(release)
    assert _written(export("parquet", to=lake)) == {}


def test_csv_is_what_was_published(release: Release, lake: Location) -> None:
    export("csv", to=lake)
    assert by_csv(lake, release) == of_release(release)
    file = lake.joined("csv", "core_core", "fct_trips", "green", "2025-01.csv").path
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened, strict=True))
    assert len(rows) == 40
    assert rows[1]["picked_up_at"] == "2025-01-01T02:00:00.000123"
    assert {'say "hi", twice', "two\nlines", "café, 東京 🚕"} <= {row["note"] for row in rows}
    with lake.joined("csv", "meta", "runs.csv").path.open(newline="") as opened:
        assert next(csv.DictReader(opened))["started_at"] == "2025-03-01T04:05:06.789012Z"


def test_the_duckdb_file_has_all_rows_and_descriptions_in_it(release: Release, lake: Location, tmp_path: Path) -> None:
    export("duckdb", to=lake)
    file = lake.joined("duckdb", "nyc_mobility.duckdb").path
    moved = tmp_path / "elsewhere.duckdb"
    file.rename(moved)
    ledger = {"meta.checks": fingerprints_of_file(str(release.database))["meta.checks"]}
    shutil.move(release.folder, tmp_path / "gone")
    assert set(fingerprints_of_file(str(moved))) == {*(table.full_name for table in release.tables), *ledger}
    comments = "select table_name, column_name, comment from duckdb_columns() where comment is not null order by all"
    with duckdb.connect(str(moved), read_only=True) as exported:
        ((comment,),) = exported.execute(
            "select comment from duckdb_tables() where table_name = 'fct_trips'"
        ).fetchall()
        found = exported.execute(comments).fetchall()
        assert exported.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
    assert comment == _fact(release).description
    with duckdb.connect(str(tmp_path / "gone" / "nyc_mobility.duckdb"), read_only=True) as published:
        assert found == published.execute(comments).fetchall()


def test_the_duckdb_file_has_the_rows_that_were_published(release: Release, lake: Location) -> None:
    export("duckdb", to=lake)
    found = fingerprints_of_file(str(lake.joined("duckdb", "nyc_mobility.duckdb").path))
    assert {table: found[table] for table in of_release(release)} == of_release(release)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_did_not_change_is_not_written_again(
    format_: str, published: Path, release: Release, lake: Location
) -> None:
    assert _written(export(format_, to=lake))
    before = _states(lake.path)
    assert _written(export(format_, to=lake)) == {}
    assert _states(lake.path) == before
    # A release with the same rows: only what says which release it is.
    make_release(published, number=2, before=release)
    assert _written(export(format_, to=lake)) == {}
    changed = {path for path, state in _states(lake.path).items() if before.get(path) != state}
    assert {Path(path).name for path in changed} == {"_export.json"}
    noted = json.loads(lake.joined(format_, "_export.json").path.read_text())
    assert noted["release"] == "20250301T000002Z-0002"
    assert {table["release"] for table in noted["tables"].values()} == {"20250301T000002Z-0002"}


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_only_changed_partitions_are_written_and_those_gone_are_removed(
    format_: str, published: Path, release: Release, lake: Location
) -> None:
    export(format_, to=lake)
    after = make_changed_release(published, release)
    assert _written(export(format_, to=lake)) == {FACT: 2, "core_core.dim_zone": 1}
    assert (by_pyarrow if format_ == "parquet" else by_csv)(lake, after) == of_release(after)
    folder = lake.joined(format_, "core_core", "fct_trips").path
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.*")} == set(CHANGED)


def test_a_table_that_is_gone_is_removed_and_a_file_of_somebody_else_stays(
    published: Path, release: Release, lake: Location
) -> None:
    export("parquet", to=lake)
    theirs = lake.joined("parquet", "core_core", "fct_trips", "notes.txt").path
    theirs.write_text("mine")
    manifest = lake.joined("parquet", "_export.json").path
    noted = json.loads(manifest.read_text())
    gone = lake.joined("parquet", "core_old", "fct_old", "all.parquet").path
    gone.parent.mkdir(parents=True)
    gone.write_text("rows")
    noted["tables"]["core_old.fct_old"] = {"release": "x", "rows": 1, "files": {"core_old/fct_old/all.parquet": {}}}
    manifest.write_text(json.dumps(noted))
    export("parquet", ["fct_trips"], lake)
    assert gone.exists()
    export("parquet", to=lake)
    assert not gone.exists()
    assert not gone.parents[1].exists()
    assert theirs.exists()


def test_a_file_that_somebody_damaged_or_deleted_is_written_again(release: Release, lake: Location) -> None:
    export("parquet", to=lake)
    lake.joined("parquet", "meta", "runs", "all.parquet").path.write_text("not mine")
    lake.joined("parquet", "core_core", "fct_trips", "green", "2025-01.parquet").path.unlink()
    assert _written(export("parquet", to=lake)) == {FACT: 1, "meta.runs": 1}
    assert by_pyarrow(lake, release) == of_release(release)


def test_selected_tables_are_exported_and_others_stay(published: Path, release: Release, lake: Location) -> None:
    assert [each.table for each in export("parquet", ["dim_zone", "meta.runs"], lake)] == [
        "core_core.dim_zone",
        "meta.runs",
    ]
    assert not lake.joined("parquet", "core_core", "fct_trips").path.exists()
    export("parquet", to=lake)
    after = make_changed_release(published, release)
    export("parquet", ["fct_trips"], lake)
    assert by_pyarrow(lake, after)[FACT] == of_release(after)[FACT]
    zone = "core_core.dim_zone"
    assert by_pyarrow(lake, after)[zone] == of_release(release)[zone]
    described = json.loads(lake.joined("parquet", "_descriptions.json").path.read_text())
    assert set(described) == {FACT, zone, "meta.runs"}
    assert described[FACT]["description"] == _fact(release).description
    assert described[FACT]["columns"]["miles"] == {
        "type": "DOUBLE",
        "description": "The distance in miles; null if the meter gave none.",
    }


def test_an_unknown_name_is_refused_with_the_nearest(release: Release, lake: Location) -> None:
    with pytest.raises(UnknownTableError, match=r"fct_trisp: .*Near are: core_core\.fct_trips"):
        export("csv", ["fct_trisp"], lake)
    assert not lake.joined("csv").path.exists()
