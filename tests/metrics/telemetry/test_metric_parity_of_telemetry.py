"""MetricFlow's answers about telemetry are those of plain SQL on what was published."""

import duckdb
import pytest

from tests.metrics.parity import Groups, answered, assert_same, computed
from tests.metrics.telemetry.definitions import DEFINITIONS, DIMENSIONS

# The dimensions of each view, beside those that every metric is asked by.
_BY_ONE_METRIC = {
    "events": "p95_run_duration_seconds",
    "outage_days": "mean_time_to_recovery_seconds",
    "profiles": "avg_influence_score",
}
# What is open is not added up over days.
_ON_THE_LAST_DAY = "day = (select max(day) from outage_days)"


def test_the_events_have_what_a_definition_can_get_wrong(raw_data: duckdb.DuckDBPyConnection) -> None:
    """Every status, repeated, broken and late lines, runs of no and of unknown duration, ties: else parity is empty."""
    assert raw_data.execute("select count(distinct state) from events").fetchall() == [(6,)]
    counts = raw_data.execute(
        """
        select
            (select count(*) from raw_data.pipeline_events) - (select count(*) from events),
            (select count(*) from events where has_ended and seconds is null),
            (select count(*) from events where seconds = 0),
            (select count(*) from events where has_ended and moved is null),
            (select count(*) from events where not has_ended and moved > 0),
            (select count(*) from events where hours_after > 1),
            (select count(*) from events where hours_after = 1),
            (select count(*) from events where quality < 100),
            (select count(distinct kind) - 3 from events),
            (select count(*) from outages where recovered_on > cast(time as date)),
            (select count(*) from outages where recovered is null),
            (select count(*) from outages where recovered = time),
            (select count(*) from profiles where followers is null),
            (select count(*) from profiles where engagement is null)
        """
    ).fetchone()
    assert counts
    assert all(count > 0 for count in counts), counts


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_a_metric_is_its_plain_definition(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection, metric: str
) -> None:
    """Over all, by day, and by day and the view's last dimension."""
    view, definition = DEFINITIONS[metric]
    where = _ON_THE_LAST_DAY if metric == "open_outages" else "true"
    assert_same(answered(release, metric, ()), computed(raw_data, view, definition, (), where))
    assert_same(answered(release, metric, ("metric_time__day",)), computed(raw_data, view, definition, ("day",)))
    dimension, column = list(DIMENSIONS[view].items())[-1]
    assert_same(
        answered(release, metric, ("metric_time__day", dimension)),
        computed(raw_data, view, definition, ("day", column)),
    )


@pytest.mark.parametrize(
    ("view", "dimension"), [(view, dimension) for view, named in DIMENSIONS.items() for dimension in named]
)
def test_they_can_be_grouped_by(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection, view: str, dimension: str
) -> None:
    metric = _BY_ONE_METRIC[view]
    plain = computed(raw_data, view, DEFINITIONS[metric][1], (DIMENSIONS[view][dimension],))
    assert_same(answered(release, metric, (dimension,)), plain)


def test_runs_can_be_filtered_by_the_hour(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection
) -> None:
    ((hour,),) = raw_data.execute("select mode(hour) from events where has_ended").fetchall()
    plain = computed(raw_data, *DEFINITIONS["pipeline_runs"], ("pipeline",), f"hour = '{hour}'")
    assert plain
    where = (f"run__event_hour__hour = '{hour}'",)
    assert_same(answered(release, "pipeline_runs", ("run__pipeline",), where), plain)


def test_what_is_open_is_that_of_the_last_day_in_groups(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection
) -> None:
    view, definition = DEFINITIONS["open_outages"]
    plain = computed(raw_data, view, definition, ("pipeline",), _ON_THE_LAST_DAY)
    assert plain
    assert_same(answered(release, "open_outages", ("outage__pipeline",)), plain)


def test_each_kind_of_run_of_the_platform_has_its_figures(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection
) -> None:
    where, plain_where = ("run__workspace = 'platform'",), "workspace = 'platform'"
    for metric in ("run_success_rate", "p95_run_duration_seconds", "rows_moved"):
        plain = computed(raw_data, "events", DEFINITIONS[metric][1], ("pipeline",), plain_where)
        assert plain.keys() == {("load",), ("build",), ("publish",)}
        assert_same(answered(release, metric, ("run__pipeline",), where), plain)


def test_the_days_of_workspaces_have_the_figures_of_the_metrics(release: duckdb.DuckDBPyConnection) -> None:
    """What gold says of a day is what anybody gets who asks for it."""
    metric_of = {
        "run_count": "pipeline_runs",
        "success_rate": "run_success_rate",
        "median_duration_seconds": "median_run_duration_seconds",
        "p95_duration_seconds": "p95_run_duration_seconds",
        "rows_processed": "rows_moved",
    }
    for column, metric in metric_of.items():
        rows = release.execute(
            f"select event_date, workspace, {column} from core_telemetry.gold_pipeline_metrics"
        ).fetchall()
        plain: Groups = {(day, workspace): figure for day, workspace, figure in rows}
        answer = answered(release, metric, ("metric_time__day", "run__workspace"))
        assert_same({group: answer[group] for group in plain}, plain)
