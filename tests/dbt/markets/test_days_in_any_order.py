"""Days loaded, replaced, built, backfilled and killed in any order: a last build gives what a clean one gives."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pytest
from dbt.artifacts.resources.types import NodeType
from hypothesis import event, given
from hypothesis import strategies as st

from tests.dbt.any_order import Build, KilledBuild, any_order, contents, delays, kill_in
from tests.dbt.markets.files import DAYS, FEEDS, LAST, LOADED_FIRST, rows_of
from tests.dbt.markets.messages import tables_of_streams
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.paths import DATABASE_VARIABLE

CHANGED = (
    "silver_minute_aggs",
    "quarantined_minute_aggs",
    "fct_ticker_sessions",
    "fct_ticker_days",
    "fct_market_days",
    "ticker_anomalies",
    "dim_symbol",
    "dim_exchange",
    "dim_trader",
    "dim_account",
    "quarantined_reference_rows",
    "fct_candles_daily",
    "fct_options_bars",
    "fct_options_snapshots",
    "quarantined_broker_rows",
    "int_chain_days",
    "options_flow",
    "derived_metrics",
)
# A calendar of seeds is the same whatever is loaded.
TABLES = (*CHANGED, "dim_trading_day")
SCHEMAS = {table: "core_staging" if table.startswith("int_") else "core_markets" for table in TABLES}
# All tables. The views that they are made of stay as they are.
TABLES_ALONE = ("--select", *TABLES)
# With them.
MARKETS = ("--select", *(f"+{table}" for table in TABLES))
# Those that read nothing of other subjects.
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
DATA_TESTS = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Load:
    """A file is loaded, or another version in its place."""

    feed: str
    day: date
    version: int


Step = Load | Build | KilledBuild

loads = st.builds(Load, st.sampled_from(FEEDS), st.sampled_from(DAYS), st.integers(0, 3))
full_refresh = ("--full-refresh",)
since_monday = ("--vars", '{"backfill_start_date": "2026-03-09"}')
friday = ("--vars", '{"backfill_start_date": "2026-03-06", "backfill_end_date": "2026-03-06"}')
arguments = st.sampled_from(((), full_refresh, since_monday, friday))
builds = st.builds(Build, arguments)
kills = st.builds(KilledBuild, st.sampled_from(CHANGED), delays, arguments.map(lambda these: (*TABLES_ALONE, *these)))


@dataclass
class Files:
    """The files that are loaded, each in its last version."""

    warehouse: Warehouse
    versions: dict[tuple[str, date], Load] = field(default_factory=dict)

    def load(self, file: Load) -> None:
        self.versions[(file.feed, file.day)] = file
        self.warehouse.load(file.feed, file.day, rows_of(file.feed, file.day, file.version))

    def built_from_nothing(self) -> dict[str, list[tuple[object, ...]]]:
        """What a new warehouse holds, into which the same files were loaded by date, and which was built once."""
        self.warehouse.path.unlink()
        self.warehouse.create_raw_tables()
        for file in sorted(self.versions.values(), key=lambda one: (one.day, one.feed)):
            self.load(file)
        _build_all(self.warehouse)
        return contents(self.warehouse, SCHEMAS)


def _build_all(warehouse: Warehouse) -> None:
    """The tables with all that they are made of, seeds as well."""
    assert warehouse.dbt("build", *MARKETS, *WITHOUT_TESTS).success, warehouse.said


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The past, and all feeds of Friday and Tuesday, built; Monday is yet to come. `restore` puts that back."""
    folder = tmp_path_factory.mktemp("any_order")
    warehouse = Warehouse(folder / "nyc_mobility.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        warehouse.create_raw_tables()
        for feed, day in LOADED_FIRST:
            warehouse.load(feed, day, rows_of(feed, day, 1))
        _build_all(warehouse)
        shutil.copy(warehouse.path, warehouse.base)
        yield warehouse


@any_order(examples=1)
@given(before=st.lists(loads | builds, min_size=1, max_size=5), kill=kills, after=st.lists(loads | builds, max_size=3))
def test_days_in_any_order_give_what_a_clean_build_gives(
    warehouse: Warehouse, before: list[Step], kill: KilledBuild, after: list[Step]
) -> None:
    warehouse.restore()
    files = Files(warehouse, {(feed, day): Load(feed, day, 1) for feed, day in LOADED_FIRST})
    for step in [*before, kill, *after]:
        match step:
            case Load():
                files.load(step)
            case Build(arguments):
                warehouse.build(*TABLES_ALONE, *arguments)
            case KilledBuild():
                event(f"killed: {kill_in(warehouse, step)}")
    assert warehouse.dbt("build", *MARKETS, *DATA_TESTS).success, warehouse.said
    built = contents(warehouse, SCHEMAS)
    clean = files.built_from_nothing()
    for table in TABLES:
        assert built[table] == clean[table], table


def test_no_table_of_markets_is_left_out() -> None:
    models = [node for node in parsed_project().nodes.values() if node.resource_type is NodeType.Model]
    tables = {node.name: node.schema for node in models if "markets" in node.fqn and node.config.materialized != "view"}
    # What messages have a part in has a test of its own.
    assert tables.keys() - tables_of_streams().keys() == SCHEMAS.keys()
    assert SCHEMAS.items() <= tables.items()


def test_every_table_has_rows_that_versions_change(warehouse: Warehouse) -> None:
    """Otherwise it would prove nothing that they are equal."""
    warehouse.restore()
    before = contents(warehouse, SCHEMAS)
    for feed in FEEDS:
        warehouse.load(feed, LAST, rows_of(feed, LAST, 2))
    warehouse.build(*TABLES_ALONE)
    after = contents(warehouse, SCHEMAS)
    assert [table for table in CHANGED if not after[table] or before[table] == after[table]] == []
