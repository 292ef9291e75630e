"""What is really built and published is exported whole, in every format."""

from pathlib import Path

import pytest

from tests.dbt.small_warehouse import Warehouse
from tests.lakehouse.fingerprint import fingerprints_of_file
from tests.lakehouse.reading import by_csv, by_duckdb, by_polars, by_pyarrow, of_release
from warehouse.lakehouse import Location, export
from warehouse.publishing import making
from warehouse.publishing.publish import publish


def test_every_format_has_the_rows_that_were_published(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    monkeypatch.setattr(making, "ROWS_FOR_FILES", 2)
    release = publish().release
    lake = Location.of(str(tmp_path / "lake"))
    for format_ in ("parquet", "csv", "duckdb"):
        done = export(format_, to=lake)
        assert sum(each.rows for each in done) == sum(table.rows for table in release.tables)
    expected = of_release(release)
    assert by_pyarrow(lake, release) == expected
    assert by_polars(lake, release) == expected
    assert by_duckdb(lake, release) == expected
    assert by_csv(lake, release) == expected
    exported = fingerprints_of_file(str(lake.joined("duckdb", "nyc_mobility.duckdb").path))
    published = fingerprints_of_file(str(release.database))
    # The ledger is in it too.
    assert exported == published
    assert {"meta.ingestion_runs", *expected} <= set(exported)
