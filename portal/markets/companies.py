"""What reference files say of a ticker."""

from datetime import date

from portal.view import View

SYMBOLS, EXCHANGES = "core_markets.dim_symbol", "core_markets.dim_exchange"

_COMPANY = f"""
    select
        symbols.company_name,
        symbols.sector,
        exchanges.exchange_name
    from {SYMBOLS} as symbols
    left join {EXCHANGES} as exchanges using (exchange_code)
    where
        symbols.symbol = $ticker
        and symbols.valid_from <= $day
        and (symbols.valid_to is null or symbols.valid_to > $day)
"""


def company_in_words(view: View, ticker: str, day: date) -> str:
    """A ticker's company on a day, its sector and exchange: `Apple Inc · Technology · Nasdaq`; empty if unknown."""
    if not view.has_table(SYMBOLS):
        return ""
    rows = view.rows(_COMPANY, ticker=ticker, day=day)
    found = [] if rows.empty else list(rows.iloc[0])
    return " · ".join(each for each in found if isinstance(each, str) and each)
