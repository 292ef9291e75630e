"""Is all well? The verdict of `nyc health` on the release of a page."""

from datetime import datetime

from ingestion.ledger_gaps import read_ledger_state, troubles_of_gaps
from portal.view import View
from quality.judging import judge, room, troubles_of_data
from warehouse.connection import WarehouseError
from warehouse.ledger import utc_now
from warehouse.releases import Releases
from warehouse.verdict import Verdict


def verdict_of(view: View) -> Verdict:
    """Judge the release now: periods become due while a page is open, and the disk fills."""
    gaps = troubles_of_gaps(view.read(read_ledger_state), utc_now())
    # An older release that somebody looks at is not one that waits to be published.
    return judge(gaps, view.read(troubles_of_data), room(), published_at=_last_published_at())


def _last_published_at() -> datetime | None:
    try:
        current = Releases().current()
    except WarehouseError:
        # The sidebar says so.
        return None
    return current.published_at if current else None
