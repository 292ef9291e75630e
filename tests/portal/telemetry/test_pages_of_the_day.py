"""The pages of telemetry with a day of the platform's own runs and files of others, of which some are hostile."""

from pathlib import Path

import duckdb
import pytest

from portal.telemetry import SECTION
from portal.texts import count
from tests.portal.browsing import open_page, texts
from tests.portal.drawn import all_figures, by_name, figure_of
from tests.portal.telemetry.conftest import HOSTILE
from tests.portal.test_every_page import assert_nothing_is_none

PAGES = [page.path for page in SECTION.pages]


@pytest.mark.parametrize("path", [*PAGES, "overview", "health", "quarantine"])
def test_every_page_is_whole(day: Path, path: str) -> None:
    page = open_page(path)

    assert_nothing_is_none(page)
    assert not page.error


@pytest.mark.parametrize(
    ("path", "address"),
    [("runs", {"workspace": HOSTILE}), ("profiles", {"user": HOSTILE}), ("runs", {}), ("event_files", {})],
)
def test_what_files_say_is_no_markup(day: Path, path: str, address: dict[str, str]) -> None:
    page = open_page(path, address)

    assert_nothing_is_none(page)
    # Of a text that is markup, each sign has a mark before it.
    assert "<b id=ran>" not in texts(page).replace("\\<b id\\=ran\\>", "")
    assert "](" not in texts(page)
    for figure in all_figures(page):
        assert "<b id=ran>" not in str(figure)


def test_a_workspace_of_files(day: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("runs", {"workspace": "billing"})

    figures = {one.label: one.value for one in page.metric}
    ((runs, failed, last),) = connection.execute(
        """
        select
            count(*) filter (status in ('success', 'failed', 'canceled', 'skipped')),
            count(*) filter (status = 'failed'),
            max(event_time) filter (status = 'failed')
        from core_telemetry.silver_pipeline_events where workspace = 'billing'
        """
    ).fetchall()
    assert (figures["Runs"], figures["Failures"]) == (count(runs), count(failed))
    table = next(each.value for each in page.dataframe if "error" in each.value)
    assert len(table) == min(failed, 20)
    assert table["event_time"].iloc[0] == last


def test_days_can_be_chosen(day: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("runs", {"workspace": "billing", "from": "2025-03-06", "to": "2025-03-06"})

    figures = {one.label: one for one in page.metric}
    now, before = (
        connection.execute(
            "select sum(run_count) from core_telemetry.gold_pipeline_metrics"
            " where workspace = 'billing' and event_date = $1",
            [each],
        ).fetchall()[0][0]
        for each in ("2025-03-06", "2025-03-05")
    )
    assert figures["Runs"].value == count(now)
    assert figures["Runs"].delta == f"{100 * (now - before) / before:+.1f} %"


def test_profiles_are_those_of_gold(day: Path, connection: duckdb.DuckDBPyConnection) -> None:
    user, crawls = connection.execute(
        "select user_name, count(*) from core_telemetry.silver_crawler_results group by all order by 2 desc, 1 limit 1"
    ).fetchall()[0]
    page = open_page("profiles", {"user": user})

    expected = connection.execute(
        "select user_name, followers, influence_score from core_telemetry.gold_user_profiles"
        " order by influence_score desc nulls last, user_name"
    ).df()
    shown = page.dataframe[0].value
    assert shown[list(expected)].equals(expected)
    assert len(page.dataframe[1].value) == crawls
    assert "ln\\(1 \\+ followers\\)" in texts(page)


def test_files_are_those_of_the_ledger(day: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("event_files")

    figures = {one.label: one.value for one in page.metric}
    states = dict(connection.execute("select state, count(*) from meta.source_files group by state").fetchall())
    assert states["incomplete"] >= 2
    assert figures["Files"] == count(sum(states.values()))
    assert figures["Incomplete files"] == count(states["incomplete"])
    ((unreadable, late),) = connection.execute(
        "select (select sum(unreadable_rows) from meta.source_files),"
        " (select count(*) from core_telemetry.silver_pipeline_events where is_late and feed <> 'platform_runs')"
    ).fetchall()
    assert figures["Unreadable lines"] == count(unreadable)
    assert late > 0
    assert figures["Late events"] == count(late)
    drawn = by_name(figure_of(page, "Files by day"))
    assert sum(drawn.values()) == sum(states.values())
    assert set(page.dataframe[0].value["state"]) <= {"Incomplete", "Broken"}


def test_the_overview_says_what_needs_attention(day: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("overview")

    ((newest, down, files),) = connection.execute(
        """
        select
            (select max(event_time) from core_telemetry.silver_pipeline_events),
            (
                select count(*) from (
                    select arg_max(status, (event_time, status, event_id)) as last
                    from core_telemetry.silver_pipeline_events where status in ('success', 'failed')
                    group by workspace, pipeline
                ) where last = 'failed'
            ),
            (select count(*) from meta.source_files where state <> 'whole')
        """
    ).fetchall()
    said = texts(page).replace("\\", "")
    assert f"Events of pipelines until {newest:%Y-%m-%d %H:%M} UTC; crawled profiles until" in said
    assert down > 1
    assert f"{down} pipelines of" in said
    assert f"{files} files incomplete or broken" in said
