"""Is all well? The verdict of `nyc health` on the release of a page."""

from ingestion.ledger_gaps import read_ledger_state, troubles_of_gaps
from portal.view import View
from quality.judging import judge, room, troubles_of_data
from warehouse.ledger import utc_now
from warehouse.releases import Releases
from warehouse.verdict import Verdict


def verdict_of(view: View) -> Verdict:
    """Judge the release now: periods become due while a page is open, and the disk fills."""
    gaps = troubles_of_gaps(view.read(read_ledger_state), utc_now())
    # An older release that somebody looks at is not one that waits to be published.
    return judge(gaps, view.read(troubles_of_data), room(), published_at=Releases().switched_at())
