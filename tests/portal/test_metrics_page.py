"""The metrics page: its figures are those of SQL, its command gives the same rows, and nothing given is code."""

import csv
import io
import shlex
import subprocess
import sys
from datetime import date
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from metrics.query import MetricQuery, list_metrics
from metrics.questions import as_address, read_address
from metrics.semantic_manifest import MetricQueryError
from portal.general.metric_answer import refusal_of
from portal.general.metric_charts import drawings_of
from portal.general.metric_widgets import words_of
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from warehouse.releases import Source, source_for_readers

Address = dict[str, str | list[str]]


def opened(address: Address | None = None) -> AppTest:
    page = open_page("metrics", address)
    assert not page.exception
    return page


def rows_of(page: AppTest) -> list[tuple[Any, ...]]:
    """The table of the answer."""
    (table,) = page.dataframe
    return [tuple(None if pd.isna(value) else value for value in row) for row in table.value.itertuples(index=False)]


def code_of(page: AppTest, language: str) -> str:
    (text,) = (code.value for code in page.code if code.language == language)
    assert isinstance(text, str)
    return text


def address_of(page: AppTest) -> dict[str, list[str]]:
    return {part: values if isinstance(values, list) else [values] for part, values in page.query_params.items()}


def said(page: AppTest) -> str:
    """All texts, without what keeps them from being markup."""
    return texts(page).replace("\\", "")


def test_every_metric_is_shown_with_unit_and_owner_and_a_click_asks_for_it(sample: Sample) -> None:
    page = opened()
    shown = said(page)
    for metric in list_metrics(source_for_readers()):
        assert metric.description in shown
        assert f"{metric.unit} · {metric.owner}" in shown
    categories = {each.label.replace("\\", "").split("**")[1] for each in page.expander if "**" in each.label}
    assert {metric.category for metric in list_metrics(source_for_readers())} == categories

    page.button("ask_avg_fare").click().run()

    assert address_of(page) == {"metrics": ["avg_fare"]}
    assert page.metric[0].label.replace("\\", "") == "Average total per paid trip (USD per trip)"
    assert "avg_fare = " in code_of(page, "plaintext")


# Each question, and SQL that has no part of it from the declarations.
QUESTIONS: list[tuple[Address, str]] = [
    ({"metrics": "total_trips"}, "select count(*) from core_core.fct_trips"),
    (
        {"metrics": "total_trips,total_revenue", "by": "trip__trip_type"},
        "select trip_type, count(*), sum(total_amount) from core_core.fct_trips group by 1 order by 1",
    ),
    (
        {"metrics": "total_trips", "by": "metric_time__month"},
        "select date_trunc('month', pickup_date), count(*) from core_core.fct_trips group by 1 order by 1",
    ),
    (
        {"metrics": "avg_fare", "by": "trip__trip_type", "where": "trip__trip_type in ('green_taxi', 'yellow_taxi')"},
        """
        select trip_type, avg(total_amount) from core_core.fct_trips
        where total_amount > 0 and trip_type in ('green_taxi', 'yellow_taxi') group by 1 order by 1
        """,
    ),
    (
        {"metrics": "total_trips", "start": "2025-02-03", "end": "2025-02-09", "by": "metric_time__day"},
        """
        select pickup_date, count(*) from core_core.fct_trips
        where pickup_date between '2025-02-03' and '2025-02-09' group by 1 order by 1
        """,
    ),
    (
        {
            "metrics": "total_trips",
            "by": "pickup_location__zone_name",
            "order": "-total_trips,pickup_location__zone_name",
            "limit": "5",
        },
        """
        select zone_name, count(*) from core_core.fct_trips
        left join core_core.dim_location on pickup_location_id = location_id
        group by 1 order by 2 desc, 1 nulls last limit 5
        """,
    ),
    (
        {"metrics": "median_trip_duration_minutes", "by": "trip__trip_type"},
        """
        select trip_type, median(trip_duration_minutes) from core_core.fct_trips
        where not is_outlier and not is_refund group by 1 order by 1
        """,
    ),
    (
        {"metrics": "total_passengers,avg_passengers_per_trip", "where": "trip__trip_type = 'yellow_taxi'"},
        """
        select sum(passenger_count), avg(passenger_count) from core_core.fct_trips where trip_type = 'yellow_taxi'
        """,
    ),
    (
        {
            "metrics": "total_trips",
            "by": "date__day_name,trip__trip_type",
            "where": "trip__trip_type not in ('fhv') or trip__trip_type is null",
        },
        """
        select day_name, trip_type, count(*) from core_core.fct_trips
        join core_core.dim_date on pickup_date = date_day where trip_type <> 'fhv' group by all order by all
        """,
    ),
    (
        {"metrics": "trips_of_hours", "by": "mobility_hour__trip_type", "where": "mobility_hour__is_rush_hour"},
        """
        select trip_type, sum(trip_count) from core_core.fct_hourly_mobility where is_rush_hour group by 1 order by 1
        """,
    ),
    (
        {
            "metrics": "total_trips",
            "by": "trip__hour_of_day",
            "where": ["trip__hour_of_day >= 7", "trip__hour_of_day < 10"],
        },
        """
        select hour(pickup_hour), count(*) from core_core.fct_trips
        where hour(pickup_hour) in (7, 8, 9) group by 1 order by 1
        """,
    ),
]


@pytest.mark.parametrize(("address", "sql"), QUESTIONS)
def test_figures_are_those_of_sql(connection: duckdb.DuckDBPyConnection, address: Address, sql: str) -> None:
    page = opened(address)
    assert not page.warning
    expected = connection.execute(sql).fetchall()
    shown = rows_of(page)
    assert len(shown) == len(expected) > 0
    for row, wanted in zip(shown, expected, strict=True):
        for value, right in zip(row, wanted, strict=True):
            if isinstance(right, date):
                assert value.date() == right if not hasattr(right, "date") else value == right
            elif isinstance(right, str) or right is None:
                assert value == right
            else:
                assert float(value) == pytest.approx(float(right), rel=1e-9)


@pytest.mark.parametrize("address", [address for address, _ in QUESTIONS[1::3]])
def test_the_page_keeps_the_question_in_its_address(sample: Sample, address: Address) -> None:
    page = opened(address)
    given, _ = read_address({part: [text] if isinstance(text, str) else text for part, text in address.items()})
    kept, problems = read_address(address_of(page))
    assert problems == []
    assert {*kept.where} == {*given.where}
    assert (kept.metrics, kept.order_by, kept.limit, kept.start, kept.end) == (
        given.metrics, given.order_by, given.limit, given.start, given.end
    )  # fmt: skip
    assert sorted(kept.group_by) == sorted(given.group_by)
    again = opened({**address_of(page)})
    assert rows_of(again) == rows_of(page)


def test_the_command_gives_the_rows_of_the_page(sample: Sample) -> None:
    page = opened(
        {
            "metrics": "total_trips,avg_fare",
            "by": "metric_time__month,pickup_location__zone_name",
            "where": ["trip__trip_type in ('yellow_taxi', 'it''s $HOME `x`')", "trip__hour_of_day >= 7"],
            "order": "-total_trips,pickup_location__zone_name,metric_time__month",
            "start": "2025-02-01",
            "limit": "20",
        }
    )
    words = shlex.split(code_of(page, "bash"))
    assert words[0] == "nyc"
    run = subprocess.run(
        [sys.executable, "-m", "cli", *words[1:], "--csv"], capture_output=True, text=True, check=True, timeout=120
    )
    header, *lines = csv.reader(io.StringIO(run.stdout))
    assert header == list(page.dataframe[0].value.columns)
    assert len(lines) == 20
    for line, row in zip(lines, rows_of(page), strict=True):
        assert line[:3] == [str(row[0]), row[1], str(row[2])]
        assert float(line[3]) == pytest.approx(row[3])


def test_what_is_changed_goes_into_the_address(sample: Sample) -> None:
    page = opened({"metrics": "total_trips"})
    page.multiselect("explorer_by").select("trip__trip_type").run()
    page.selectbox("explorer_grain").select("metric_time__month").run()
    page.multiselect("explorer_filters").select("trip__is_rain").run()
    page.multiselect("explorer_values_trip__is_rain").select(True).run()
    page.date_input("explorer_start").set_value(date(2025, 2, 1)).run()
    page.number_input("explorer_limit").set_value(3).run()
    assert not page.exception
    question = MetricQuery(
        ("total_trips",), ("metric_time__month", "trip__trip_type"), ("trip__is_rain in (true)",), limit=3
    )
    assert address_of(page) == as_address(question) | {"start": ["2025-02-01"]}
    assert len(rows_of(page)) == 3


def test_only_what_all_metrics_can_be_grouped_by_is_offered(sample: Sample) -> None:
    page = opened({"metrics": "total_trips", "by": "trip__trip_type,date__season"})
    assert words_of("trip__vendor") in page.multiselect("explorer_by").options
    page.multiselect("explorer_metrics").select("peak_hour_trips").run()
    assert words_of("trip__vendor") not in page.multiselect("explorer_by").options
    assert "not all chosen metrics can be grouped by trip type" in said(page)
    assert address_of(page) == {"metrics": ["total_trips,peak_hour_trips"], "by": ["date__season"]}
    assert rows_of(page)


def test_what_is_not_valid_in_the_address_is_named_and_left_out(sample: Sample) -> None:
    page = opened(
        {
            "metrics": "total_trips,<b>x</b>,none_such",
            "by": "trip__trip_type,total_amount",
            "order": "-avg_fare",
            "limit": "0 or 1",
            "start": "1000-01-01",
            "colour": "red",
        }
    )
    (warning,) = page.warning
    words = warning.value.replace("\\", "")
    for part in ("'<b>x</b>'", "'none_such'", "'total_amount'", "'-avg_fare'", "'0 or 1'", "start", "'colour'"):
        assert part in words
    assert address_of(page) == {"metrics": ["total_trips"], "by": ["trip__trip_type"]}
    assert rows_of(page)


HOSTILE = [
    "'; drop table x; --",
    "') or true --",
    "<script>alert(1)</script>",
    "![x](http://127.0.0.1:9/x.png) **x** $x^2$ :material/home:",
    "{{ 7 * 7 }}",
    "x" * 1_000_000,
    "(select content from read_text('/etc/passwd'))",
    "\0\n\r\t",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_the_address_is_code(sample: Sample, text: str) -> None:
    # Streamlit itself reads no address above half a megabyte.
    text = text[:40_000]
    parts = ("metrics", "by", "where", "order", "limit", "start", "end", "saved", text)
    page = opened({"metrics": f"total_trips,{text}", **dict.fromkeys(parts[1:], text)})
    assert page.warning
    assert all(len(warning.value) < 5000 for warning in page.warning)
    assert address_of(page) == {"metrics": ["total_trips"]}
    for element in (*page.warning, *page.error, *page.info, *page.caption):
        for sign in ("<", "[", "**", "$", "{"):
            assert sign not in element.value.replace(f"\\{sign[0]}", "").replace("**Left", "")


def test_an_address_of_a_megabyte_asks_nothing(sample: Sample) -> None:
    page = opened({"metrics": "total_trips", "where": "x" * 1_000_000})
    assert page.button("ask_total_trips")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_the_condition_is_code(sample: Sample, text: str) -> None:
    page = opened({"metrics": "total_trips"})
    page.text_area("explorer_where").set_value(text).run()
    assert not page.exception
    assert len(page.error) == 1
    assert len(page.error[0].value) < 1500
    assert not page.dataframe, "no answer leaves out a condition that somebody wrote"


def test_a_value_with_quotes_stays_a_value(sample: Sample) -> None:
    text = "x') or true --"
    page = opened({"metrics": "total_trips", "where": f"trip__trip_type in ('{text.replace(chr(39), chr(39) * 2)}')"})
    assert not page.warning
    assert page.multiselect("explorer_values_trip__trip_type").value == [text]
    assert rows_of(page) == [(None,)] or rows_of(page) == [(0,)] or not rows_of(page)
    assert "No loaded data matches the query" in said(page)


def test_a_metric_without_values_says_what_it_leaves_out(sample: Sample) -> None:
    page = opened(
        {"metrics": "avg_fare,total_trips", "by": "trip__trip_type", "where": "trip__trip_type in ('citibike')"}
    )
    assert "Average total per paid trip has no value here. Mean of the total amount" in said(page)
    assert [chart.value for chart in page.subheader] == ["Trips"]


def test_thousands_of_groups_are_cut_and_it_says_so(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.general.metric_answer._MOST_ROWS", 50)
    page = opened({"metrics": "total_trips", "by": "pickup_location__zone_name"})
    assert len(rows_of(page)) == 50
    assert "There are more than 50 groups" in said(page)
    assert "--limit" not in code_of(page, "bash")


def test_a_refusal_is_in_plain_words_with_what_to_do(sample: Sample) -> None:
    page = opened({"metrics": "total_trips", "where": "trip__typ = 'fhv'"})
    assert "This question has no answer" in said(page)
    assert "trip__trip_type" in code_of(page, "plaintext")
    assert "Change the condition" in said(page)
    page = opened({"metrics": "total_trips", "where": "trip__trip_type > 3 + 'x'"})
    assert "This question has no answer" in said(page)


def test_a_refusal_is_short() -> None:
    error = MetricQueryError(
        "x:\n  Message:\n\n    Not there.\n\n      * Why\n\n  Query Input:\n\n    a__b\n\n" + "y" * 9999
    )
    assert refusal_of(error) == "a__b:\nNot there.\n* Why"
    similar = "x:\n  Message:\n    No.\n\n    Suggestions:\n      [\n        'a__b',\n        'c__d',\n      ]\n\n"
    for rest in ("  Query Input:\n\n    WhereFilter(\n      x\n", "  Issue Location:\n\n    x"):
        assert refusal_of(MetricQueryError(similar + rest)) == "No.\nSimilar names: a__b, c__d"
    assert len(refusal_of(MetricQueryError("y" * 9999))) == 1500


def test_charts_follow_the_question(sample: Sample) -> None:
    metrics = {metric.name: metric for metric in list_metrics(Source(sample.releases().current()))}
    trips, fare, tips = (metrics[name] for name in ("total_trips", "avg_fare", "avg_card_tip"))
    answer = pa.table(
        {
            "trip__trip_type": ["<b>a</b>", None],
            "total_trips": [1, 2],
            "avg_fare": [3.0, None],
            "avg_card_tip": [1.0, 2.0],
        }
    )
    question = MetricQuery(("total_trips", "avg_fare", "avg_card_tip"), ("trip__trip_type",))
    drawings = drawings_of(answer, question, [trips, fare, tips])
    assert [drawing.title for drawing in drawings] == ["Trips", f"{fare.label}, {tips.label}"]
    assert drawings[0].rows["x"].tolist() == ["&lt;b>a&lt;/b>", "(none)"]
    assert not drawings[0].is_time

    zones = pa.table({"a": [f"{n:03}" for n in range(100)], "b": ["x"] * 100, "total_trips": list(range(100))})
    (drawing,) = drawings_of(zones, MetricQuery(("total_trips",), ("a", "b")), [trips])
    assert len(drawing.rows) == 30
    assert drawing.note == "; the first 30 of 100"
    (drawing,) = drawings_of(zones, MetricQuery(("total_trips",), ("b", "a")), [trips])
    assert drawing.rows["series"].tolist() == [f"{n:03}" for n in range(92, 100)]
    assert drawing.note == "; the 8 largest of 100"
