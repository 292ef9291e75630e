"""Tables of Delta and Iceberg: the same rows as the release, and one commit a release."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lakehouse.readers import (
    EXPORTERS,
    READERS,
    assert_is_release,
    by_plain_duckdb_from_delta,
    data_files,
    delta_table,
    states,
)
from tests.lakehouse.releases import FACT, PARTITIONS, SMALL, make_release
from warehouse.lakehouse import ExportError, Location
from warehouse.lakehouse.iceberg_catalog import catalog_file, opened_catalog
from warehouse.releases import Release

FORMATS = list(READERS)
CHANGED = {**PARTITIONS, "yellow/2025-02": "b 100", "yellow/2025-03": "a 10"}
del CHANGED["green/2025-01"]


@pytest.fixture(params=["folder", "s3"])
def to(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty lakehouse."""
    if request.param == "folder":
        return Location.of(str(tmp_path / "lakehouse"))
    return Location.of(f"s3://{request.getfixturevalue('bucket')}/lake/house")


@pytest.fixture
def folder(tmp_path: Path) -> Location:
    return Location.of(str(tmp_path / "lakehouse"))


@pytest.mark.parametrize("format_", FORMATS)
def test_every_reader_finds_the_rows_of_the_release(format_: str, to: Location, published: Path) -> None:
    export = EXPORTERS[format_]
    first = make_release(published)
    exported = export(first, first.tables, to)
    assert [(each.table, each.rows, each.files_written) for each in exported] == [
        (FACT, 590, 3),
        *((name, first.table(name).rows, 1) for name in SMALL),  # type: ignore[union-attr]
    ]
    assert_is_release(format_, to, first)
    # Again: nothing is done.
    again = export(first, first.tables, to)
    assert [(each.files_written, each.bytes_written, each.version) for each in again] == [
        (0, 0, each.version) for each in exported
    ]
    # Two files are new, one of them in place of another, one is gone, and one stays.
    second = make_release(published, partitions=CHANGED, number=2, before=first)
    before = data_files(format_, to, FACT)
    exported = export(second, second.tables, to)
    written = sum(part.bytes or 0 for table in second.tables for part in table.parts if part.file)
    written -= sum(part.bytes or 0 for part in first.tables[0].parts if part.partition_key == "yellow/2025-01")
    assert [each.files_written for each in exported] == [2, 0, 0]
    assert exported[0].bytes_written == written
    assert before < data_files(format_, to, FACT)
    assert_is_release(format_, to, second, READERS[format_][: 1 if to.is_s3 else None])
    assert [states(format_, to, table.full_name) for table in second.tables] == 3 * [[second.id, first.id]]
    # Back: the files of the first are the same.
    export(first, first.tables, to)
    assert len(data_files(format_, to, FACT)) == 5
    assert_is_release(format_, to, first, READERS[format_][:1])


def test_duckdb_without_an_extension_reads_the_files(release: Release, folder: Location) -> None:
    EXPORTERS["delta"](release, release.tables, folder)
    assert_is_release("delta", folder, release, [by_plain_duckdb_from_delta])


@pytest.mark.parametrize("format_", FORMATS)
def test_files_of_the_release_are_linked(format_: str, release: Release, folder: Location) -> None:
    EXPORTERS[format_](release, release.tables, folder)
    there = {path.stat().st_ino for path in folder.path.rglob("*.parquet")}
    files = [release.folder / str(part.file) for _, part in release.files()]
    assert len(files) == 3
    assert {path.stat().st_ino for path in files} <= there


@pytest.mark.parametrize("format_", FORMATS)
def test_a_selection_leaves_the_others_alone(format_: str, release: Release, folder: Location) -> None:
    EXPORTERS[format_](release, release.tables[:1], folder)
    assert {path.name for path in folder.joined(format_).path.iterdir()} - {"catalog.db"} == {"core_core"}


def test_delta_has_the_descriptions(published: Path, folder: Location) -> None:
    first = make_release(published)
    EXPORTERS["delta"](first, first.tables, folder)
    _assert_described_in_delta(folder, "A taxi zone.", "The zone's number.")
    # A change of words is not a change of rows.
    second = make_release(published, number=2, before=first, description="A zone of taxis.")
    exported = EXPORTERS["delta"](second, second.tables, folder)
    assert [each.files_written for each in exported] == [0, 0, 0]
    _assert_described_in_delta(folder, "A zone of taxis.", "A zone of taxis.")
    assert states("delta", folder, SMALL[0]) == [second.id, first.id]


def _assert_described_in_delta(to: Location, description: str, of_column: str) -> None:
    table = delta_table(to, SMALL[0])
    assert table.metadata().description == description
    comments = {field.name: field.metadata.get("comment") for field in table.schema().fields}
    assert comments == {"zone_id": of_column, "zone": None, "area_sq_mi": "In square miles."}


def test_iceberg_has_the_descriptions(published: Path, folder: Location) -> None:
    first = make_release(published)
    EXPORTERS["iceberg"](first, first.tables, folder)
    _assert_described_in_iceberg(folder, "A taxi zone.", "The zone's number.")
    second = make_release(published, number=2, before=first, description="A zone of taxis.")
    exported = EXPORTERS["iceberg"](second, second.tables, folder)
    assert [each.files_written for each in exported] == [0, 0, 0]
    _assert_described_in_iceberg(folder, "A zone of taxis.", "A zone of taxis.")


def _assert_described_in_iceberg(to: Location, description: str, of_column: str) -> None:
    with opened_catalog(to) as catalog:
        table = catalog.load_table(SMALL[0])
    assert table.properties["comment"] == description
    docs = {field.name: field.doc for field in table.schema().fields}
    assert docs == {"zone_id": of_column, "zone": None, "area_sq_mi": "In square miles."}


def test_timestamps_stay_without_a_zone(release: Release, folder: Location) -> None:
    EXPORTERS["delta"](release, release.tables, folder)
    EXPORTERS["iceberg"](release, release.tables, folder)
    table = delta_table(folder, FACT)
    types = {field.name: str(field.type) for field in table.schema().fields}
    assert types["picked_up_at"] == 'PrimitiveType("timestamp_ntz")'
    assert "timestampNtz" in (table.protocol().reader_features or [])
    with opened_catalog(folder) as catalog:
        assert str(catalog.load_table(FACT).schema().find_type("picked_up_at")) == "timestamp"


@pytest.mark.parametrize("format_", FORMATS)
def test_readers_skip_files_by_their_statistics(format_: str, release: Release, folder: Location) -> None:
    EXPORTERS[format_](release, release.tables, folder)
    rows = READERS[format_][0](folder, FACT)
    latest = max(rows["picked_up_at"].to_pylist())
    assert rows.num_rows == 590
    if format_ == "delta":
        found = delta_table(folder, FACT).to_pyarrow_table(filters=[("picked_up_at", ">=", latest)])
        stats = delta_table(folder, FACT).get_add_actions(flatten=True)
        assert {"min.picked_up_at", "max.trip_id", "null_count.miles"} <= set(stats.schema.names)
    else:
        with opened_catalog(folder) as catalog:
            scan = catalog.load_table(FACT).scan(row_filter=f"picked_up_at >= '{latest.isoformat()}'")
            assert len(list(scan.plan_files())) == 1
            found = scan.to_arrow()
    assert found.num_rows == 1


def test_a_bucket_that_refuses_is_named(
    bucket: str, release: Release, refuse: Callable[[str], None], s3_environment: dict[str, str]
) -> None:
    to = Location.of(f"s3://{bucket}/lake")
    refuse(bucket)
    for format_ in FORMATS:
        with pytest.raises(ExportError, match=f"{FACT} to s3://{bucket}/lake/{format_}") as failure:
            EXPORTERS[format_](release, release.tables, to)
        said = str(failure.value)
        assert len(said) < 600
        assert s3_environment["AWS_SECRET_ACCESS_KEY"] not in said


def test_a_damaged_file_of_the_release_is_named(release: Release, folder: Location) -> None:
    damaged = release.folder / str(release.table(FACT).parts[0].file)  # type: ignore[union-attr]
    damaged.chmod(0o644)
    contents = bytearray(damaged.read_bytes())
    contents[20] ^= 1
    damaged.write_bytes(contents)
    with pytest.raises(ExportError, match=r"green/2025-01\.parquet: expected the file as it was published"):
        EXPORTERS["delta"](release, release.tables, folder)
    assert not folder.joined("delta", *FACT.split("."), "_delta_log").path.exists()


def test_another_catalog_by_the_environment(
    release: Release, folder: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "elsewhere.db"
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKEHOUSE__URI", f"sqlite:///{file}")
    EXPORTERS["iceberg"](release, release.tables, folder)
    assert file.exists()
    assert not catalog_file(folder).exists()
    assert_is_release("iceberg", folder, release)
    with pytest.raises(ExportError, match="the catalog has this table at"):
        EXPORTERS["iceberg"](release, release.tables, Location.of(str(tmp_path / "another place")))


def test_a_path_that_iceberg_cannot_hold_is_refused(release: Release, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"expected a path without \?, # and %"):
        EXPORTERS["iceberg"](release, release.tables, Location.of(str(tmp_path / "50%")))
