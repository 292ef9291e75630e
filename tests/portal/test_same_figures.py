"""The same figure is the same on every page that shows it, and on the command line; and SQL on the release says so."""

import csv
import io
import re
from collections import Counter
from typing import Any

import duckdb
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cli.app import app
from portal.mobility.trips import NAMES
from portal.texts import short
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.portal.drawn import all_figures, by_name, figure_of, values_of
from warehouse.releases import Release


def written(page: AppTest) -> str:
    return texts(page).replace("\\", "")


def figures_of(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def table_of(page: AppTest, *columns: str) -> pd.DataFrame:
    return next(one.value for one in page.dataframe if set(columns) <= set(one.value.columns))


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((value,),) = connection.execute(sql).fetchall()
    return value


def test_trips_and_money_of_a_month(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    """On the overview, the page about demand, the map and the page of the metrics."""
    overview, demand, march = open_page("overview"), open_page("demand"), open_page("demand", {"from": "2025-03"})
    metrics = open_page("metrics", {"metrics": "total_trips,total_revenue", "by": "metric_time__month,trip__trip_type"})
    trips, money = by_name(figure_of(overview, "Trips by month")), by_name(figure_of(overview, "Revenue by month"))
    expected = {
        (NAMES[trip_type], str(month)): (count, pytest.approx(amount) if amount is not None else None)
        for trip_type, month, count, amount in connection.execute(
            "select trip_type, date_trunc('month', pickup_date)::date, count(*), sum(total_amount)"
            " from core_core.fct_trips where pickup_date between '2025-02-01' and '2025-03-31' group by all"
        ).fetchall()
    }
    assert len(expected) >= 8
    assert {key: (count, money.get(key)) for key, count in trips.items()} == expected

    by_day: Counter[tuple[str, str]] = Counter()
    for (name, day), count in by_name(figure_of(demand, "Trips by day")).items():
        by_day[name, f"{day[:7]}-01"] += int(count)
    assert by_day == trips
    asked = {
        (NAMES[row.trip__trip_type], f"{row.metric_time__month:%Y-%m-%d}"): row
        for row in metrics.dataframe[0].value.itertuples()
    }
    assert {key: asked[key].total_trips for key in trips} == trips
    assert {key: asked[key].total_revenue for key in money} == {key: pytest.approx(usd) for key, usd in money.items()}

    of_march = {key: count for key, count in trips.items() if key[1] == "2025-03-01"}
    assert figures_of(march)["Trips"] == short(sum(of_march.values()))
    assert figures_of(march)["Revenue, USD"] == short(sum(usd for key, usd in money.items() if key in of_march))
    with_zones = sum(count for (name, _), count in of_march.items() if name != NAMES["citibike"])
    assert pickups_of(open_page("map", {"month": "2025-03"})) == with_zones


def pickups_of(page: AppTest) -> int:
    """All trips that the map shows: drawn, or named below it."""
    drawn = next(trace for trace in all_figures(page)[0]["data"] if "customdata" in trace)
    below = next(text.value for text in page.caption if text.value.startswith("Not on the map"))
    named = re.findall(r"([\d,]+) trips", below.replace("\\", ""))
    return sum(int(row[3]) for row in values_of(drawn, "customdata")) + sum(int(n.replace(",", "")) for n in named)


def test_the_zones_and_stations_that_are_drawn(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("map", {"month": "2025-03", "measure": "Average total"})
    drawn = next(trace for trace in all_figures(page)[0]["data"] if "customdata" in trace)
    expected: dict[int, tuple[object, int]] = {
        zone: (pytest.approx(fare), count)
        for zone, fare, count in connection.execute(
            "select shown.shape_location_id, avg(total_amount) filter (total_amount > 0) as fare, count(*)"
            " from core_core.fct_trips join core_core.dim_location as shown on pickup_location_id = location_id"
            " where month(pickup_date) = 3 and trip_type <> 'citibike'"
            " and shown.shape_location_id in (select location_id from core_core.dim_zone_shape)"
            " group by all having fare is not null"
        ).fetchall()
    }
    assert len(expected) > 100
    shown: dict[int, tuple[object, int]] = {
        int(zone): (float(row[2]), int(row[3]))
        for zone, row in zip(values_of(drawn, "locations"), values_of(drawn, "customdata"), strict=True)
    }
    assert shown == expected

    page = open_page("map", {"month": "2025-03", "measure": "Bike balance"})
    dots = next(trace for trace in all_figures(page)[0]["data"] if "lat" in trace)
    stations = Counter(
        (name, int(left), int(came), int(balance)) for name, left, came, balance in values_of(dots, "customdata")
    )
    assert stations == Counter(
        connection.execute(
            """
            with ends as (
                select start_station_id as station_id, 1 as gone, 0 as came from core_core.fct_trips
                where trip_type = 'citibike' and month(pickup_date) = 3
                union all
                select end_station_id, 0, 1 from core_core.fct_trips
                where trip_type = 'citibike' and month(pickup_date) = 3
            )
            select coalesce(station_name, station_id), sum(gone)::int, sum(came)::int, (sum(came) - sum(gone))::int
            from ends join core_core.dim_station using (station_id) where latitude is not null
            group by station_id, station_name
            """
        ).fetchall()
    )


def test_what_is_wrong_is_the_same_everywhere(
    release: Release, connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the overview, Health, Quarantine and the list of releases, and with `nyc health`."""
    overview, health, rejected, releases = map(open_page, ("overview", "health", "quarantine", "releases"))
    with pytest.raises(SystemExit):
        app(["health"], prog_name="nyc")
    line = capsys.readouterr().out.splitlines()[0]
    assert line in written(overview)
    assert line in written(health)

    loaded, fresh = table_of(overview, "feed", "up_to"), table_of(health, "feed", "newest loaded")
    newest = dict(zip(fresh["feed"], fresh["newest loaded"], strict=True))
    assert {row.feed: row.up_to for row in loaded.itertuples() if row.feed in newest} == newest
    rows = dict(zip(fresh["feed"], fresh["rows loaded"], strict=True))
    assert {row.feed: row.kept + row.quarantined for row in loaded.itertuples() if row.feed in rows} == rows
    behind = fresh["state"].str.contains("behind").sum()
    assert figures_of(health)["Feeds up to date"] == f"{len(fresh) - behind} of {len(fresh)}"

    quarantined = one(connection, "select count(*) from core_core.quarantined_trips")
    # Hours that two files of weather have are set aside, and not rejected.
    assert loaded.set_index("feed")["quarantined"].drop("weather").sum() == quarantined
    assert figures_of(rejected)["Rejected rows"] == f"{quarantined:,}"
    drawn = by_name(next(each for each in all_figures(rejected) if each["data"][0]["type"] == "bar"))
    assert sum(drawn.values()) == quarantined
    assert len(drawn) == one(
        connection, "select count(*) from (select distinct source_month, reason from core_core.quarantined_trips)"
    )
    suspect = one(
        connection,
        """
        select count(*) from (
            select feed, source_month from core_core.quarantined_trips
            inner join (
                select asset as feed, period_start::date as source_month, rows from meta.asset_watermarks
                where source_url is not null
            ) using (feed, source_month)
            group by feed, source_month having count(*) > 0.01 * any_value(rows)
        )
        """,
    )
    assert suspect > 0
    assert figures_of(rejected)["Files above tolerance"] == str(suspect)
    assert f"{suspect} files with too many rejected rows" in line

    passed = figures_of(health)["Checks passed"]
    assert figures_of(overview)["Checks passed"] == passed
    listed = table_of(releases, "release", "passed").set_index("release").loc[release.id]
    assert f"{listed.passed} of {listed.passed + listed.warned}" == passed
    assert figures_of(health)["This release"] == f"{listed.megabytes:,.0f} MB"
    versions = table_of(health, "release", "MB written").set_index("release")
    assert versions["rows"][release.id] == listed["rows"] == sum(table.rows for table in release.tables)


def test_the_grid_has_what_is_loaded(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("health")
    cells = {
        name: rows
        for figure in all_figures(page)
        for trace in figure["data"]
        if trace["type"] == "scatter"
        for name, look, rows in values_of(trace, "customdata")
        if rows
    }
    assert cells == {
        name: f", {rows:,} rows"
        for name, rows in connection.execute(
            "select asset || ':' || partition_key, rows from meta.asset_watermarks where source_url is not null"
        ).fetchall()
        if name in cells or not name.startswith("taxi_zones")
    }
    assert len(cells) >= 12


def test_chart_csv_and_sql_of_a_question(
    sample: Sample, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads: list[str] = []
    button = st.download_button

    def spy(label: str, data: str, **options: Any) -> bool:
        downloads.append(data)
        return button(label, data, **options)

    monkeypatch.setattr(st, "download_button", spy)
    page = open_page(
        "metrics",
        {"metrics": "avg_trip_distance_miles", "by": "metric_time__month,trip__trip_type", "start": "2025-02-01"},
    )
    rows = connection.execute(
        """
        select
            date_trunc('month', pickup_date)::date, trip_type,
            avg(trip_distance) filter (not is_outlier and not is_refund)
        from core_core.fct_trips where pickup_date >= '2025-02-01' group by all order by all
        """
    ).fetchall()
    assert len(rows) >= 8
    expected = {(str(month), kind): pytest.approx(miles) for month, kind, miles in rows if miles is not None}
    shown = page.dataframe[0].value
    assert len(shown) == len(rows)
    assert {
        (f"{month:%Y-%m-%d}", kind): miles for month, kind, miles in shown.itertuples(index=False) if miles == miles
    } == expected

    drawn = by_name(all_figures(page)[0])
    assert {(place, name): miles for (name, place), miles in drawn.items()} == {
        (month, NAMES[kind]): miles for (month, kind), miles in expected.items()
    }

    header, *lines = csv.reader(io.StringIO(downloads[-1]))
    assert header == list(shown.columns)
    assert {(month[:10], kind): float(miles) for month, kind, miles in lines if miles} == expected

    (sql,) = (code.value for code in page.code if code.language == "sql")
    answered = connection.execute(sql).fetchall()
    assert {(str(month)[:10], kind): miles for month, kind, miles in answered if miles is not None} == expected
