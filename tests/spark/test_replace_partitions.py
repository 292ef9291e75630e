"""replace_partitions on Spark: what is loaded late, again or no more is right, and nothing else is written."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, MARCH, Warehouse, citibike_month, parsed_project
from tests.spark.conftest import SparkWarehouse
from tests.spark.rides import rides
from tests.spark.writes import Write, last_statement, writes_since
from warehouse.spark.comparing import compare
from warehouse.spark.session import spark_session

MODEL = "int_station_months"
TABLE = f"core_staging.{MODEL}"
SELECT = ("--select", f"+{MODEL}")


class Engines:
    """The same raw data, built by both."""

    def __init__(self, spark: SparkWarehouse, scratch: Path) -> None:
        self._spark = spark
        parsed = spark.dbt("parse")
        assert isinstance(parsed.result, Manifest), spark.said
        spark.manifest = parsed.result
        self.raw = Warehouse(spark.database, scratch, parsed_project())
        self.raw.create_raw_tables()

    def build(self, *arguments: str) -> list[Write]:
        """Build on Spark, and say what it wrote."""
        before = last_statement()
        assert self._spark.dbt("run", *SELECT, *arguments).success, self._spark.said
        return writes_since(before)

    def equal(self) -> None:
        """Build on DuckDB, and compare."""
        self.raw.build(*SELECT)
        with duckdb.connect(str(self.raw.path), read_only=True) as connection:
            (found,) = compare(connection, spark_session(), [TABLE])
        assert not found.differences, found

    def files(self) -> dict[str, set[str]]:
        """The files of each partition."""
        found: dict[str, set[str]] = {}
        for month, path in self._spark.rows(f"select distinct source_month, _metadata.file_path from {TABLE}"):
            found.setdefault(f"{month:%Y-%m}", set()).add(path)
        return found


@pytest.fixture(scope="module")
def engines(spark: SparkWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    return Engines(spark, tmp_path_factory.mktemp("duckdb"))


@pytest.fixture
def built(engines: Engines) -> Engines:
    """January and March, built."""
    engines.raw.load("citibike", JANUARY, rides(JANUARY, 3))
    engines.raw.load("citibike", MARCH, rides(MARCH, 5))
    engines.raw.unload("citibike", FEBRUARY)
    engines.build()
    return engines


def test_all_are_written_first_and_nothing_where_nothing_changed(built: Engines) -> None:
    written = built.build("--full-refresh")
    assert written == [Write(partitions=2, rows=10)]
    built.equal()
    files = built.files()
    assert built.build() == []
    assert built.files() == files


@pytest.mark.parametrize(
    ("change", "written", "months"),
    [
        pytest.param(
            lambda raw: raw.load("citibike", FEBRUARY, rides(FEBRUARY, 2)), [Write(1, 3)], {"2025-02"}, id="new"
        ),
        pytest.param(
            lambda raw: raw.load("citibike", JANUARY, rides(JANUARY, 7)), [Write(1, 8)], {"2025-01"}, id="again"
        ),
    ],
)
def test_only_what_changed_is_written(
    built: Engines, change: Callable[[Warehouse], None], written: list[Write], months: set[str]
) -> None:
    before = built.files()
    change(built.raw)
    assert built.build() == written
    built.equal()
    after = built.files()
    assert {month for month in before | after if before.get(month) != after.get(month)} == months


def test_a_backfill_writes_the_months_that_it_names(built: Engines) -> None:
    window = '{"backfill_start_date": "2025-03-10", "backfill_end_date": "2025-03-12"}'
    assert built.build("--vars", window) == [Write(1, 6)]
    built.equal()


def test_a_month_that_is_gone_goes(built: Engines) -> None:
    built.raw.unload("citibike", MARCH)
    assert built.build() == []
    built.equal()
    assert set(built.files()) == {"2025-01"}


def test_a_month_that_has_no_rows_any_more_loses_those_it_had(built: Engines) -> None:
    built.raw.load("citibike", MARCH, [])
    built.build()
    built.equal()
    assert set(built.files()) == {"2025-01"}
    # It has a watermark, so it is not built again and again.
    assert built.build() == []


def test_a_partition_that_other_hands_changed_is_built_again_and_no_other(built: Engines) -> None:
    before = built.files()
    for path in before["2025-01"]:
        Path(path.removeprefix("file:")).unlink()
    spark_session().sql(f"refresh table {TABLE}")
    assert built.build() == [Write(1, 4)]
    built.equal()
    assert built.files()["2025-03"] == before["2025-03"]


def test_a_month_of_another_kind_of_rides_is_whole(built: Engines) -> None:
    built.raw.load("citibike", JANUARY, citibike_month(JANUARY))
    built.build()
    built.equal()
