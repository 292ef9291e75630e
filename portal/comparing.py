"""What differs between two releases, as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from portal.tables import table
from portal.texts import plain
from portal.view import keep_open
from warehouse.releases import Release
from warehouse.releases.diff_ledger import FeedChange, LedgerState, compare_ledgers, ledger_of
from warehouse.releases.diff_outline import DifferingTable, outline
from warehouse.releases.diff_text import loaded_in_between
from warehouse.releases.release import DATABASE_NAME


@dataclass(frozen=True)
class Comparison:
    """Which tables differ and why, and what was loaded in between."""

    tables: tuple[DifferingTable, ...]
    loaded: tuple[FeedChange, ...]


def compare(old: Release, new: Release) -> Comparison:
    """Compare two releases by what they say of themselves. No rows are read.

    Raises:
        WarehouseError: a release is gone or damaged.
    """
    compared: Comparison = _compare(old.id, new.id, old, new)
    return compared


@st.cache_data(max_entries=50, show_spinner=False)
def _compare(old_id: str, new_id: str, _old: Release, _new: Release) -> Comparison:
    ledgers = _ledger(_old), _ledger(_new)
    return Comparison(tuple(outline(_old, _new, ledgers)), compare_ledgers(*ledgers).feeds)


def _ledger(release: Release) -> LedgerState:
    with keep_open(release).cursor() as cursor:
        return ledger_of(cursor, DATABASE_NAME)


def show_comparison(comparison: Comparison, *, most: int | None = None) -> None:
    """What was loaded in between, and the tables that differ, those with the largest difference first."""
    for what, feeds in _loaded(comparison.loaded).items():
        st.markdown(plain(f"{what}: {', '.join(feeds)}"))
    if not comparison.tables:
        st.markdown("All tables have the same rows.")
        return
    rows = sorted(map(_row, comparison.tables), key=lambda row: -abs(int(str(row["difference"]))))
    shown = pd.DataFrame(rows[:most])
    table(
        shown,
        {
            "why": st.column_config.TextColumn("Why", width="large"),
            "difference": st.column_config.NumberColumn("Rows more", format="%+,d"),
            "partitions": st.column_config.NumberColumn("Partitions", format="localized", help="That differ"),
        },
    )
    if len(rows) > len(shown):
        st.caption(f"and {len(rows) - len(shown)} more tables")


def _loaded(changes: Sequence[FeedChange]) -> dict[str, list[str]]:
    """The feeds by what happened to which of their periods: `2025-03 came`."""
    feeds: dict[str, list[str]] = {}
    for line in loaded_in_between(changes):
        feed, _, what = line.partition(": ")
        feeds.setdefault(what, []).append(feed)
    return feeds


def _row(table: DifferingTable) -> dict[str, object]:
    reasons = list(dict.fromkeys(str(reason) for part in table.parts for reason in part.reasons))
    # In a line of a table there is room for one.
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return {
        "table": table.name,
        "rows before": table.rows_before,
        "rows after": table.rows_after,
        "difference": table.rows_after - table.rows_before,
        "partitions": len(table.parts),
        "why": "".join(reasons[:1]) + more,
    }
