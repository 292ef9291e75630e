"""Read an export with what users have, as a fingerprint a table."""

from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.dataset

from tests.lakehouse.fingerprint import fingerprint
from warehouse.lakehouse import Location
from warehouse.releases import Release, open_release
from warehouse.sql import literal


def of_release(release: Release) -> dict[str, str]:
    """What was published."""
    with open_release(release) as connection:
        return {
            table.full_name: fingerprint(connection.sql(f"from {table.full_name}").to_arrow_table())
            for table in release.tables
        }


def by_pyarrow(lake: Location, release: Release) -> dict[str, str]:
    """Through pyarrow's data sets."""
    files = lake.filesystem() if lake.is_s3 else None
    return {
        table.full_name: fingerprint(
            pyarrow.dataset.dataset(_folder(lake, table.full_name), filesystem=files, format="parquet").to_table()
        )
        for table in release.tables
    }


def by_polars(lake: Location, release: Release) -> dict[str, str]:
    """Through Polars, which reaches S3 by itself."""
    options = {name.lower(): value for name, value in lake.delta_options().items() if "CONDITIONAL" not in name}
    return {
        table.full_name: fingerprint(
            polars.scan_parquet(
                f"{_url(lake, table.full_name)}/**/*.parquet", storage_options=options or None
            ).collect()
        )
        for table in release.tables
    }


def by_duckdb(lake: Location, release: Release) -> dict[str, str]:
    """Through DuckDB, which reaches S3 by fsspec."""
    with duckdb.connect() as connection:
        if lake.is_s3:
            connection.register_filesystem(lake.filesystem())
        return {
            table.full_name: fingerprint(
                connection.sql(
                    f"from read_parquet({literal(_url(lake, table.full_name) + '/**/*.parquet')})"
                ).to_arrow_table()
            )
            for table in release.tables
        }


READERS = (by_pyarrow, by_polars, by_duckdb)


def by_csv(lake: Location, release: Release) -> dict[str, str]:
    """Read CSV with DuckDB, which is told the types, as CSV has none."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table in release.tables:
            path = lake.joined("csv", table.schema, table.name).path
            files = literal(f"{path}/**/*.csv" if table.is_in_files else f"{path}.csv")
            types = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in table.columns)
            query = f"from read_csv({files}, header = true, columns = {{{types}}}, allow_quoted_nulls = false)"
            found[table.full_name] = fingerprint(connection.sql(query).to_arrow_table())
    return found


def names(folder: Path) -> set[str]:
    """Every file and folder, but for the lock."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} - {".export.lock"}


def _url(lake: Location, table: str) -> str:
    return lake.joined("parquet", *table.split(".")).url


def _folder(lake: Location, table: str) -> str:
    return _url(lake, table).removeprefix("s3://")


__all__ = ["READERS", "by_csv", "by_duckdb", "by_polars", "by_pyarrow", "names", "of_release", "pa"]
