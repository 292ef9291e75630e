"""How far the topics of the exchange were read, what waits there, and which messages cannot be read."""

import pandas as pd
import streamlit as st

from ingestion.markets.exchange import FEEDS
from portal import charts, filters
from portal.cards import Card, show_cards
from portal.filters import choose
from portal.markets.words import STREAM
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import TIME, capitalised, table
from portal.texts import count, plain
from portal.view import View

_REJECTS = "core_checks.stream_rejects"
_ALL = "all"
_EXAMPLES = 20

_HAS_LEDGER = "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'stream_offsets'"
_OFFSETS = """
    select
        feed,
        topic,
        kafka_partition,
        rows,
        rejected,
        skipped,
        greatest(end_offset - next_offset, 0) as behind,
        last_message_at,
        updated_at
    from meta.stream_offsets
    where list_contains($feeds, feed)
    order by feed, kafka_partition
"""
_BY_REASON = f"""
    select feed, reason, count(*) as messages, max(kafka_timestamp) as newest
    from {_REJECTS}
    where list_contains($feeds, feed)
    group by feed, reason
    order by sum(messages) over (partition by reason) desc, reason, messages desc, feed
"""
_NEWEST = f"""
    select topic, kafka_partition, kafka_offset, kafka_timestamp, reason, explanation
    from {_REJECTS}
    where list_contains($feeds, feed)
    order by kafka_timestamp desc nulls last, topic, kafka_partition, kafka_offset
    limit {_EXAMPLES}
"""

_COLUMNS = {
    "feed": st.column_config.TextColumn("Stream"),
    "topic": st.column_config.TextColumn("Topic"),
    "kafka_partition": st.column_config.NumberColumn("Partition", format="%d"),
    "kafka_offset": st.column_config.NumberColumn("Offset", format="%d"),
    "kafka_timestamp": st.column_config.DatetimeColumn("Message of, UTC", format=TIME),
    "rows": st.column_config.NumberColumn("Read", format="localized", help="Messages in the raw table"),
    "rejected": st.column_config.NumberColumn("Rejected", format="localized", help="Messages that cannot be read"),
    "skipped": st.column_config.NumberColumn(
        "Skipped", format="localized", help="Offsets without a message: of transactions, compacted or deleted"
    ),
    "behind": st.column_config.NumberColumn(
        "Behind", format="localized", help="Messages that waited when the broker was last asked"
    ),
    "last_message_at": st.column_config.DatetimeColumn("Newest message, UTC", format=TIME),
    "updated_at": st.column_config.DatetimeColumn("Read at, UTC", format=TIME),
    "reason": st.column_config.TextColumn("Reason"),
    "messages": st.column_config.NumberColumn("Messages", format="localized"),
    "newest": st.column_config.DatetimeColumn("Newest, UTC", format=TIME),
    "explanation": st.column_config.TextColumn("Explanation", width="large"),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Streams", anchor=False)
    names = [feed.name for feed in FEEDS]
    offsets = pd.DataFrame() if view.rows(_HAS_LEDGER).empty else view.rows(_OFFSETS, feeds=names)
    if offsets.empty:
        nothing_to_show("No stream was read.", (STREAM, *BUILD_AND_PUBLISH))
        return
    read = [name for name in names if name in set(offsets["feed"])]
    with filters.row():
        feed = choose(
            "stream",
            "Stream",
            [_ALL, *read],
            default=_ALL,
            words=lambda each: "All" if each == _ALL else each,
            among="streams that were read",
        )
    shown = read if feed == _ALL else [feed]
    offsets = offsets[offsets["feed"].isin(shown)].reset_index(drop=True)
    _show_offsets(offsets)
    _show_rejects(view, shown)


def _show_offsets(offsets: pd.DataFrame) -> None:
    newest, updated = offsets["last_message_at"].max(), offsets["updated_at"].max()
    got = "" if pd.isna(newest) else f"; the broker got the newest of these messages at {_moment(newest)}"
    st.caption(plain(f"As this release was published: last read at {_moment(updated)} UTC{got}"))
    show_cards(
        [
            Card("Read", count(int(offsets["rows"].sum())), "Messages in raw tables"),
            Card(
                "Rejected", count(int(offsets["rejected"].sum())), "Messages that cannot be read; they are kept whole"
            ),
            Card("Behind", count(int(offsets["behind"].sum())), "Messages that waited when the broker was last asked"),
        ],
        key="streams",
    )
    st.subheader("Partitions", anchor=False)
    st.caption("Messages of each partition of a topic; times are UTC")
    table(offsets, _COLUMNS)


def _show_rejects(view: View, feeds: list[str]) -> None:
    rows = view.rows(_BY_REASON, feeds=feeds) if view.has_table(_REJECTS) else pd.DataFrame()
    if rows.empty:
        st.success("Every message could be read.", icon=":material/check_circle:")
        return
    labels = {"reason": "", "messages": "messages", "feed": ""}
    shown = rows.assign(reason=[_in_words(each) for each in rows["reason"]])
    charts.show(
        charts.bar(shown, x="reason", y="messages", colour="feed", labels=labels, is_on_side=True),
        title="Rejected by reason",
        about="Messages that cannot be read, since the topics are read",
        key="rejected",
    )
    table(shown, _COLUMNS)
    st.subheader("Newest rejects", anchor=False)
    st.caption(plain(f"The last {_EXAMPLES} by the broker's time. They are whole in raw_data.stream_rejects."))
    newest = view.rows(_NEWEST, feeds=feeds)
    table(newest.assign(reason=[_in_words(each) for each in newest["reason"]]), _COLUMNS)


def _moment(time: pd.Timestamp) -> str:
    return f"{time.day} {time:%b, %H:%M}"


def _in_words(reason: str) -> str:
    return capitalised(reason.replace("_", " ").replace("avro", "Avro"))
