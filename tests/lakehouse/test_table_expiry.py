"""Expiry gives space back, and takes nothing from who reads a kept state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.lakehouse.readers import EXPORTERS, READERS, assert_is_release, data_files, delta_table, found, published
from tests.lakehouse.releases import FACT, PARTITIONS, make_release
from warehouse.lakehouse import Location
from warehouse.lakehouse.expiry import expire_tables
from warehouse.lakehouse.iceberg_catalog import opened_catalog
from warehouse.lakehouse.orphans import Freed
from warehouse.releases import Release

FORMATS = list(EXPORTERS)


@pytest.fixture(params=["folder", "s3"])
def to(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty lakehouse."""
    if request.param == "folder":
        return Location.of(str(tmp_path / "lakehouse"))
    return Location.of(f"s3://{request.getfixturevalue('bucket')}/lake/house")


def _later() -> datetime:
    """When what was just written is no longer taken for a part of an export that goes on."""
    return datetime.now(UTC) + timedelta(hours=2)


def _three_releases(folder: Path) -> list[Release]:
    """In each another version of one partition."""
    releases: list[Release] = []
    for number in (1, 2, 3):
        partitions = {**PARTITIONS, "yellow/2025-02": f"{number} {number * 10}"}
        before = releases[-1] if releases else None
        releases.append(make_release(folder, partitions=partitions, number=number, before=before))
    return releases


@pytest.mark.parametrize("format_", FORMATS)
def test_kept_states_are_read_and_the_others_give_their_files_back(format_: str, to: Location, published: Path) -> None:
    releases = _three_releases(published)
    for release in releases:
        EXPORTERS[format_](release, release.tables[:1], to)
    assert len(data_files(format_, to, FACT)) == 5
    _put_orphans(format_, to)
    # All of it is too young.
    assert expire_tables(to, keep_releases=3, now=datetime.now(UTC)) == Freed()
    assert expire_tables(to, keep_releases=3, now=_later()).files == 2
    assert len(data_files(format_, to, FACT)) == 5
    freed = expire_tables(to, keep_releases=2, now=_later())
    assert freed.files >= 1
    # On a folder the release has the file of data too, so only descriptions of Iceberg's states gave space back.
    assert (freed.bytes > 0) == (to.is_s3 or format_ == "iceberg")
    assert len(data_files(format_, to, FACT)) == 4
    _assert_read_at_state_before(format_, to, releases[1])
    assert_is_release(format_, to, _of_fact(releases[2]), READERS[format_][: 1 if to.is_s3 else None])
    assert expire_tables(to, keep_releases=2, now=_later()) == Freed()
    # Exports go on.
    EXPORTERS[format_](releases[0], releases[0].tables[:1], to)
    assert_is_release(format_, to, _of_fact(releases[0]), READERS[format_][:1])


def _put_orphans(format_: str, to: Location) -> None:
    """What an export that was killed leaves: a whole file, and one half made."""
    files = to.filesystem()
    folder = to.joined(format_, *FACT.split("."), *(["data"] if format_ == "iceberg" else []))
    for name in ("green-2025-07-00000000000000000000000000000000.parquet", ".0123.new"):
        files.pipe_file(folder.joined(name).url, b"PAR1")


def _of_fact(release: Release) -> Release:
    return replace(release, tables=release.tables[:1])


def _assert_read_at_state_before(format_: str, to: Location, release: Release) -> None:
    table = release.tables[0]
    if format_ == "delta":
        rows = delta_table(to, FACT, version=delta_table(to, FACT).version() - 1).to_pyarrow_table()
    else:
        with opened_catalog(to) as catalog:
            iceberg = catalog.load_table(FACT)
            before = iceberg.current_snapshot().parent_snapshot_id  # type: ignore[union-attr]
            rows = iceberg.scan(snapshot_id=before).to_arrow()
    assert found(rows, table) == _published(release)


def _published(release: Release) -> tuple[int, str]:
    return published(release, release.tables[0])


def test_nothing_exported_is_nothing_to_expire(to: Location) -> None:
    assert expire_tables(to, keep_releases=5, now=_later()) == Freed()


def test_files_of_a_first_export_that_was_killed_go(tmp_path: Path) -> None:
    folder = tmp_path / "lakehouse/delta/core_core/fct_trips"
    folder.mkdir(parents=True)
    (folder / "green-1.parquet").write_bytes(b"PAR1")
    to = Location.of(str(tmp_path / "lakehouse"))
    assert expire_tables(to, keep_releases=5, now=_later()) == Freed(1, 4)


def test_uploads_that_a_crash_left_end(bucket: str) -> None:
    to = Location.of(f"s3://{bucket}/lake")
    s3 = to.filesystem()
    for key in ("lake/delta/core_core/fct_trips/green-1.parquet", "lake/other"):
        s3.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
    expire_tables(to, keep_releases=1, now=_later())
    left = s3.call_s3("list_multipart_uploads", Bucket=bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == ["lake/other"]


def test_what_another_catalog_may_need_stays(release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = Location.of(str(tmp_path / "lakehouse"))
    EXPORTERS["iceberg"](release, release.tables, to)
    before = sorted(to.path.rglob("*"))
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKEHOUSE__URI", f"sqlite:///{tmp_path / 'empty.db'}")
    assert expire_tables(to, keep_releases=1, now=_later()) == Freed()
    assert sorted(to.path.rglob("*")) == before


def test_keeping_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        expire_tables(Location.of(str(tmp_path)), keep_releases=0, now=_later())
