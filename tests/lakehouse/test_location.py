"""Where things are exported to."""

from pathlib import Path

import duckdb
import pytest

from tests.lakehouse.releases import FACT, TABLES
from warehouse.lakehouse import ExportError, Location
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release, current_release, open_release

SECRET = "hunter2"


def test_the_default_is_a_folder_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEHOUSE_URL", raising=False)
    assert Location.of().path == PROJECT_ROOT / "data/lakehouse"
    monkeypatch.setenv("LAKEHOUSE_URL", "elsewhere/here/..")
    assert Location.of().path == PROJECT_ROOT / "elsewhere"
    monkeypatch.setenv("LAKEHOUSE_URL", "s3://lake-1/a/b=1/")
    lake = Location.of()
    assert (lake.url, lake.bucket, lake.key, lake.is_s3) == ("s3://lake-1/a/b=1", "lake-1", "a/b=1", True)
    assert Location.of("/tmp/x").url == "/tmp/x"


def test_names_below_a_place() -> None:
    assert Location.of("s3://lake").joined("parquet", "green/2025-01.parquet").url == (
        "s3://lake/parquet/green/2025-01.parquet"
    )
    for name in ("..", "a/../../b", "", "/etc", "a//b", "a\\b"):
        with pytest.raises(ExportError, match="expected names of folders or files below it"):
            Location.of("/tmp/x").joined(name)


@pytest.mark.parametrize(
    "address",
    [
        f"s3://me:{SECRET}@bucket/prefix",
        f"s3://{SECRET}@bucket",
        f"s3://bucket/prefix?token={SECRET}",
        f"s3://me:{SECRET}/bucket",
        f"https://me:{SECRET}@bucket.s3.amazonaws.com/prefix",
        f"s3:me:{SECRET}@bucket",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(ExportError, match="AWS_SECRET_ACCESS_KEY") as refused:
        Location.of(address)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("address", ["gs://bucket/x", "s3://A_B/x", "s3://bucket/a/../b", "s3://bucket/a*", "s3://x"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(ExportError, match="expected") as refused:
        Location.of(address)
    assert address in str(refused.value)


def test_without_keys_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    lake = Location.of("s3://lake")
    for ask in (lake.filesystem, lake.delta_options, lake.iceberg_properties):
        with pytest.raises(ExportError, match=r"s3://lake: .*Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            ask()


def test_every_library_reaches_the_bucket(bucket: str) -> None:
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake
    from pyiceberg.io import load_file_io

    lake = Location.of(f"s3://{bucket}/prefix")
    lake.filesystem().pipe_file(lake.joined("a", "b.txt").url, b"hello")
    file = load_file_io(lake.iceberg_properties()).new_input(lake.joined("a", "b.txt").url)
    with file.open() as opened:
        assert opened.read() == b"hello"
    delta = lake.joined("delta").url
    write_deltalake(delta, pa.table({"x": [1, 2]}), storage_options=lake.delta_options())
    assert DeltaTable(delta, storage_options=lake.delta_options()).to_pyarrow_table().num_rows == 2


def test_a_folder_has_a_file_system_too(tmp_path: Path) -> None:
    lake = Location.of(str(tmp_path))
    lake.filesystem().pipe_file(lake.joined("b.txt").url, b"hello")
    assert (tmp_path / "b.txt").read_bytes() == b"hello"
    assert lake.delta_options() == lake.iceberg_properties() == {}


def test_the_release_of_these_tests_is_one(release: Release) -> None:
    assert current_release() == release
    with open_release() as connection:
        for name in TABLES:
            table = release.table(name)
            assert table
            rows = connection.execute(f"select count(*) from {name}").fetchall()[0][0]
            assert rows == table.rows > 0
    with duckdb.connect(release.database, read_only=True) as connection:
        tags = connection.execute("select tags from duckdb_databases() where not internal").fetchall()
        assert "v1.5" in str(tags)
    assert len([part for table, part in release.files() if table.full_name == FACT]) == 3
