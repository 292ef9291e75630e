"""What the page about rejected rows shows is what the quarantine of the release holds."""

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from quality.subject import Explanation
from quality.suites import SUBJECTS
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.paths import DATABASE_VARIABLE

HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](https://example.com)"
REJECTED = "core_core.quarantined_trips"


def _metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def _table(page: AppTest) -> pd.DataFrame:
    return next(table.value for table in page.dataframe if "reason" in table.value.columns)


def test_figures_equal_sql(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("quarantine")
    ((rows, reasons, files),) = connection.execute(
        f"select count(*), count(distinct reason), count(distinct (feed, source_month)) from {REJECTED}"
    ).fetchall()

    assert not page.exception
    figures = _metrics(page)
    assert (figures["Rejected rows"], figures["Reasons"], figures["Files with some"]) == (
        f"{rows:,}",
        str(reasons),
        str(files),
    )


def test_shares_equal_sql(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (feed, period, reason): (rows, pytest.approx(rows / published))
        for feed, period, reason, rows, published in connection.execute(
            f"select feed, strftime(source_month, '%Y-%m'), reason, count(*), any_value(marks.rows) from {REJECTED}"
            " inner join (select asset as feed, period_start::date as source_month, rows from meta.asset_watermarks"
            " where source_url is not null) as marks using (feed, source_month) group by all"
        ).fetchall()
    }
    shown = _table(open_page("quarantine"))

    assert {
        (row["feed"], row["period"], row["reason"]): (row["rows"], row["share"]) for _, row in shown.iterrows()
    } == (expected)


def test_filters_are_in_the_address(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("quarantine", {"feed": "yellow", "reason": "pickup_outside_source_month", "year": "2025"})
    ((rows,),) = connection.execute(
        f"select count(*) from {REJECTED} where feed = 'yellow' and reason = 'pickup_outside_source_month'"
    ).fetchall()

    assert _metrics(page)["Rejected rows"] == f"{rows:,}"
    assert rows > 0
    assert set(_table(page)["feed"]) == {"yellow"}


def test_what_nobody_rejected_says_so(sample: Sample) -> None:
    page = open_page("quarantine", {"feed": "fhv", "reason": "pickup_outside_source_month"})

    assert "Nothing was rejected of these." in texts(page).replace("\\", "")


def test_examples_are_rows_of_the_quarantine(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    feed, month, reason = connection.execute(
        f"select feed, strftime(source_month, '%Y-%m'), reason from {REJECTED} order by all limit 1"
    ).fetchall()[0]
    page = open_page("quarantine", {"example": f"{feed}:{month}:{reason}"})
    rows = connection.execute(
        f"select source_row::varchar, pickup_datetime::varchar from {REJECTED} where feed = ? and reason = ?"
        " and source_month = ?::date order by source_row limit 3",
        [feed, reason, f"{month}-01"],
    ).fetchall()

    examples = next(table.value for table in page.dataframe if "row of the file" in table.value.columns)
    assert list(examples["row of the file"]) == [row for row, _ in rows]
    assert list(examples["pickup"]) == [pickup for _, pickup in rows]


@pytest.mark.parametrize("text", ["' or 1=1 --", HOSTILE, "x" * 100_000])
def test_an_address_that_names_nothing_is_ignored(sample: Sample, text: str) -> None:
    page = open_page("quarantine", dict.fromkeys(("subject", "feed", "reason", "year", "example"), text))

    assert not page.exception
    assert page.selectbox(key="feed").value == "all"
    assert text not in texts(page)


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for a release of the test's own. Its id must be, too: the portal keeps answers by it."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "nyc_mobility.duckdb"))


def _publish(reasons: list[str], number: int) -> None:
    release = publish_by_hand(Contents([]), number)
    with duckdb.connect(str(release.database)) as connection:
        Ledger(connection).set_watermark("yellow", "2025-01", Watermark("1", 10, None, None, Fingerprint("http://x")))
        connection.execute("create schema core_core")
        connection.execute(
            f"create table {REJECTED} as select 'yellow' as feed, date '2025-01-01' as source_month, 1 as source_row,"
            " unnest($reasons::varchar[]) as reason, now()::timestamp as pickup_datetime,"
            " now()::timestamp as dropoff_datetime",
            {"reasons": reasons},
        )


@pytest.mark.usefixtures("by_hand")
def test_a_reason_with_markup_is_shown_as_text() -> None:
    _publish([HOSTILE], 54)
    page = open_page("quarantine")

    assert not page.exception
    said = [element.value for element in page.markdown if "onerror" in element.value]
    assert said
    assert not any(re.search(r"(?<!\\)[<*\]]", text) for text in said)
    assert "<img" not in page.get("plotly_chart")[0].proto.spec
    assert list(_table(page)["reason"]) == [HOSTILE]


@pytest.mark.usefixtures("by_hand")
def test_nothing_rejected_is_good_news() -> None:
    _publish([], 55)

    assert "Nothing was rejected" in texts(open_page("quarantine"))


@pytest.mark.usefixtures("by_hand")
def test_before_the_first_build_it_says_what_to_do() -> None:
    publish_by_hand(Contents([]), 56)

    assert "nyc build" in texts(open_page("quarantine"))


@pytest.mark.usefixtures("by_hand")
def test_a_file_whose_reason_is_known_is_not_called_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither here nor in Health."""
    _publish(["pickup_outside_source_month"] * 6, 58)
    page = open_page("quarantine")
    assert _metrics(page)["Files above tolerance"] == "1"
    assert "1 file has more rejected rows than is tolerated" in page.warning[0].value
    assert "1 file with too many rejected rows" in texts(open_page("health"))

    known = Explanation("yellow", "pickup_outside_source_month", "clocks", before="2030-01")
    subjects = [
        replace(each, quarantines=tuple(replace(one, explanations=(known,)) for one in each.quarantines))
        for each in SUBJECTS
    ]
    monkeypatch.setattr("quality.quarantine.SUBJECTS", subjects)
    _publish(["pickup_outside_source_month"] * 6, 59)
    page = open_page("quarantine")
    assert _metrics(page)["Files above tolerance"] == "0"
    assert "for a reason that is known" in page.success[0].value
    assert "too many rejected rows" not in texts(open_page("health"))
