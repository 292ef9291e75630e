"""Exports of models: what their meta says, and what is in their files."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from metrics.exports import BadExportError, Export, Table, declared_exports, write_export
from warehouse.lakehouse.location import Location
from warehouse.releases import Source

TODAY = datetime.now(UTC).date()
TABLE = Table("core_toys", "toy_days", "sold_on")


def _model(export: object) -> dict[str, Any]:
    node = {
        "resource_type": "model",
        "name": "toy_days",
        "alias": "toy_days",
        "schema": "core_toys",
        "fqn": ["project", "marts", "toys", "toy_days"],
        "description": "What was sold on a day.",
        "original_file_path": "models/marts/toys/toy_days.yml",
        "columns": {"sold_on": {"data_type": "date"}, "toy": {"data_type": "varchar"}},
        "config": {"meta": {"export": export}},
    }
    return {"saved_queries": {}, "nodes": {"model.project.toy_days": node}}


def test_a_model_is_exported_if_its_meta_says_so() -> None:
    declared = declared_exports(_model({"format": "csv", "days": 1, "day": "sold_on"}))
    assert declared == [Export("toy_days", "csv", 1, "What was sold on a day.", ("marts", "toys"), TABLE)]


@pytest.mark.parametrize(
    "meta",
    [
        "csv",
        {"format": "csv", "days": 1},
        {"format": "csv", "days": 0, "day": "sold_on"},
        {"format": "xlsx", "days": 1, "day": "sold_on"},
        {"format": "csv", "days": 1, "day": "toy"},
        {"format": "csv", "days": 1, "day": "sold_on; drop table x"},
        {"format": "csv", "days": 1, "day": ["x" * 1000]},
        {"format": "csv", "days": 1, "day": "sold_on", "to": "/etc/passwd"},
    ],
)
def test_what_is_not_an_export_is_refused_by_name(meta: object) -> None:
    with pytest.raises(BadExportError, match=r"toy_days.yml: model toy_days: ") as error:
        declared_exports(_model(meta))
    assert len(str(error.value)) < 600


@pytest.fixture
def sold(database: Path) -> dict[date, int]:
    """How many rows there are of each day; today is not over."""
    days = {TODAY - timedelta(days=back): back + 1 for back in (0, 2, 3, 40)}
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema core_toys; create table core_toys.toy_days (sold_on date, toy varchar)")
        for day, rows in days.items():
            connection.execute(
                "insert into core_toys.toy_days select ?, 'toy, ' || number from range(?) as numbers(number)",
                [day, rows],
            )
    return days


def test_the_last_day_with_rows_that_is_over_is_written_as_csv(sold: dict[date, int], tmp_path: Path) -> None:
    last = TODAY - timedelta(days=2)
    written = write_export(Export("toy_days", "csv", 1, "", table=TABLE), Source(), Location.of(str(tmp_path)))
    path = tmp_path / "toy_days" / f"toy_days_{last}.csv"
    assert (written.address, written.first, written.last, written.rows) == (str(path), last, last, sold[last])
    assert list(csv.DictReader(path.read_text().splitlines())) == [
        {"sold_on": f"{last}", "toy": f"toy, {number}"} for number in range(sold[last])
    ]


def test_thirty_days_are_one_parquet_file(sold: dict[date, int], tmp_path: Path) -> None:
    last, first = TODAY - timedelta(days=2), TODAY - timedelta(days=31)
    write_export(Export("toy_days", "parquet", 30, "", table=TABLE), Source(), Location.of(str(tmp_path)))
    table = pq.read_table(tmp_path / "toy_days" / f"toy_days_{first}_{last}.parquet")
    assert set(table["sold_on"].to_pylist()) == {last, TODAY - timedelta(days=3)}
    assert table.num_rows == sold[last] + sold[TODAY - timedelta(days=3)]


@pytest.mark.parametrize("table", [Table("core_toys", "toy_days", "sold_on"), Table("core_toys", "absent", "sold_on")])
def test_nothing_to_export_is_said(table: Table, database: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema core_toys; create table core_toys.toy_days (sold_on date, toy varchar)")
    with pytest.raises(BadExportError, match="expected files of its facts to be loaded and built"):
        write_export(Export("toy_days", "csv", 1, "", table=table), Source(), Location.of(str(tmp_path)))
