"""Whatever is loaded, built, backfilled and killed, in whatever order: a last build gives what a clean one gives."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from itertools import product

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.dbt.small_warehouse import (
    DBT_DIRECTORY,
    FEBRUARY,
    JANUARY,
    MARCH,
    Trip,
    Warehouse,
    citibike_month,
    keep_parsed_project,
    ride,
    trip,
    yellow_month,
)

EXAMPLES = int(os.environ.get("ANY_ORDER_EXAMPLES", "3"))
FEEDS = ("yellow", "citibike", "weather")
MONTHS = (JANUARY, FEBRUARY, MARCH)
TABLES = (
    "fct_trips",
    "quarantined_trips",
    "fct_hourly_mobility",
    "dim_date",
    "dim_time",
    "dim_weather",
    "dim_location",
    "dim_station",
    "int_station_months",
    "int_daily_trips",
)
# Which load a row is from differs between two loads of the same rows; nothing else may.
CONTENT = "columns(* exclude (load_id))"
KILLED_IN = (
    "int_station_months",
    "fct_trips",
    "quarantined_trips",
    "int_daily_trips",
    "fct_hourly_mobility",
    "dim_weather",
)


@dataclass(frozen=True)
class Load:
    """A file is loaded, or its corrected version in its place."""

    feed: str
    month: date
    version: int


@dataclass(frozen=True)
class Build:
    """dbt is run, with these arguments."""

    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class KilledBuild:
    """dbt is killed, so many milliseconds after it began a model."""

    model: str
    milliseconds: int
    arguments: tuple[str, ...] = ()


Step = Load | Build | KilledBuild

loads = st.builds(Load, st.sampled_from(FEEDS), st.sampled_from(MONTHS), st.integers(0, 3))
full_refresh = ("--full-refresh", "--select", "fct_trips", "fct_hourly_mobility")
since_february = ("--vars", '{"backfill_start_date": "2025-02-01"}')
in_january = ("--vars", '{"backfill_start_date": "2025-01-10", "backfill_end_date": "2025-01-20"}')
builds = st.builds(Build, st.sampled_from(((), full_refresh, since_february, in_january)))
kills = st.builds(
    KilledBuild,
    st.sampled_from(KILLED_IN),
    st.integers(0, 120),
    st.sampled_from(((), ("--full-refresh",), since_february)),
)


def rows_of(file: Load) -> list[Trip]:
    """What the version of a file says. Other trips, prices and rejects each time; version 3 has none of its month."""
    stamp = f"{file.month:%Y-%m}"
    if file.feed == "citibike":
        late = [ride("C", f"{stamp}-2{n} 08:00:00", f"{stamp}-2{n} 07:00:00") for n in range(file.version)]
        moved = ride(f"D{file.version}", f"{stamp}-15 09:00:00", f"{stamp}-15 09:30:00")
        place = {"start_station_id": f"6498.{file.version}", "start_station_name": f"Place {file.version % 2}"}
        # Of the station whose name it bears, in the file alone: another version's, or another month's, has no say.
        named = {
            **ride(f"E{file.version}", f"{stamp}-16 09:00:00", f"{stamp}-16 09:30:00"),
            "end_station_name": "Place 1",
        }
        return [*citibike_month(file.month), *late, {**moved, **place}, named]
    if file.version == 3:
        return [trip(f"{stamp}-11 08:00:00", f"{stamp}-11 07:00:00")]
    return yellow_month(file.month, total=20.0 + file.version)[file.version :]


@dataclass
class Files:
    """The files that are loaded, each in its last version."""

    warehouse: Warehouse
    versions: dict[tuple[str, date], Load] = field(default_factory=dict)

    def load(self, file: Load) -> None:
        self.versions[(file.feed, file.month)] = file
        if file.feed == "weather":
            self.warehouse.load_weather(file.month, temperature=-10.0 + 15 * file.version)
        else:
            self.warehouse.load(file.feed, file.month, rows_of(file))

    def built_from_nothing(self) -> dict[str, list[tuple[object, ...]]]:
        """What a new warehouse holds, into which the same files were loaded once, and which was built once."""
        self.warehouse.path.unlink()
        self.warehouse.create_raw_tables()
        for file in list(self.versions.values()):
            self.load(file)
        assert self.warehouse.dbt("seed").success, self.warehouse.said
        self.warehouse.build()
        return contents(self.warehouse)


def contents(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: warehouse.execute(
            f"select {CONTENT if has_load_id(warehouse, table) else '*'} from {schema_of(table)}.{table} order by all"
        )
        for table in TABLES
    }


def has_load_id(warehouse: Warehouse, table: str) -> bool:
    return ("load_id",) in warehouse.execute(f"select column_name from (describe {schema_of(table)}.{table})")


def schema_of(table: str) -> str:
    return "core_staging" if table.startswith("int_") else "core_core"


def kill_in(warehouse: Warehouse, step: KilledBuild) -> bool:
    """Run dbt in a process of its own and kill it; False if it was done before."""
    folder = warehouse.scratch / "killed"
    if not folder.exists():
        keep_parsed_project(folder)
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--no-use-colors", *step.arguments]
    paths = ["--project-dir", str(DBT_DIRECTORY), "--profiles-dir", str(DBT_DIRECTORY)]
    process = subprocess.Popen(
        [*command, *paths, "--target-path", str(folder), "--log-path", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout
    for line in process.stdout:
        if "START" in line and f".{step.model} " in line:
            time.sleep(step.milliseconds / 1000)
            break
    is_killed = process.poll() is None
    process.kill()
    process.communicate()
    return is_killed


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="ANY_ORDER_EXAMPLES" not in os.environ,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # making an example smaller takes as long as finding it, many times
    # Every example restores the warehouse itself.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=st.lists(loads | builds, min_size=1, max_size=5), kill=kills, after=st.lists(loads | builds, max_size=3))
def test_any_order_gives_what_a_clean_build_gives(
    warehouse: Warehouse, before: list[Step], kill: KilledBuild, after: list[Step]
) -> None:
    warehouse.restore()
    files = Files(warehouse)
    for feed, month in product(FEEDS, (JANUARY, MARCH)):
        files.load(Load(feed, month, 0))
    for step in [*before, kill, *after]:
        match step:
            case Load():
                files.load(step)
            case Build(arguments):
                warehouse.build(*arguments)
            case KilledBuild():
                event(f"killed: {kill_in(warehouse, step)}")
    assert warehouse.dbt("build", "--exclude-resource-type", "unit_test").success, warehouse.said
    built = contents(warehouse)
    clean = files.built_from_nothing()
    for table in TABLES:
        assert built[table] == clean[table], table
