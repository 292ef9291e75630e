"""What reference files say of a trader."""

from datetime import date

from portal.view import View

TRADERS = "core_markets.dim_trader"

_TRADER = f"""
    select trader_name, firm, desk, risk_tier || ' risk' as risk from {TRADERS}
    where trader_id = $trader and valid_from <= $day and (valid_to is null or valid_to > $day)
"""


def trader_in_words(view: View, trader: str, day: date) -> str:
    """A trader's name on a day, firm, desk and risk tier: `Ada Berg · Cedar Partners · Equities · low risk`."""
    if not view.has_table(TRADERS):
        return ""
    rows = view.rows(_TRADER, trader=trader, day=day)
    found = [] if rows.empty else list(rows.iloc[0])
    return " · ".join(each for each in found if isinstance(each, str) and each)
