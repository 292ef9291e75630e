"""What the page about runs asks of a release.

Names of workspaces come from files. So none is put into a condition: a question is asked of all workspaces, and the
answer of one is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pandas as pd

from metrics.query import MetricQuery
from portal.telemetry.words import EVENTS, METRICS, OUTAGES
from portal.view import View

_WORKSPACE, _OF_OUTAGE = "run__workspace", "outage__workspace"
_PIPELINE, _STATUS, _KIND, _DAY = "run__pipeline", "run__status", "run__error_kind", "metric_time__day"

FIGURES = (
    "pipeline_runs",
    "successful_runs",
    "failed_runs",
    "run_success_rate",
    "median_run_duration_seconds",
    "p95_run_duration_seconds",
    "rows_moved",
)
RECOVERY = ("recoveries", "mean_time_to_recovery_seconds")

_FAILED_RUNS = 20

_WORKSPACES = f"select workspace from {METRICS} group by workspace order by sum(run_count) desc, workspace"
_DAYS = f"select distinct event_date from {METRICS} where workspace = $workspace order by event_date"
_LAST_RUNS = f"""
    select
        pipeline,
        max(event_time) as last_at,
        arg_max(status, (event_time, source_hour, source_row)) as last_status
    from {EVENTS}
    where workspace = $workspace
    group by pipeline
"""
# An open outage is carried to every later day that has events.
_OPEN = f"""
    select pipeline, began_at, failed_runs
    from {OUTAGES}
    where
        workspace = $workspace
        and recovered_at is null
        and event_date = (select max(event_date) from {OUTAGES})
    order by began_at, pipeline
"""
_LATEST_FAILED = f"""
    select event_time, pipeline, run_id, error_kind, error, duration_seconds, file_name, line_number
    from {EVENTS}
    where workspace = $workspace and status = 'failed' and event_date between $first and $last
    order by event_time desc, source_hour desc, source_row desc
    limit {_FAILED_RUNS}
"""


@dataclass(frozen=True)
class Asked:
    """A workspace, and the UTC days from `first` to `last`."""

    workspace: str
    first: date
    last: date

    @property
    def before(self) -> "Asked":
        """The same of the period before, which is as long."""
        length = self.last - self.first + timedelta(days=1)
        return Asked(self.workspace, self.first - length, self.last - length)


def workspaces(view: View) -> list[str]:
    """The workspaces with runs, those with the most of them first."""
    return list(view.rows(_WORKSPACES)["workspace"])


def days_with_runs(view: View, workspace: str) -> list[str]:
    """The days on which runs of a workspace ended, by time."""
    return [f"{day:%Y-%m-%d}" for day in view.rows(_DAYS, workspace=workspace)["event_date"]]


def figures(view: View, asked: Asked) -> dict[str, float | None]:
    """The figures of a period by name of the metric, None where there is nothing to count."""
    return {
        **_first(_answer(view, FIGURES, _WORKSPACE, (), asked), FIGURES),
        **_first(_answer(view, RECOVERY, _OF_OUTAGE, (), asked), RECOVERY),
    }


def by_day(view: View, asked: Asked) -> pd.DataFrame:
    """Runs by day and status: the columns day, status, runs."""
    rows = _answer(view, ("pipeline_runs",), _WORKSPACE, (_DAY, _STATUS), asked)
    named = rows.rename(columns={_DAY: "day", _STATUS: "status", "pipeline_runs": "runs"})
    # Of runs that have not ended there are none.
    return named[named["runs"] > 0]


def by_pipeline(view: View, asked: Asked) -> pd.DataFrame:
    """The figures of each pipeline, with its last run and status, those with the most runs first."""
    rows = _answer(view, FIGURES, _WORKSPACE, (_PIPELINE,), asked).rename(columns={_PIPELINE: "pipeline"})
    last = view.rows(_LAST_RUNS, workspace=asked.workspace)
    found = rows[rows["pipeline_runs"] > 0].merge(last, on="pipeline", how="left")
    return found.sort_values(["pipeline_runs", "pipeline"], ascending=[False, True]).reset_index(drop=True)


def failures_by_kind(view: View, asked: Asked) -> pd.DataFrame:
    """How many runs failed of which kind of error: the columns kind, runs, the most first."""
    rows = _answer(view, ("failed_runs",), _WORKSPACE, (_KIND,), asked)
    named = rows.rename(columns={_KIND: "kind", "failed_runs": "runs"})
    named = named[named["runs"] > 0].sort_values("runs", ascending=False, kind="stable")
    return named.assign(kind=named["kind"].fillna("unknown"))


def open_outages(view: View, workspace: str) -> pd.DataFrame:
    """The pipelines whose last run failed, as the release has them."""
    return view.rows(_OPEN, workspace=workspace)


def latest_failed(view: View, asked: Asked) -> pd.DataFrame:
    """The newest runs of a period that failed."""
    return view.rows(_LATEST_FAILED, workspace=asked.workspace, first=asked.first, last=asked.last)


def _answer(
    view: View, metrics: tuple[str, ...], workspace: str, group_by: tuple[str, ...], asked: Asked
) -> pd.DataFrame:
    start, end = (datetime.combine(day, time.min) for day in (asked.first, asked.last))
    rows = view.metrics(MetricQuery(metrics, (workspace, *group_by), start=start, end=end))
    return rows[rows[workspace] == asked.workspace].drop(columns=workspace)


def _first(rows: pd.DataFrame, metrics: tuple[str, ...]) -> dict[str, float | None]:
    values: Mapping[str, float] = rows.iloc[0].to_dict() if len(rows) else {}
    return {name: None if pd.isna(values.get(name)) else float(values[name]) for name in metrics}
