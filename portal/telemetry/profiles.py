"""Profiles that crawlers found: how many follow them, how they changed, and one of them over time."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.filters import choose
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import TIME, table
from portal.telemetry.words import CRAWLS, LOAD, PROFILES, cut, in_chart
from portal.texts import NO_VALUE, count, plain, short
from portal.view import View

# Longer lists are for SQL. Those with the most influence are shown.
_MOST = 1000
_MOST_IN_CHART = 20

_ALL = f"""
    select
        user_name, display_name, influence_score, engagement_score, followers, followers_change, following, posts,
        posts_change, is_verified, completeness, crawl_count, last_crawled_at
    from {PROFILES}
    order by influence_score desc nulls last, user_name
    limit {_MOST}
"""
_TOTALS = f"""
    select count(*) as users, sum(followers) as followers, max(last_crawled_at) as last_crawled_at,
        count(*) filter (is_verified) as verified
    from {PROFILES}
"""
_OF_USER = f"""
    select crawled_at, followers, following, posts, is_verified, completeness, file_name, line_number
    from {CRAWLS}
    where user_name = $user
    order by crawled_at
"""
# The definitions are those that the model has.
_DESCRIPTIONS = """
    select column_name, comment
    from duckdb_columns()
    where schema_name || '.' || table_name = $name and comment is not null
"""

_SCORES = {"influence_score": "Influence", "engagement_score": "Engagement"}
_COLUMNS = {
    "user_name": st.column_config.TextColumn("User", pinned=True, width="small"),
    "display_name": st.column_config.TextColumn("Name", width="medium"),
    "followers": st.column_config.NumberColumn("Followers", format="localized"),
    "followers_change": st.column_config.NumberColumn("Change", format="%+,d", help="Since the crawl before"),
    "following": st.column_config.NumberColumn("Following", format="localized"),
    "posts": st.column_config.NumberColumn("Posts", format="localized"),
    "posts_change": st.column_config.NumberColumn("New posts", format="%+,d", help="Since the crawl before"),
    "is_verified": st.column_config.CheckboxColumn("Verified"),
    "completeness": st.column_config.NumberColumn("Complete", format="percent", help="Share of facts that were found"),
    "crawl_count": st.column_config.NumberColumn("Crawls", format="localized", help="Days on which it was crawled"),
    "last_crawled_at": st.column_config.DatetimeColumn("Last crawl (UTC)", format=TIME),
    "crawled_at": st.column_config.DatetimeColumn("Crawled at (UTC)", format=TIME),
    "file_name": st.column_config.TextColumn("File"),
    "line_number": st.column_config.NumberColumn("Line", format="localized"),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Profiles", anchor=False)
    profiles = view.rows(_ALL)
    users = list(profiles["user_name"])
    with filters.row():
        user = choose("user", "User", users, default=users[0], among="users in the table")
    _show_figures(view)
    _show_profiles(view, profiles)
    _show_user(view, user)


def _show_figures(view: View) -> None:
    totals = view.rows(_TOTALS).iloc[0]
    st.caption(plain(f"As the last crawl found each user, until {totals['last_crawled_at']:%Y-%m-%d %H:%M} UTC"))
    followers = totals["followers"]
    show_cards(
        [
            Card("Users", count(int(totals["users"]))),
            Card("Verified", count(int(totals["verified"]))),
            Card("Followers", NO_VALUE if pd.isna(followers) else short(float(followers)), "Of all users together"),
        ],
        key="profiles",
    )


def _show_profiles(view: View, profiles: pd.DataFrame) -> None:
    described = dict(view.rows(_DESCRIPTIONS, name=PROFILES).itertuples(index=False))
    scored = profiles.dropna(subset="influence_score").head(_MOST_IN_CHART)
    charts.show(
        None if scored.empty else _figure(scored),
        title="Influence and engagement",
        about=f"Points, 0 to 100, of the {len(scored):,} users with the most influence",
        key="scores",
        empty="No crawl says how many follow a user.",
    )
    st.subheader("Users", anchor=False)
    of_all = f", the first {_MOST:,}" if len(profiles) == _MOST else ""
    st.caption(f"By influence{of_all}")
    scores = {
        name: st.column_config.NumberColumn(label, format="%.2f", help=plain(described.get(name, "")) or None)
        for name, label in _SCORES.items()
    }
    table(profiles, _COLUMNS | scores)
    for name, label in _SCORES.items():
        if name in described:
            st.caption(f"**{label}**: {plain(described[name])}")


def _figure(scored: pd.DataFrame) -> go.Figure:
    # Two names may be the same when they are cut.
    places = [f"{number}. {in_chart(name)}" for number, name in enumerate(scored["user_name"], start=1)]
    long = (
        scored.assign(place=places)
        .rename(columns=_SCORES)
        .melt("place", list(_SCORES.values()), var_name="score", value_name="points")
        .dropna(subset="points")
    )
    labels = {"place": "", "points": "points", "score": ""}
    figure = charts.bar(long, x="place", y="points", colour="score", labels=labels, is_stacked=False, is_on_side=True)
    return figure.update_yaxes(categoryorder="array", categoryarray=places)


def _show_user(view: View, user: str) -> None:
    crawls = view.rows(_OF_USER, user=user) if view.has_table(CRAWLS) else pd.DataFrame()
    if crawls.empty:
        nothing_to_show("This release has no crawls of the user.", (LOAD, *BUILD_AND_PUBLISH))
        return
    counted = crawls.dropna(subset="followers")
    charts.show(
        None
        if counted.empty
        else charts.line(counted, x="crawled_at", y="followers", labels={"crawled_at": "", "followers": "followers"}),
        title="Followers over time",
        about=f"At each crawl of {cut(user)}, UTC",
        key="crawls-of-user",
        empty="No crawl says how many follow this user.",
    )
    st.subheader("Crawls", anchor=False)
    st.caption(plain(f"Of {cut(user)}, the newest first; of a day the last"))
    table(crawls[::-1].reset_index(drop=True), _COLUMNS)
