"""Files come late, twice, grown and in any order, with builds between, some of them killed.

Whatever comes before what, the tables are those of a clean build of the same files.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.dbt.any_order import Build, KilledBuild, any_order, contents, delays, kill_in
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.dbt.telemetry.lines import (
    CRAWLS,
    DAYS,
    EVENTS,
    HOURS,
    RUNS,
    SUBJECT,
    VERSIONS,
    Line,
    rows_of,
    tables_of_telemetry,
)
from warehouse.paths import DATABASE_VARIABLE

# Asked for by tests alone: the project is parsed for it, which takes longer than to collect all other tests.
schemas = cache(tables_of_telemetry)


def tables_alone() -> tuple[str, ...]:
    return ("--select", *schemas())


def models() -> tuple[str, ...]:
    """The tables with what they are made of."""
    return ("--select", *(f"+{table}" for table in schemas()))


DATA_TESTS = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Load:
    """The files of a period are read, in place of what was read of it before."""

    feed: str
    period: datetime | date
    lines: tuple[Line, ...]


Step = Load | Build | KilledBuild

lines = st.lists(
    st.builds(Line, st.integers(0, 2), st.integers(-90, 240), st.sampled_from((*VERSIONS, 0, 1, 2, 3))), max_size=5
).map(tuple)
loads = st.builds(Load, st.sampled_from((EVENTS, EVENTS, RUNS)), st.sampled_from(HOURS), lines) | st.builds(
    Load, st.just(CRAWLS), st.sampled_from(DAYS), lines
)
builds = st.builds(Build, st.sampled_from(((), (), ("--full-refresh",))))
kills = st.deferred(lambda: st.builds(KilledBuild, st.sampled_from(sorted(schemas())), delays, st.just(tables_alone())))

# A later hour has what came first in an earlier one, and an earlier hour what happened last.
LOADED_FIRST = (
    Load(EVENTS, HOURS[0], (Line(0, 5), Line(1, 10, 1), Line(1, 10, 1), Line(2, 3, 4))),
    Load(EVENTS, HOURS[2], (Line(0, 6, 1), Line(1, 2), Line(2, 130))),
    Load(RUNS, HOURS[0], (Line(0, 5), Line(1, 20, 1))),
    Load(CRAWLS, DAYS[0], (Line(0, 5), Line(0, 30, 1), Line(1, 100), Line(2, 0, 7))),
    Load(CRAWLS, DAYS[1], (Line(1, 110), Line(1, 150, 2))),
)


@dataclass
class Files:
    """The files that were read, each period as it was read last."""

    warehouse: Warehouse
    last: dict[tuple[str, datetime | date], Load] = field(default_factory=dict)

    def load(self, *files: Load) -> None:
        for file in files:
            self.last[file.feed, file.period] = file
            self.warehouse.load(file.feed, file.period, rows_of(file.feed, file.lines))

    def built_from_nothing(self) -> dict[str, list[tuple[object, ...]]]:
        """What a new warehouse holds, into which the same files were read once, and which was built once."""
        self.warehouse.path.unlink()
        self.warehouse.create_raw_tables()
        self.load(*sorted(self.last.values(), key=str))
        self.warehouse.build(*models())
        return contents(self.warehouse, schemas())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """The first files are read and built. `restore` of the warehouse puts that back."""
    folder = tmp_path_factory.mktemp(SUBJECT)
    with pytest.MonkeyPatch.context() as patch:
        files = Files(Warehouse(folder / "nyc_mobility.duckdb", folder, parsed_project()))
        patch.setenv(DATABASE_VARIABLE, str(files.warehouse.path))
        files.warehouse.create_raw_tables()
        files.load(*LOADED_FIRST)
        files.warehouse.build(*models())
        shutil.copy(files.warehouse.path, files.warehouse.base)
        yield files


def _as_it_was(files: Files) -> Files:
    """The first files alone."""
    files.warehouse.restore()
    return Files(files.warehouse, {(file.feed, file.period): file for file in LOADED_FIRST})


@any_order(examples=1)
@given(before=st.lists(loads | builds, min_size=2, max_size=7), kill=kills, after=st.lists(loads | builds, max_size=5))
def test_files_in_any_order_give_what_a_clean_build_gives(
    files: Files, before: list[Step], kill: KilledBuild, after: list[Step]
) -> None:
    here = _as_it_was(files)
    for step in [*before, kill, *after]:
        match step:
            case Load():
                here.load(step)
            case Build(arguments):
                here.warehouse.build(*tables_alone(), *arguments)
            case KilledBuild():
                event(f"killed: {kill_in(here.warehouse, step)}")
    assert here.warehouse.dbt("build", *models(), *DATA_TESTS).success, here.warehouse.said
    _every_line_is_somewhere(here)
    _of_each_thing_the_latest_is_kept(here)
    built = contents(here.warehouse, schemas())
    clean = here.built_from_nothing()
    for table in schemas():
        assert built[table] == clean[table], table


def _every_line_is_somewhere(files: Files) -> None:
    for period, tables in {
        "source_hour": ("silver_pipeline_events", "quarantined_events"),
        "source_date": ("silver_crawler_results", "quarantined_profiles"),
    }.items():
        held = files.warehouse.execute(
            " union all ".join(f"select feed, {period}, source_row from core_telemetry.{table}" for table in tables)
        )
        lines = [
            (file.feed, file.period, row)
            for file in files.last.values()
            for row in range(len(file.lines))
            if (file.feed == CRAWLS) == (period == "source_date")
        ]
        assert sorted(held, key=str) == sorted(lines, key=str)


def _of_each_thing_the_latest_is_kept(files: Files) -> None:
    """In plain Python."""
    latest: dict[tuple[object, ...], tuple[datetime, datetime | date, int]] = {}
    for file in files.last.values():
        for row, line in enumerate(file.lines):
            time = line.time if file.feed == CRAWLS else line.end or line.time
            thing = (file.feed, line.thing, line.time.date() if file.feed == CRAWLS else None)
            if line.is_sound:
                latest[thing] = max(latest.get(thing, (time, file.period, row)), (time, file.period, row))
    kept = files.warehouse.execute(
        "select feed, event_id, source_hour, source_row from core_telemetry.silver_pipeline_events union all by name"
        " select feed, user_name as event_id, source_date as source_hour, source_row"
        " from core_telemetry.silver_crawler_results"
    )
    expected = [
        (feed, f"{'user_' if feed == CRAWLS else 'E'}{thing}", f"{period:%Y-%m-%d %H}", row)
        for (feed, thing, _), (_, period, row) in latest.items()
    ]
    assert sorted((feed, thing, f"{period:%Y-%m-%d %H}", row) for feed, thing, period, row in kept) == sorted(expected)


def test_the_first_files_are_in_every_table(files: Files) -> None:
    """Otherwise it would prove nothing that they are equal."""
    here = _as_it_was(files)
    before = contents(here.warehouse, schemas())
    here.load(
        Load(EVENTS, HOURS[1], (Line(0, 80, 1), Line(1, 90, 0), Line(3, 61, 2))),
        Load(CRAWLS, DAYS[0], (Line(0, 40, 1), Line(1, 100), Line(1, 115, 3))),
    )
    here.warehouse.build(*tables_alone())
    after = contents(here.warehouse, schemas())
    assert [table for table in schemas() if not after[table] or before[table] == after[table]] == []


def test_only_hours_that_files_change_are_built_again(files: Files) -> None:
    here = _as_it_was(files)

    def built(model: str = "silver_pipeline_events") -> set[str]:
        here.warehouse.build(*tables_alone())
        return {key.removeprefix(f"{EVENTS}/")[-3:] for key in here.warehouse.rebuilt(model)}

    assert built() == set()
    here.load(Load(EVENTS, HOURS[1], (Line(8, 65),)))
    assert built() == {"T23"}
    # It happened later than what the hour of 22:00 says of it, and so leaves that.
    here.load(Load(EVENTS, HOURS[3], (Line(1, 185),)))
    assert built() == {"T22", "T01"}
    assert _hours_of_event(here, "E1") == [HOURS[3]]
    # Late, for it happened before: no other hour has to do with it.
    here.load(Load(EVENTS, HOURS[1], (Line(8, 65), Line(1, 1))))
    assert built() == {"T23"}
    assert _hours_of_event(here, "E1") == [HOURS[3]]
    # The hour is replaced by one that does not say it any more: what was said before is right again.
    here.load(Load(EVENTS, HOURS[3], (Line(9, 186),)))
    assert built() == {"T22", "T01"}
    assert _hours_of_event(here, "E1") == [HOURS[0]]
    # The same events, read again.
    here.load(Load(EVENTS, HOURS[3], (Line(9, 186),)))
    assert built() == {"T01"}
    here.load(Load(CRAWLS, DAYS[0], ()))
    assert built() == set()


def _hours_of_event(files: Files, event_id: str) -> list[object]:
    rows = files.warehouse.execute(
        "select source_hour from core_telemetry.silver_pipeline_events"
        f" where feed = '{EVENTS}' and event_id = '{event_id}'"
    )
    return [hour for (hour,) in rows]


def test_a_line_with_a_fault_supersedes_nothing(files: Files) -> None:
    here = _as_it_was(files)
    kept = (
        "select * exclude (load_id) from core_telemetry.silver_pipeline_events where source_hour = '2026-03-06 22:00'"
    )
    before = here.warehouse.execute(kept)
    here.load(Load(EVENTS, HOURS[3], tuple(Line(1, 200, version) for version in VERSIONS if version > 3)))
    here.warehouse.build(*tables_alone())
    assert here.warehouse.execute(kept) == before
    reasons = here.warehouse.execute(
        "select reason from core_telemetry.quarantined_events where source_hour = '2026-03-07 01:00'"
        " order by source_row"
    )
    assert reasons == [
        ("half_line",),
        ("missing_event_id",),
        ("bad_time",),
        ("unknown_status",),
        ("reserved_workspace",),
    ]
