"""The first page: what is loaded up to when, what changed, and what needs attention."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from ingestion.catalog import FEEDS, SUBJECTS
from portal.cards import Card, show_cards
from portal.comparing import compare, show_comparison
from portal.general.judged import show_verdict, verdict_of
from portal.page import sections_of_subjects
from portal.session import link_to
from portal.states import nothing_to_show
from portal.tables import TIME, table
from portal.texts import count, plain, short
from portal.view import View
from warehouse.connection import WarehouseError
from warehouse.releases import Releases

_RECONCILED = "core_checks.reconciliation"

# Feeds whose one file is of no time. It is filed under a month that says nothing.
_REFERENCE = {name for name, feed in FEEDS.items() if feed.is_reference}
_BESIDE = {name for name, feed in FEEDS.items() if feed.is_reference or feed.is_irregular}
_OF_NO_TIME = "no period"

_COLUMNS: dict[str, ColumnConfig | str] = {
    "up_to": st.column_config.TextColumn("Up to", help="The newest period with a file"),
    "periods": st.column_config.NumberColumn("Files", format="localized", help="Files loaded, one a period"),
    "kept": st.column_config.NumberColumn("Rows kept", format="localized"),
    "quarantined": st.column_config.NumberColumn(
        "Set aside",
        format="localized",
        help="Rejected rows, whose reasons Quarantine has, and rows that two files have",
    ),
    "lost": st.column_config.NumberColumn(
        "Lost", format="localized", help="Rows published that are neither kept nor rejected; 0 is right"
    ),
    "loaded_at": st.column_config.DatetimeColumn("Last loaded (UTC)", format=TIME),
}

# What each feed has, and when it was last loaded.
_LOADED = """
    with feeds as (
        select
            subject,
            kind,
            feed,
            arg_max(partition_key, period_start) as up_to,
            count(*) as periods,
            sum(kept)::bigint as kept,
            sum(quarantined)::bigint as quarantined,
            sum(abs(lost))::bigint as lost
        from core_checks.reconciliation
        group by subject, kind, feed
    ),

    loads as (
        select
            asset as feed,
            max(updated_at) as loaded_at
        from meta.asset_watermarks
        where source_url is not null
        group by asset
    )

    select
        feeds.*,
        loads.loaded_at
    from feeds
    left join loads using (feed)
    order by feeds.subject, feeds.kind, feeds.kept desc, feeds.feed
"""

_TABLES_THAT_CHANGED = 6


def render(view: View) -> None:
    """Draw the page."""
    st.title("Overview")
    loaded = view.rows(_LOADED) if view.has_table(_RECONCILED) else pd.DataFrame()
    if loaded.empty:
        nothing_to_show("Nothing is loaded in this release.")
        return
    _show_verdict(view)
    _show_figures(view, loaded)
    # Whoever has one subject looks for that. What to load of the others comes after it.
    has_rows = set(loaded["subject"])
    for _, section in sorted(sections_of_subjects().items(), key=lambda named: named[0] not in has_rows):
        if section.overview:
            st.header(section.title, anchor=False)
            section.overview(view)
    _show_loaded(loaded)
    _show_changes(view)


def _show_verdict(view: View) -> None:
    verdict = verdict_of(view)
    show_verdict(verdict)
    if verdict.troubles:
        with st.container(horizontal=True):
            link_to("health", "Why, and what to do", "monitor_heart")
            link_to("quarantine", "Rejected rows", "rule")


def _show_figures(view: View, loaded: pd.DataFrame) -> None:
    # Shapes and lists are beside what is counted. Each file of a list has all of it again.
    rows_of_time = loaded[~loaded["feed"].isin(_BESIDE)]
    kinds = rows_of_time.groupby("kind", sort=False)["kept"].sum().sort_values(ascending=False)
    cards = [Card(_words(str(kind)), short(int(rows)), f"{count(int(rows))} rows") for kind, rows in kinds.items()]
    passed, warned = view.release.checks.get("passed", 0), view.release.checks.get("warned", 0)
    cards.append(Card("Checks passed", f"{passed:,} of {passed + warned:,}", "when the release was made"))
    show_cards(cards, key="overview")


def _words(kind: str) -> str:
    """What a kind of row is called in a heading: `Weather hours` for weather_hour."""
    return f"{kind.replace('_', ' ').capitalize()}s"


def _show_loaded(loaded: pd.DataFrame) -> None:
    st.header("What is loaded", anchor=False)
    for subject, feeds in loaded.groupby("subject", sort=False):
        if len(SUBJECTS) > 1:
            st.subheader(plain(str(subject).capitalize()), anchor=False)
        shown = feeds[["feed", "up_to", "periods", "kept", "quarantined", "lost", "loaded_at"]]
        table(shown.style.format(_OF_NO_TIME, subset=(feeds["feed"].isin(_REFERENCE), "up_to")), _COLUMNS)


def _show_changes(view: View) -> None:
    st.header("What changed since the release before", anchor=False)
    try:
        before = Releases().before(view.release)
        comparison = compare(before, view.release) if before else None
    except WarehouseError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    if before is None or comparison is None:
        st.markdown("This is the first release.")
        return
    st.caption(plain(f"Compared with release {before.id}, published {before.published_at:%Y-%m-%d %H:%M} UTC"))
    show_comparison(comparison, most=_TABLES_THAT_CHANGED)
    link_to("releases", "All releases", "inventory_2")
