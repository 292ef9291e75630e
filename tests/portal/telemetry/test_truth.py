"""After a day of ordinary use, the page about runs says what ran: what it shows equals what the ledger says."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean

import duckdb
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from portal.telemetry.words import duration
from portal.texts import count, short
from tests.portal.browsing import open_page, texts
from tests.portal.drawn import figure_of, values_of
from tests.portal.test_every_page import assert_nothing_is_none


@dataclass(frozen=True)
class Run:
    """A run that had ended when runs were last taken from the ledger."""

    kind: str
    status: str
    started_at: datetime
    finished_at: datetime
    rows: int
    error: str | None

    @property
    def seconds(self) -> float:
        return (self.finished_at - self.started_at).total_seconds()


@pytest.fixture
def ledger(connection: duckdb.DuckDBPyConnection) -> list[Run]:
    """The runs of the ledger, by the time at which they ended."""
    rows = connection.execute(
        """
        select kind, status, started_at, finished_at,
            coalesce((
                select sum(rows) from meta.ingestion_run_assets as assets
                where assets.run_id = runs.run_id and assets.status = 'loaded'
            ), 0),
            error
        from meta.ingestion_runs as runs
        where finished_at < (select max(updated_at) from meta.asset_watermarks where asset = 'platform_runs')
        order by finished_at, run_id
        """
    ).fetchall()
    return [Run(*row) for row in rows]


@pytest.fixture
def page(day: Path) -> AppTest:
    """The page about runs, as it opens: of the platform, with all days."""
    return open_page("runs")


def figures(page: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in page.metric}


def p95(runs: Iterable[Run]) -> float:
    return float(np.percentile([run.seconds for run in runs], 95))


def recovery_times(runs: Iterable[Run]) -> list[float]:
    """Seconds from the first failure of a kind of run to its next success, for each time that this happened."""
    down: dict[str, datetime] = {}
    found = []
    for run in runs:
        if run.status == "failed":
            down.setdefault(run.kind, run.finished_at)
        elif run.kind in down:
            found.append((run.finished_at - down.pop(run.kind)).total_seconds())
    return found


def test_the_day_had_loads_of_which_some_failed_and_builds_and_a_publication(ledger: list[Run]) -> None:
    kinds = {run.kind for run in ledger}
    assert {"ingestion", "dbt build", "publish"} <= kinds
    assert [run.status for run in ledger if run.kind == "ingestion"] == ["success", "failed", "failed", "success"]


def test_the_figures_are_those_of_the_ledger(page: AppTest, ledger: list[Run]) -> None:
    assert_nothing_is_none(page)
    shown = figures(page)
    failed = [run for run in ledger if run.status == "failed"]
    assert shown["Runs"] == count(len(ledger))
    assert shown["Failures"] == count(len(failed))
    assert shown["Success rate"] == f"{1 - len(failed) / len(ledger):.1%}"
    assert shown["Median duration"] == duration(float(np.median([run.seconds for run in ledger])))
    assert shown["p95 duration"] == duration(p95(ledger))
    assert shown["Rows moved"] == short(sum(run.rows for run in ledger))
    times = recovery_times(ledger)
    assert len(times) == 1
    assert shown["Time to recovery"] == duration(mean(times))


def test_each_kind_of_run_is_told_as_the_ledger_has_it(page: AppTest, ledger: list[Run]) -> None:
    by_kind = defaultdict(list)
    for run in ledger:
        by_kind[run.kind].append(run)
    table = next(each.value for each in page.dataframe if "p95_run_duration_seconds" in each.value)
    assert set(table["pipeline"]) == set(by_kind)
    for row in table.itertuples():
        runs = by_kind[row.pipeline]
        failures = sum(run.status == "failed" for run in runs)
        assert (row.pipeline_runs, row.failed_runs, row.successful_runs) == (len(runs), failures, len(runs) - failures)
        assert row.p95_run_duration_seconds == pytest.approx(p95(runs), abs=1e-6)
        assert row.median_run_duration_seconds == pytest.approx(np.median([run.seconds for run in runs]), abs=1e-6)
        assert row.rows_moved == sum(run.rows for run in runs)
        assert (row.last_at, row.last_status) == (runs[-1].finished_at, runs[-1].status)


def test_the_failed_runs_are_shown_with_their_errors_the_newest_first(page: AppTest, ledger: list[Run]) -> None:
    failed = [run for run in reversed(ledger) if run.status == "failed"]
    table = next(each.value for each in page.dataframe if "error" in each.value)
    assert [(row.pipeline, row.event_time, row.error) for row in table.itertuples()] == [
        (run.kind, run.finished_at, run.error) for run in failed
    ]
    drawn = figure_of(page, "Failures by kind")
    assert sum(sum(values_of(trace, "x")) for trace in drawn["data"]) == len(failed)


def test_days_are_drawn_by_status(page: AppTest, ledger: list[Run]) -> None:
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for run in ledger:
        expected[{"success": "Succeeded", "failed": "Failed"}[run.status], f"{run.finished_at:%Y-%m-%d}"] += 1
    drawn = {
        (trace["name"], day): number
        for trace in figure_of(page, "Runs by day")["data"]
        for day, number in zip(values_of(trace, "x"), values_of(trace, "y"), strict=True)
    }
    assert drawn == expected


def test_what_failed_last_is_down(page: AppTest, ledger: list[Run]) -> None:
    last = {run.kind: run.status for run in ledger}
    down = {kind for kind, status in last.items() if status == "failed"}
    tables = [each.value for each in page.dataframe if "began_at" in each.value]
    assert {pipeline for table in tables for pipeline in table["pipeline"]} == down
    assert bool(tables) or "No pipeline is down" in texts(page)


def test_a_run_more_would_be_noticed(page: AppTest, ledger: list[Run]) -> None:
    """The comparisons above can fail: a day with one failure more has other figures."""
    more = [*ledger, Run("ingestion", "failed", ledger[0].started_at, ledger[-1].finished_at, 5_000_000, "x")]
    shown = figures(page)
    assert shown["Runs"] != count(len(more))
    assert shown["p95 duration"] != duration(p95(more))
    assert shown["Rows moved"] != short(sum(run.rows for run in more))
    assert re.fullmatch(r"[\d.]+%", shown["Success rate"])
