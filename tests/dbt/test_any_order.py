"""Whatever is loaded, built, backfilled and killed, in whatever order: a last build gives what a clean one gives."""

from dataclasses import dataclass, field
from datetime import date
from itertools import product

from hypothesis import event, given
from hypothesis import strategies as st

from tests.dbt.any_order import Build, KilledBuild, any_order, contents, delays, kill_in
from tests.dbt.small_warehouse import (
    FEBRUARY,
    JANUARY,
    MARCH,
    OTHER_SUBJECTS,
    Trip,
    Warehouse,
    citibike_month,
    ride,
    trip,
    yellow_month,
)

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
SCHEMAS = {table: "core_staging" if table.startswith("int_") else "core_core" for table in TABLES}
KILLED_IN = (
    "int_station_months",
    "fct_trips",
    "quarantined_trips",
    "int_daily_trips",
    "fct_hourly_mobility",
    "dim_weather",
)

DATA_TESTS = ("--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Load:
    """A file is loaded, or its corrected version in its place."""

    feed: str
    month: date
    version: int


Step = Load | Build | KilledBuild

loads = st.builds(Load, st.sampled_from(FEEDS), st.sampled_from(MONTHS), st.integers(0, 3))
full_refresh = ("--full-refresh", "--select", "fct_trips", "fct_hourly_mobility")
since_february = ("--vars", '{"backfill_start_date": "2025-02-01"}')
in_january = ("--vars", '{"backfill_start_date": "2025-01-10", "backfill_end_date": "2025-01-20"}')
builds = st.builds(Build, st.sampled_from(((), full_refresh, since_february, in_january)))
kills = st.builds(
    KilledBuild,
    st.sampled_from(KILLED_IN),
    delays,
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
        # Nor the checks, which are of both subjects.
        assert self.warehouse.dbt("run", "--exclude", *(f"{models}+" for models in OTHER_SUBJECTS)).success, (
            self.warehouse.said
        )
        return contents(self.warehouse, SCHEMAS)


@any_order(examples=1)
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
    assert warehouse.dbt("build", *DATA_TESTS, *warehouse.exclusion).success, warehouse.said
    built = contents(warehouse, SCHEMAS)
    clean = files.built_from_nothing()
    for table in TABLES:
        assert built[table] == clean[table], table
