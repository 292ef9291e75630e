"""What the overview says about trips."""

import streamlit as st

from portal import charts
from portal.mobility.questions import by_month
from portal.mobility.selection import everything, loaded
from portal.mobility.trips import COLOURS
from portal.states import nothing_to_show
from portal.view import View


def overview(view: View) -> None:
    """Trips and money by month and mode."""
    available = loaded(view)
    if not available.months:
        nothing_to_show("No month of trips is loaded.")
        return
    rows = by_month(view, available)
    period = everything(available).words
    labels = {"time": "", "trip_type": "", "trips": "trips", "revenue": "USD"}
    trips, money = st.columns(2, gap="medium")
    with trips:
        charts.show(
            charts.by_month(
                charts.bar(rows, x="time", y="trips", colour="trip_type", labels=labels, colours=COLOURS), rows["time"]
            ),
            title="Trips by month",
            about=f"Trips by mode, {period}",
            key="overview-trips",
        )
    paid = rows[rows["revenue"].notna()]
    with money:
        charts.show(
            None
            if paid.empty
            else charts.by_month(
                charts.bar(paid, x="time", y="revenue", colour="trip_type", labels=labels, colours=COLOURS),
                paid["time"],
            ),
            title="Revenue by month",
            about=f"USD paid by passengers, by mode, {period}",
            key="overview-money",
            empty="No loaded trip has an amount. Load taxis, or Uber and Lyft: nyc load --sources taxi,hvfhv",
        )
