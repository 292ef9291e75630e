"""replace_partitions on Spark: what is loaded late, again or no more is right, and nothing else is written."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import Trip, Warehouse, citibike_month, parsed_project
from tests.spark.conftest import SparkWarehouse
from tests.spark.rides import rides
from tests.spark.writes import Write, last_statement, writes_since
from warehouse.spark.comparing import compare
from warehouse.spark.session import spark_session

MODEL = "int_station_months"
TABLE = f"core_staging.{MODEL}"
WITH_ALL_IT_READS = f"+{MODEL}"


class Engines:
    """The same raw data, built by both."""

    def __init__(self, spark: SparkWarehouse, scratch: Path) -> None:
        self._spark = spark
        spark.manifest = spark.parse()
        self.raw = Warehouse(spark.database, scratch, parsed_project())
        self.raw.create_raw_tables()
        # Views, which are made once.
        self._selected = WITH_ALL_IT_READS

    def build(self, *arguments: str) -> list[Write]:
        """Build on Spark, and say what it wrote."""
        before = last_statement()
        assert self._spark.dbt("run", "--select", self._selected, *arguments).success, self._spark.said
        return writes_since(before)

    def equal(self) -> None:
        """Build on DuckDB, and compare."""
        self.raw.build("--select", self._selected)
        self._selected = MODEL
        with duckdb.connect(str(self.raw.path), read_only=True) as connection:
            (found,) = compare(connection, spark_session(), [TABLE])
        assert not found.differences, found

    def files(self) -> dict[str, set[str]]:
        """The files of each partition."""
        found: dict[str, set[str]] = {}
        for month, path in self._spark.rows(f"select distinct source_month, _metadata.file_path from {TABLE}"):
            found.setdefault(f"{month:%Y-%m}", set()).add(path)
        return found


# Each test changes a month of its own, so they need the table built once, and no order.
NEW, AGAIN, WINDOW, GONE, EMPTY, CHANGED, OTHERS = (date(2025, month, 1) for month in range(1, 8))
# Each is built with so many rows, and one more that ends them.
STATIONS = {AGAIN: 3, WINDOW: 5, GONE: 2, EMPTY: 2, CHANGED: 4, OTHERS: 3}


@pytest.fixture(scope="module")
def built(spark: SparkWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """All months but the new one, built."""
    engines = Engines(spark, tmp_path_factory.mktemp("duckdb"))
    for month, stations in STATIONS.items():
        engines.raw.load("citibike", month, rides(month, stations))
    assert engines.build() == [Write(len(STATIONS), sum(stations + 1 for stations in STATIONS.values()))]
    engines.equal()
    return engines


def test_nothing_is_written_where_nothing_changed_and_all_by_a_full_refresh(built: Engines) -> None:
    files = built.files()
    assert built.build() == []
    assert built.files() == files
    (written,) = built.build("--full-refresh")
    assert written.partitions == len(files)
    assert built.files().keys() == files.keys()
    built.equal()


@pytest.mark.parametrize(
    ("month", "rows"), [pytest.param(NEW, rides(NEW, 2), id="new"), pytest.param(AGAIN, rides(AGAIN, 7), id="again")]
)
def test_only_what_changed_is_written(built: Engines, month: date, rows: list[Trip]) -> None:
    before = built.files()
    built.raw.load("citibike", month, rows)
    assert built.build() == [Write(1, len(rows) + 1)]
    built.equal()
    assert changed_since(before, built.files()) == {f"{month:%Y-%m}"}


def test_a_backfill_writes_the_months_that_it_names(built: Engines) -> None:
    window = f'{{"backfill_start_date": "{WINDOW:%Y-%m}-10", "backfill_end_date": "{WINDOW:%Y-%m}-12"}}'
    before = built.files()
    assert built.build("--vars", window) == [Write(1, STATIONS[WINDOW] + 1)]
    built.equal()
    assert changed_since(before, built.files()) == {f"{WINDOW:%Y-%m}"}


def test_a_month_that_is_gone_goes(built: Engines) -> None:
    built.raw.unload("citibike", GONE)
    before = built.files()
    assert built.build() == []
    built.equal()
    assert before.keys() - built.files().keys() == {f"{GONE:%Y-%m}"}


def test_a_month_that_has_no_rows_any_more_loses_those_it_had(built: Engines) -> None:
    built.raw.load("citibike", EMPTY, [])
    before = built.files()
    built.build()
    built.equal()
    assert before.keys() - built.files().keys() == {f"{EMPTY:%Y-%m}"}
    # It has a watermark, so it is not built again and again.
    assert built.build() == []


def test_a_partition_that_other_hands_changed_is_built_again_and_no_other(built: Engines) -> None:
    before = built.files()
    for path in before[f"{CHANGED:%Y-%m}"]:
        Path(path.removeprefix("file:")).unlink()
    spark_session().sql(f"refresh table {TABLE}")
    assert built.build() == [Write(1, STATIONS[CHANGED] + 1)]
    built.equal()
    assert changed_since(before, built.files()) == {f"{CHANGED:%Y-%m}"}


def test_a_month_of_another_kind_of_rides_is_whole(built: Engines) -> None:
    built.raw.load("citibike", OTHERS, citibike_month(OTHERS))
    built.build()
    built.equal()


def changed_since(before: dict[str, set[str]], after: dict[str, set[str]]) -> set[str]:
    """The months whose files are other ones."""
    return {month for month in before | after if before.get(month) != after.get(month)}
