"""Reads tables of the lakehouse with what users have, and compares them with the release."""

from collections.abc import Callable

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from warehouse.lakehouse import Location, delta, iceberg
from warehouse.lakehouse.columns import type_in_lakehouse
from warehouse.lakehouse.iceberg_catalog import opened_catalog
from warehouse.releases import Release, ReleaseTable, open_release
from warehouse.sql import identifier

Fingerprint = tuple[int, str]

EXPORTERS = {"delta": delta.export_tables, "iceberg": iceberg.export_tables}


def published(release: Release, table: ReleaseTable) -> Fingerprint:
    """Count and hash of a table's rows in the release."""
    with open_release(release) as connection:
        return _fingerprint(connection, identifier(table.schema, table.name), table)


def found(rows: pa.Table, table: ReleaseTable) -> Fingerprint:
    """Count and hash of rows that a reader found."""
    if not rows.num_columns:
        # A table without rows has no files, of which some readers make a table without columns.
        return 0, "0"
    with duckdb.connect() as connection:
        connection.register("found_rows", rows)
        return _fingerprint(connection, "found_rows", table)


def _fingerprint(connection: duckdb.DuckDBPyConnection, relation: str, table: ReleaseTable) -> Fingerprint:
    columns = ", ".join(
        f"cast({identifier(name)} as {type_in_lakehouse(table.full_name, name, type_)}) as {identifier(name)}"
        for name, type_ in table.columns
    )
    query = f"select count(*), coalesce(sum(hash(t)), 0)::varchar from (select {columns} from {relation}) as t"
    count, hash_ = connection.execute(query).fetchall()[0]
    return count, hash_


def delta_table(to: Location, table: str, version: int | None = None) -> DeltaTable:
    """A table of Delta."""
    address = to.joined("delta", *table.split(".")).url
    return DeltaTable(address, version=version, storage_options=to.delta_options())


def by_deltalake(to: Location, table: str) -> pa.Table:
    return delta_table(to, table).to_pyarrow_table()


def by_polars_from_delta(to: Location, table: str) -> pa.Table:
    address = to.joined("delta", *table.split(".")).url
    return pl.scan_delta(address, storage_options=to.delta_options()).collect().to_arrow()


def by_pyarrow_from_delta(to: Location, table: str) -> pa.Table:
    return delta_table(to, table).to_pyarrow_dataset().to_table()


def by_plain_duckdb_from_delta(to: Location, table: str) -> pa.Table:
    """DuckDB without an extension reads the files that the table has."""
    files = delta_table(to, table).file_uris()
    return duckdb.read_parquet(files).to_arrow_table() if files else pa.table({})


def by_pyiceberg(to: Location, table: str) -> pa.Table:
    with opened_catalog(to) as catalog:
        return catalog.load_table(table).scan().to_arrow()


def by_polars_from_iceberg(to: Location, table: str) -> pa.Table:
    with opened_catalog(to) as catalog:
        return pl.scan_iceberg(catalog.load_table(table)).collect().to_arrow()


def by_pyarrow_from_iceberg(to: Location, table: str) -> pa.Table:
    """pyarrow reads the files that the snapshot has."""
    with opened_catalog(to) as catalog:
        files = [task.file.file_path for task in catalog.load_table(table).scan().plan_files()]
    paths = [file.removeprefix("file://").removeprefix("s3://") for file in files]
    return ds.dataset(paths, filesystem=to.filesystem()).to_table() if paths else pa.table({})


Reader = Callable[[Location, str], pa.Table]

READERS: dict[str, list[Reader]] = {
    "delta": [by_deltalake, by_polars_from_delta, by_pyarrow_from_delta],
    "iceberg": [by_pyiceberg, by_polars_from_iceberg, by_pyarrow_from_iceberg],
}


def assert_is_release(format_: str, to: Location, release: Release, readers: list[Reader] | None = None) -> None:
    """Every table is what it is in the release, whoever reads it."""
    assert release.tables
    for table in release.tables:
        expected = published(release, table)
        for reader in readers or READERS[format_]:
            assert found(reader(to, table.full_name), table) == expected, (table.full_name, reader)


def data_files(format_: str, to: Location, table: str) -> set[str]:
    """The names of all files of data that lie in a table's folder, needed or not."""
    folder = to.joined(format_, *table.split("."))
    files = to.filesystem().find(folder.url)
    return {file.rpartition("/")[2] for file in files if file.endswith(".parquet") and "/_delta_log/" not in file}


def states(format_: str, to: Location, table: str) -> list[str]:
    """The releases that a table has had, the last first."""
    if format_ == "delta":
        return [commit["release"] for commit in delta_table(to, table).history() if "release" in commit]
    with opened_catalog(to) as catalog:
        snapshots = sorted(
            catalog.load_table(table).snapshots(), key=lambda each: each.sequence_number or 0, reverse=True
        )
        return [str(each.summary["nyc.release"]) for each in snapshots if each.summary]
