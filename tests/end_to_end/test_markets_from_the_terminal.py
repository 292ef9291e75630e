"""The line of markets as its users run it, without Dagster: load, build, check, publish and ask.

Every command is a process of its own, from an interpreter in which Dagster is not installed, and so is all that it
starts.
"""

import csv
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.files import row_count
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import keep_parsed_project
from tests.forking import Interpreter
from warehouse.paths import PROJECT_ROOT

FEEDS = ("minute_aggs", "symbols", "exchanges", "candles_daily", "options_bars", "options_snapshots")
# A half-day, a Sunday on which reference files come, and two days more.
FIRST, LAST = date(2025, 11, 28), date(2025, 12, 2)
TRADING_DAYS = [FIRST, date(2025, 12, 1), LAST]
ROWS = 2000
LOAD = ("load", "--sources", ",".join(FEEDS), "--from", f"{FIRST}", "--to", f"{LAST}", "--json")

# What most commands import, once for all of them.
IMPORTED = ("cli.app", "dbt.adapters.duckdb", "dbt.cli.main", "ingestion.raw_loader", "warehouse.dbt_runs")

NO_DAGSTER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith("dagster"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
"""


class Terminal:
    """A terminal with a database of its own, and without Dagster."""

    def __init__(self, folder: Path, publisher: SamplePublisher) -> None:
        self.database = folder / "warehouse.duckdb"
        keep_parsed_project(folder / "target")
        (folder / "site").mkdir()
        (folder / "site/sitecustomize.py").write_text(NO_DAGSTER)
        path = os.pathsep.join([str(folder / "site"), str(PROJECT_ROOT)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", path)
            self._interpreter = Interpreter(*IMPORTED)
        self._environment = (
            os.environ
            | publisher.environment
            | {
                "DUCKDB_DATABASE_PATH": str(self.database),
                "DBT_TARGET_PATH": str(folder / "target"),
                "LOG_FOLDER": str(folder / "logs"),
                "PYTHONPATH": path,
                "MARKETS_WATCHLIST": "XOM",
                "COLUMNS": "200",
            }
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        """What Python prints with these arguments. It must end with this status."""
        done = self._interpreter.run(arguments, self._environment, cwd=PROJECT_ROOT)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def nyc(self, *arguments: str, status: int = 0) -> str:
        """What `nyc …` prints."""
        return self.run("-m", "cli", *arguments, status=status)

    def published(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the current release."""
        with duckdb.connect(str(self.database.parent / "published/nyc_mobility.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def built(self) -> list[tuple[Any, ...]]:
        """What each partition of a model was built from, and when."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute("from meta.asset_watermarks where source_url is null order by all").fetchall()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """All six feeds of three days loaded, built with all data tests, checked and published."""
    folder = tmp_path_factory.mktemp("markets")
    with SamplePublisher(FIRST, LAST, rows=ROWS, folder=folder / "files") as publisher:
        terminal = Terminal(folder, publisher)
        loaded = json.loads(terminal.nyc(*LOAD))
        count = {feed: sum(one["feed"] == feed and one["status"] == "loaded" for one in loaded) for feed in FEEDS}
        assert count == {**dict.fromkeys(FEEDS, 3), "symbols": 1, "exchanges": 1}
        said = terminal.nyc("build", "--exclude-resource-type", "unit_test")
        assert "WARN=0 ERROR=0 SKIP=0" in said
        assert "WARNING" not in said.upper().replace("WARN=0", "")
        terminal.nyc("check", "--no-docs")
        terminal.nyc("publish")
        yield terminal


def test_dagster_is_absent(terminal: Terminal) -> None:
    terminal.run("-c", "import dagster", status=1)
    terminal.run("-c", "import orchestration.definitions", status=1)


def test_the_summary_has_every_row_of_every_feed(terminal: Terminal) -> None:
    rows = json.loads(terminal.nyc("summary", "--json"))
    assert {(one["lost"], one["is_built"], one["subject"]) for one in rows} == {(0, True, "markets")}
    minutes = {one["partition_key"]: one["published"] for one in rows if one["feed"] == "minute_aggs"}
    assert minutes == {f"{day}": row_count("minute_aggs", day, rows=ROWS) for day in TRADING_DAYS}
    assert {one["feed"] for one in rows} == set(FEEDS)
    for one in rows:
        assert one["published"] == one["in_raw_data"] == one["kept"] + one["quarantined"] > 0, one
    # One contract of each chain has expired.
    rejected = {(one["feed"], one["partition_key"]): one["quarantined"] for one in rows if one["quarantined"]}
    assert rejected == {("options_snapshots", f"{day}"): 1 for day in TRADING_DAYS}
    assert terminal.published("select distinct reason from core_markets.quarantined_broker_rows") == [
        ("expired_contract",)
    ]


def test_health_has_no_failed_check(terminal: Terminal) -> None:
    checks = json.loads(terminal.nyc("health", "--json"))
    of_markets = [one for one in checks if one["subject"] == "markets"]
    assert of_markets
    assert [one for one in checks if not one["passed"]] == []


def test_metrics_are_those_of_the_bars(terminal: Terminal) -> None:
    answer = terminal.nyc("query", "market_volume,minute_bar_count", "--by", "ticker_session__session", "--csv")
    asked = {one["ticker_session__session"]: one for one in csv.DictReader(answer.splitlines())}
    expected = terminal.published(
        "select session, sum(volume), count(*) from core_markets.silver_minute_aggs group by session"
    )
    assert set(asked) == {"premarket", "market", "postmarket", "closed"}
    for session, volume, count in expected:
        assert float(asked[session]["market_volume"]) == pytest.approx(volume)
        assert int(asked[session]["minute_bar_count"]) == count


def test_options_of_two_days_have_a_flow_and_metrics(terminal: Terminal) -> None:
    flow = (
        "select source_date, count(previous_open_interest) > 0 from core_markets.options_flow group by all order by 1"
    )
    assert terminal.published(flow) == [(FIRST, False), (TRADING_DAYS[1], True), (LAST, True)]
    derived = "select source_date, put_call_ratio_volume > 0 from core_markets.derived_metrics order by all"
    assert terminal.published(derived) == [(day, True) for day in TRADING_DAYS]


def test_the_briefing_of_the_last_day_is_written(terminal: Terminal) -> None:
    path = Path(terminal.nyc("briefing", "--date", f"{LAST}").strip())
    said = path.read_text()
    assert said.startswith("# Markets on Tuesday, 2 December 2025\n")
    assert "Not here yet" not in said
    headings = ("In short", "Movers", "Sessions", "Watchlist", "Options", "Options flow", "What this is from")
    assert [f"\n## {heading}\n" in said for heading in headings] == [True] * len(headings)
    assert f"Since the snapshot of {TRADING_DAYS[1]:%-d %B %Y}." in said


def test_the_quarantine_says_what_was_rejected(terminal: Terminal) -> None:
    found = json.loads(terminal.nyc("quarantine", "--json"))
    rejected = [(one["feed"], one["period"], one["reason"], one["rows"]) for one in found]
    assert rejected == [("options_snapshots", f"{day}", "expired_contract", 1) for day in TRADING_DAYS]


def test_a_second_load_and_build_read_nothing(terminal: Terminal) -> None:
    before = terminal.built()
    assert before
    assert {one["status"] for one in json.loads(terminal.nyc(*LOAD))} <= {"unchanged", "not_published"}
    of_markets = ("--select", "path:models/*/markets")
    terminal.nyc("build", "--quiet", "--exclude-resource-type", "test", "unit_test", *of_markets)
    assert terminal.built() == before
