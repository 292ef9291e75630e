"""Is all well? The verdict of `nyc health` on the release of a page."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import LedgerState, plan_by_ledger, read_ledger_state, troubles_of_planned
from portal.texts import plain
from portal.view import View
from quality.judging import judge, room, troubles_of_data
from warehouse.ledger import utc_now
from warehouse.releases import Releases
from warehouse.verdict import Level, Verdict

# Plans kept for all sessions: one a release that somebody looks at.
_PLANS = 8

# By colour, by sign and by the words of the verdict.
_BOXES = {
    Level.WELL: (st.success, ":material/check_circle:"),
    Level.ATTENTION: (st.warning, ":material/warning:"),
    Level.WRONG: (st.error, ":material/error:"),
}


def verdict_of(view: View) -> Verdict:
    """Judge the release now: periods become due while a page is open, and the disk fills."""
    state = view.read(read_ledger_state)
    gaps = troubles_of_planned(state, plan_of(view, state))
    # An older release that somebody looks at is not one that waits to be published.
    return judge(gaps, view.read(troubles_of_data), room(), published_at=Releases().switched_at())


def plan_of(view: View, state: LedgerState) -> Sequence[Planned]:
    """Where every period of every feed stands now by the ledger of the release, which is `state`."""
    # No period is shorter than an hour, so nothing becomes due within one.
    return _plan(view.release.id, utc_now().replace(minute=0, second=0, microsecond=0), state)


# A resource is not copied for each page: a plan of many years is long, and nobody changes it.
@st.cache_resource(max_entries=_PLANS, show_spinner=False)
def _plan(release_id: str, hour: datetime, _state: LedgerState) -> Sequence[Planned]:
    return tuple(plan_by_ledger(_state, hour))


def show_verdict(verdict: Verdict) -> None:
    """Draw the line that answers whether all is well."""
    draw, icon = _BOXES[verdict.level]
    draw(f"**{plain(verdict.line)}**", icon=icon)
