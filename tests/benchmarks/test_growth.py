"""What 2,000 partitions of history cost beside 200, in counts of work: the same, or as much more as is said here.

The history is trading days of minute bars. It is measured with 200 days, then 1,800 older ones are loaded, and it is
measured again. Counts do not depend on the machine. A bound is what was counted, with a little room: whoever makes work
for every partition where there was none will see it here.
"""

import cProfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pytest

from benchmarks.growth import page
from benchmarks.growth.counting import Work, counted
from benchmarks.growth.grid import Tick, grid, keys_made
from benchmarks.growth.history import Shape, newest_days
from benchmarks.growth.stages import OF_SUBJECT, Scene
from tests.dbt.small_warehouse import parsed_project
from warehouse.ledger import utc_now
from warehouse.publishing.publish import Publication

FEW, MANY = 200, 2_000
# With 30 rows a day the bars of a release are in files, one a day, and the facts, of two rows a day, are not.
SHAPE = Shape(tickers=2, minutes=15)
ROW_GROUP = 122_880

# The models of the bars.
OF_BARS = ("--select", "+ticker_anomalies", "+fct_ticker_days", "+fct_market_days", "+quarantined_minute_aggs")

LEDGER = "meta."
WATERMARKS = "meta.asset_watermarks"
# Of a day: the feed's, and those of the five models that hold days.
WATERMARKS_A_DAY = 6
# Read whole, whatever is loaded: calendars and other seeds, and what is made of them.
OF_NO_HISTORY = ("READ_CSV", "core_staging.", "core_core.", "core_markets.dim_")
ROWS_A_DAY = {
    "raw_data.minute_aggs": 30,
    "core_markets.silver_minute_aggs": 30,
    "core_markets.fct_ticker_sessions": 2,
    "core_markets.fct_ticker_days": 2,
    "core_markets.fct_market_days": 1,
    "core_checks.reconciliation": 1,
    'main."core_checks.reconciliation"': 1,
}


@dataclass(frozen=True)
class Measured:
    """What was counted with a history of so many days."""

    days: int
    no_op: Work
    changed: Work
    first_release: Work
    first_publication: Publication
    release: Work
    publication: Publication
    plan: Work
    planned: int
    plan_calls: int
    first_tick: Tick
    idle_tick: Tick
    tick: Tick
    page: Work
    page_again: Work


def work_of(do: Callable[[], object]) -> Work:
    with counted() as work:
        do()
    return work


def calls_of(do: Callable[[], object]) -> int:
    """How many functions are called: it tells work of Python that grows faster than it should."""
    profile = cProfile.Profile()
    profile.runcall(do)
    return sum(entry.callcount for entry in profile.getstats())


def measure(scene: Scene, days: Sequence[date], build: Callable[[], None]) -> Measured:
    """Build and publish a history that is loaded, and do once more what is done every day."""
    build()
    with counted() as first_release:
        first_publication = scene.publish()
    scene.load([days[len(days) // 2]])
    changed = work_of(lambda: scene.build(*OF_BARS))
    no_op = work_of(lambda: scene.build(*OF_SUBJECT))
    with counted() as release:
        publication = scene.publish()
    with grid() as known:
        first_tick = known.tick()
        known.tell_all()
        idle_tick = known.tick()
        scene.load([days[len(days) // 3]])
        tick = known.tick()
    with counted() as drawn:
        opened = page.open_health()
    return Measured(
        len(days),
        no_op=no_op,
        changed=changed,
        first_release=first_release,
        first_publication=first_publication,
        release=release,
        publication=publication,
        plan=work_of(scene.plan),
        planned=scene.plan(),
        plan_calls=calls_of(scene.plan),
        first_tick=first_tick,
        idle_tick=idle_tick,
        tick=tick,
        page=drawn,
        page_again=work_of(lambda: page.draw(opened)),
    )


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Measured, Measured]]:
    scene = Scene(tmp_path_factory.mktemp("growth"), SHAPE, parsed_project())
    days = newest_days(MANY)
    with scene.entered():
        scene.load(days[-FEW:])
        few = measure(scene, days[-FEW:], scene.build)
        scene.load(days[:-FEW])
        many = measure(scene, days, lambda: scene.build(*OF_SUBJECT))
        yield few, many


def of_history(counts: Counter[str]) -> dict[str, int]:
    """What was counted of the tables that grow with history, but for the ledger."""
    return {table: count for table, count in counts.items() if not table.startswith((LEDGER, *OF_NO_HISTORY))}


def test_a_build_with_nothing_to_do_reads_no_table_that_grows_but_the_ledger(
    histories: tuple[Measured, Measured],
) -> None:
    few, many = histories
    assert many.no_op.statements == few.no_op.statements
    assert of_history(few.no_op.rows) == of_history(many.no_op.rows) == {}


def test_a_build_compares_the_watermarks_of_all_partitions(histories: tuple[Measured, Measured]) -> None:
    # What has changed is seen by comparing what is loaded with what is built: 24 models look into one table, about six
    # times each. That is 1.7 million short rows, which DuckDB reads in some hundredths of a second.
    for each in histories:
        assert each.no_op.scans[WATERMARKS] <= 150
        assert each.no_op.rows[WATERMARKS] <= 150 * WATERMARKS_A_DAY * each.days


def test_a_day_loaded_again_makes_as_many_statements_and_scans(histories: tuple[Measured, Measured]) -> None:
    few, many = histories
    assert many.changed.statements == few.changed.statements
    assert of_history(many.changed.scans) == of_history(few.changed.scans)
    # Days of more than a row group are skipped whole: test_market_days.py.
    for table, rows in of_history(many.changed.rows).items():
        assert rows <= many.changed.scans[table] * ROW_GROUP, table


def test_a_release_of_one_changed_day_writes_one_file_and_looks_at_each_of_the_others_once(
    histories: tuple[Measured, Measured],
) -> None:
    few, many = histories
    assert many.publication.parts_written == few.publication.parts_written == 1
    assert many.release.statements == few.release.statements
    for call in ("fsync", "chmod"):
        assert many.release.file_calls[call] == few.release.file_calls[call], call
    # A release has every file of its own folder, as a link to that of the release before. It is not linked if it is
    # damaged, and a reader's view is asked for its rows, for which DuckDB opens each file.
    more = MANY - FEW
    for call in ("stat", "link"):
        assert many.release.file_calls[call] - few.release.file_calls[call] <= more + 20, call
    assert many.release.parquet_files - few.release.parquet_files == more


def test_a_release_counts_the_rows_of_each_table_at_most_three_times(histories: tuple[Measured, Measured]) -> None:
    # Once so that nothing is lost between raw data and facts: the reconciliation. Small tables and the changed day, of
    # which DuckDB reads a row group, also for their checksum, and to copy them.
    for each in histories:
        assert of_history(each.release.rows).keys() - {"READ_PARQUET"} == ROWS_A_DAY.keys()
        for table, rows in ROWS_A_DAY.items():
            assert each.release.rows[table] <= 3 * rows * each.days, table
        assert each.release.rows["READ_PARQUET"] == SHAPE.rows
        assert each.release.rows[WATERMARKS] <= 40 * WATERMARKS_A_DAY * each.days


def test_a_release_of_many_new_days_sends_two_statements_for_each(histories: tuple[Measured, Measured]) -> None:
    # One writes its file, one compares that with the table. The checksums of the table are one statement for all.
    few, many = (each.first_release.statements - 2 * each.first_publication.parts_written for each in histories)
    assert many == few


def test_the_planner_takes_as_much_for_each_period(histories: tuple[Measured, Measured]) -> None:
    # Its answer names every period, so it grows with them; its statements do not.
    few, many = histories
    assert many.plan.statements == few.plan.statements
    assert many.planned - few.planned == MANY - FEW
    assert many.plan_calls / many.planned <= 1.1 * few.plan_calls / few.planned
    assert many.plan.rows["raw_data.minute_aggs"] == SHAPE.rows * MANY, "they are counted, as the ledger may be wrong"


def test_a_tick_tells_dagster_of_no_more_and_reads_no_more_than_a_year(histories: tuple[Measured, Measured]) -> None:
    few, many = histories
    assert many.first_tick.loads == few.first_tick.loads == 100
    for each in histories:
        assert (each.idle_tick.loads, each.idle_tick.records, each.idle_tick.statements) == (0, 0, 0)
        assert each.tick.loads == 1
        assert each.tick.records <= 260, "the trading days of a year"
        assert each.tick.cursor_bytes <= 600, "Dagster keeps it with every tick"
    assert many.tick.statements <= few.tick.statements + 10


def test_dagsters_grid_has_the_keys_of_the_calendar(histories: tuple[Measured, Measured]) -> None:
    # From the feed's first day on, however many of them are loaded.
    assert 5_700 < keys_made() < 260 * (utc_now().year - 2003 + 1)


def test_the_health_page_asks_no_more_and_is_drawn_again_without_asking(histories: tuple[Measured, Measured]) -> None:
    few, many = histories
    assert many.page.statements <= few.page.statements
    assert many.page_again.statements == few.page_again.statements == 0
    assert many.page_again.file_calls["stat"] <= few.page_again.file_calls["stat"] + 20
    # It sums up the reconciliation and the ledger, which have a row or some for every period.
    for each in histories:
        assert each.page.rows_of("core_checks.reconciliation", "READ_PARQUET") <= each.days
        assert each.page.rows_of(LEDGER) <= 8 * (WATERMARKS_A_DAY + 2) * each.days + 10_000
