"""Is all well? The verdict of `nyc health` on the release of a page."""

import streamlit as st

from ingestion.ledger_gaps import read_ledger_state, troubles_of_gaps
from portal.texts import plain
from portal.view import View
from quality.judging import judge, room, troubles_of_data
from warehouse.ledger import utc_now
from warehouse.releases import Releases
from warehouse.verdict import Level, Verdict

# By colour, by sign and by the words of the verdict.
_BOXES = {
    Level.WELL: (st.success, ":material/check_circle:"),
    Level.ATTENTION: (st.warning, ":material/warning:"),
    Level.WRONG: (st.error, ":material/error:"),
}


def verdict_of(view: View) -> Verdict:
    """Judge the release now: periods become due while a page is open, and the disk fills."""
    gaps = troubles_of_gaps(view.read(read_ledger_state), utc_now())
    # An older release that somebody looks at is not one that waits to be published.
    return judge(gaps, view.read(troubles_of_data), room(), published_at=Releases().switched_at())


def show_verdict(verdict: Verdict) -> None:
    """Draw the line that answers whether all is well."""
    draw, icon = _BOXES[verdict.level]
    draw(f"**{plain(verdict.line)}**", icon=icon)
