"""Five questions to what is published, answered with metrics, SQL and charts.

Open it with `marimo edit notebooks/five_questions.py`; `nyc publish` first.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Five questions")

with app.setup:
    import marimo as mo
    import pandas as pd
    import plotly.express as px

    from metrics.query import MetricQuery, query_metrics
    from warehouse.releases import source_for_readers

    # Answers from one release, also if a newer one is published meanwhile.
    source = source_for_readers()

    def ask(*metrics: str, by: tuple[str, ...], **options: object) -> pd.DataFrame:
        """Governed metrics by dimensions, as `nyc query` gives them."""
        return query_metrics(MetricQuery(metrics, group_by=by, **options), source).to_pandas()

    def sql(query: str) -> pd.DataFrame:
        """The rows of a query on the tables of the release."""
        with source.open() as connection:
            return connection.execute(query).df()


@app.cell(hide_code=True)
def _():
    mo.md(
        f"""
        # Five questions

        Answered from {source}. Metrics are declared once, in `dbt/models/semantic`, and mean the same everywhere;
        `nyc metrics list` names them. Times are New York's.
        """
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## 1. How do people travel, month by month?
    """)
    return


@app.cell
def _():
    trips = ask("total_trips", by=("metric_time__month", "trip__trip_type"))
    px.bar(
        trips,
        x="metric_time__month",
        y="total_trips",
        color="trip__trip_type",
        labels={"metric_time__month": "month", "total_trips": "trips", "trip__trip_type": ""},
        title="Trips by month and type",
    ).update_xaxes(dtick="M1", tickformat="%b %Y")
    return (trips,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## 2. What do they pay?

    Only trips with a fare count for the average. Citi Bike and for-hire trips come without money.
    """)
    return


@app.cell
def _():
    fares = ask("avg_fare", "total_revenue", by=("trip__trip_type",), order_by=("-total_revenue",)).dropna()
    mo.ui.table(fares.round(2), selection=None, label="Average total per paid trip and revenue, USD")
    return (fares,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## 3. When is the city busiest?
    """)
    return


@app.cell
def _():
    hours = sql(
        """
        with hours as (
            select
                hour_timestamp,
                sum(trip_count) as trips
            from core_core.fct_hourly_mobility
            group by hour_timestamp
        )

        select
            dayname(hour_timestamp) as weekday,
            isodow(hour_timestamp) as number,
            hour(hour_timestamp) as hour_of_day,
            avg(trips) as trips_per_hour
        from hours
        group by weekday, number, hour_of_day
        order by number, hour_of_day
        """
    )
    px.density_heatmap(
        hours,
        x="hour_of_day",
        y="weekday",
        z="trips_per_hour",
        histfunc="avg",
        nbinsx=24,
        labels={"hour_of_day": "hour of day", "trips_per_hour": "trips per hour"},
        title="Trips per hour, by weekday and hour of day",
    )
    return (hours,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## 4. Where do trips begin?

    Trips without a zone are left out: those of bikes begin at stations, and some files lack it.
    """)
    return


@app.cell
def _():
    zones = ask(
        "total_trips",
        by=("pickup_location__zone_name", "pickup_location__borough"),
        where=("pickup_location__borough not in ('Unknown', 'N/A')",),
        order_by=("-total_trips", "pickup_location__zone_name"),
        limit=10,
    )
    px.bar(
        zones,
        x="total_trips",
        y="pickup_location__zone_name",
        color="pickup_location__borough",
        orientation="h",
        labels={"total_trips": "trips", "pickup_location__zone_name": "", "pickup_location__borough": ""},
        title="The ten zones with most pickups",
    ).update_yaxes(categoryorder="total ascending")
    return (zones,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## 5. What does rain change?

    Hours with rain are compared with the hours of the same month, hour of the day and kind of day without it. An
    effect within its margin may be chance, and nobody should read one made of ten hours.
    """)
    return


@app.cell
def _():
    rain = ask(
        "hours_with_condition",
        "trips_with_condition",
        "trips_expected_without_condition",
        "weather_effect_pct",
        "weather_effect_margin_pct",
        by=("weather_day__trip_type",),
        where=("weather_day__weather_condition = 'rain'",),
        order_by=("weather_day__trip_type",),
    )
    mo.ui.table(rain.round(2), selection=None, label="Effect of rain on trips in percent, by type of trip")
    return (rain,)


if __name__ == "__main__":
    app.run()
