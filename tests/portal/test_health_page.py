"""What the page about health shows is what the ledger of the release says."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cli.app import app
from ingestion.gaps import main as gaps
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.ledger import Check, Ledger, RunAsset
from warehouse.paths import DATABASE_VARIABLE
from warehouse.releases import Release

HOSTILE = "<script>alert(1)</script> **bold** [link](https://example.com) $x^2$ :red[red] `code`"


def _metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def _table(page: AppTest, *columns: str) -> pd.DataFrame:
    """The table that has these columns."""
    return next(table.value for table in page.dataframe if set(columns) <= set(table.value.columns))


def _written(page: AppTest) -> str:
    """All that is written, without the marks that keep markup from being any."""
    return texts(page).replace("\\", "")


def _value(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((value,),) = connection.execute(sql).fetchall()
    return value


def test_the_page_says_the_line_of_the_command(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    page = open_page("health")
    with pytest.raises(SystemExit):
        app(["health"], prog_name="nyc")
    line = capsys.readouterr().out.splitlines()[0]

    assert not page.exception
    assert line.startswith("Needs attention: ")
    assert line in _written(page)


def test_its_gaps_are_those_of_the_planner_on_the_raw_rows(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    page = open_page("health")
    gaps(["--offline", "--json"])
    planned = json.loads(capsys.readouterr().out)
    is_open = [one for one in planned if set(one["gaps"]) - set(one["accepted"])]

    assert len(planned) > 50
    assert _metrics(page)["Open gaps"] == f"{len(is_open):,}"
    assert set(page.selectbox(key="cell").options) == {f"{one['feed']}:{one['period']}" for one in planned}


def test_figures_equal_sql_on_the_ledger(
    sample: Sample, connection: duckdb.DuckDBPyConnection, release: Release
) -> None:
    page = open_page("health")
    figures = _metrics(page)
    checks = _value(connection, "select count(distinct (source, asset, check_name)) from meta.asset_checks")
    bad = _value(
        connection,
        "select count(distinct (source, asset, check_name)) from (from meta.asset_checks qualify checked_at ="
        " max(checked_at) over (partition by source, asset, check_name)) where not passed",
    )
    files = [path for path in release.folder.rglob("*") if path.suffix in (".parquet", ".duckdb")]

    assert figures["Checks passed"] == f"{checks - bad} of {checks}"
    assert figures["Working file"] == f"{sample.database.stat().st_size / 1e6:,.0f} MB"
    assert figures["This release"] == f"{sum(path.stat().st_size for path in files) / 1e6:,.0f} MB"


def test_freshness_equals_sql_on_the_ledger(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("health")
    shown = _table(page, "feed", "newest loaded", "rows loaded")
    expected = connection.execute(
        "select asset, max(partition_key), sum(rows)::bigint from meta.asset_watermarks where source_url is not null"
        " group by asset"
    ).fetchall()

    assert {(row["feed"], row["newest loaded"], row["rows loaded"]) for _, row in shown.iterrows()} == set(expected)
    assert set(shown["next"]) >= {"2025-04"}
    assert all("behind since 2025-" in state for state in shown["state"][shown["next"] == "2025-04"])


def test_checks_by_who_checks_equal_sql(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    shown = _table(open_page("health"), "checked by", "checks")
    expected = dict(
        connection.execute(
            "select source, count(distinct (asset, check_name)) from meta.asset_checks group by source"
        ).fetchall()
    )

    assert shown.groupby("checked by")["checks"].sum().to_dict() == {
        source.replace("_", " "): number for source, number in expected.items()
    }


def test_runs_and_versions_equal_sql(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("health")
    runs, versions = _table(page, "kind", "status", "error"), _table(page, "release", "MB written")

    assert len(runs) == _value(connection, "select count(*) from meta.ingestion_runs")
    assert runs["kind"].value_counts().to_dict() == dict(
        connection.execute("select kind, count(*) from meta.ingestion_runs group by kind").fetchall()
    )
    assert list(versions["rows"]) == [
        rows
        for (rows,) in connection.execute(
            "select rows from meta.published_versions order by published_at desc"
        ).fetchall()
    ]


def test_a_cell_says_why_and_what_to_do(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    loaded = open_page("health", {"cell": "yellow:2025-02"})
    rows, load_id, url = connection.execute(
        "select rows, load_id, source_url from meta.asset_watermarks"
        " where asset = 'yellow' and partition_key = '2025-02'"
    ).fetchall()[0]
    assert f"{rows:,} rows of load {load_id}, from {url}" in _written(loaded)
    assert list(_table(loaded, "load", "error or note")["load"]) == [load_id]

    missing = open_page("health", {"cell": "yellow:2025-04"})
    assert "Due since 2025-06-30, 61 days after it ended, and not loaded." in _written(missing)
    assert "nyc load --from 2025-04 --to 2025-04 --sources yellow" in _written(missing)
    assert "nyc gaps --accept yellow:2025-04" in _written(missing)


def test_filters_in_the_address_leave_a_feed_and_a_year(sample: Sample) -> None:
    page = open_page("health", {"feed": "weather", "year": "2025"})

    options = page.selectbox(key="cell").options
    assert len(options) == 11
    assert set(options) >= {"weather:2025-02", "weather:2025-12"}


@pytest.mark.parametrize("text", ["'; drop table x; --", HOSTILE, "yellow:1999-01", "x" * 100_000])
def test_an_address_that_names_nothing_is_ignored(sample: Sample, text: str) -> None:
    page = open_page("health", {"cell": text, "feed": text, "year": text})

    assert not page.exception
    assert page.selectbox(key="feed").value == "all"
    assert text not in texts(page)


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for a release of the test's own. Its id must be, too: the portal keeps answers by it."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "nyc_mobility.duckdb"))


@pytest.mark.usefixtures("by_hand")
def test_what_others_wrote_is_shown_as_text() -> None:
    check = Check("facts", HOSTILE, "dbt", "error", False, HOSTILE, HOSTILE)
    release = publish_by_hand(Contents([], {("yellow", "2025-01"): ("1", "e")}, [check]), 51)
    with duckdb.connect(str(release.database)) as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run("ingestion", {}, started_by=HOSTILE)
        ledger.record_asset(run_id, RunAsset("yellow", "2025-02", "failed", error=HOSTILE))
        ledger.finish_run(run_id, "failed", HOSTILE)
    page = open_page("health")

    assert not page.exception
    assert "Not well: 1 check failed; " in _written(page)
    said = [
        str(getattr(element, "value", ""))
        for kind in ("markdown", "caption", "error", "warning")
        for element in page.get(kind)
    ]
    hostile = [text for text in said if "alert" in text]
    assert len(hostile) == 2
    assert not any(re.search(r"(?<!\\)[<\]$`]", text) for text in hostile)
    assert HOSTILE in set(_table(page, "kind", "error")["error"])
    assert not any("alert" in str(element.proto) for element in page.get("html"))


@pytest.mark.usefixtures("by_hand")
def test_a_release_of_nothing_says_what_to_do() -> None:
    publish_by_hand(Contents([]), 52)
    page = open_page("health")

    assert not page.exception
    written = _written(page)
    assert "Needs attention: nothing was checked." in written
    assert "Nothing is loaded of any feed." in written
    assert "nyc load --from 2025-01 --to 2025-03" in written
    assert "Nothing was checked." in written


@pytest.mark.usefixtures("by_hand")
def test_half_of_the_feeds_missing_is_shown_by_feed() -> None:
    publish_by_hand(Contents([], {("yellow", "2025-01"): ("1", "e"), ("weather", "2025-01"): ("1", "e")}), 53)
    page = open_page("health", {"cell": "green:2025-01"})

    assert not page.exception
    newest = _table(page, "feed", "newest loaded").set_index("feed")["newest loaded"].to_dict()
    assert (newest["yellow"], newest["green"]) == ("2025-01", "nothing")
    assert "No run has tried to load it." in _written(page)
