"""A database that the version before wrote goes on as if this version had made it."""

from pathlib import Path

import duckdb

from sandbox.server import SamplePublisher
from tests.end_to_end.line import OTHER_SUBJECTS, Line
from tests.fixtures.version_before import FIRST_MONTH, LAST_MONTH, ROWS, SOURCES, unpack
from warehouse.periods import Grain, Period

TABLES = (
    "fct_trips",
    "quarantined_trips",
    "fct_hourly_mobility",
    "dim_date",
    "dim_time",
    "dim_location",
    "dim_station",
    "dim_weather",
)


def _ask(line: Line, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(line.database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_database_of_the_version_before_is_built_on_and_equals_a_clean_one(tmp_path: Path) -> None:
    first, next_month = Period.parse(Grain.MONTH, FIRST_MONTH), Period.parse(Grain.MONTH, LAST_MONTH).next()
    published = tmp_path / "published"
    for name in ("old", "clean"):
        (tmp_path / name).mkdir()
    with SamplePublisher(first.first_day, next_month.first_day, rows=ROWS, folder=published) as publisher:
        old, clean = Line(tmp_path / "old", publisher), Line(tmp_path / "clean", publisher)
        unpack(old.database)
        built = "select asset, max(updated_at) from meta.asset_watermarks group by asset order by asset"
        before = _ask(old, built)
        gaps = _ask(old, "from meta.accepted_gaps")
        old.build(exclude=OTHER_SUBJECTS)
        assert _ask(old, built) == before, "nothing has changed, so nothing is built again"

        old.load("--from", next_month.key, "--to", next_month.key, "--sources", SOURCES)
        old.build(data_tests=True)
        clean.load("--from", FIRST_MONTH, "--to", next_month.key, "--sources", SOURCES)
        clean.build(exclude=OTHER_SUBJECTS)
    for table in TABLES:
        assert old.rows(table) == clean.rows(table), table
    marks = "select asset, partition_key, feed, grain, period_start, period_end, rows from meta.asset_watermarks"
    assert set(_ask(old, marks)) == set(_ask(clean, marks))
    assert _ask(old, "from meta.accepted_gaps") == gaps
    assert not {row for row in _ask(old, "select lost from core_checks.reconciliation") if row != (0,)}
