"""The briefing of a day, as `nyc briefing` writes it."""

from datetime import date

import streamlit as st

from briefings.day import Document
from briefings.writing import briefing_of
from portal import filters
from portal.days import days_of
from portal.filters import choose
from portal.markets.days import CANDLES, CHAINS, DAYS_IN_WORDS, MARKET_DAYS
from portal.markets.words import LOAD
from portal.states import BUILD_AND_PUBLISH, nothing_to_show, show_commands
from portal.texts import plain
from portal.view import View, keep_open
from warehouse.releases import Release, Source, naming_damage


def render(view: View) -> None:
    """Draw the page."""
    st.title("Briefing", anchor=False)
    days = days_of(view, MARKET_DAYS, CANDLES, CHAINS)
    if not days:
        nothing_to_show("No trading day is loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    with filters.row():
        day = choose("date", "Day", days[::-1], default=days[-1], among=DAYS_IN_WORDS)
    document = _briefing(view.release.id, day, view.release)
    st.header(plain(document.title), anchor=False)
    st.markdown(document.text)
    st.caption("The same as a file:")
    show_commands((f"nyc briefing --date {day}",))


@st.cache_data(max_entries=50, show_spinner=False)
def _briefing(release_id: str, day: str, _release: Release) -> Document:
    with naming_damage(_release), keep_open(_release).cursor() as cursor:
        return briefing_of(date.fromisoformat(day), Source(_release), cursor)
