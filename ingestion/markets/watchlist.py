"""Which shares are asked for by their symbols: the setting `MARKETS_WATCHLIST`."""

import os
import re

from ingestion.errors import SettingError

VARIABLE = "MARKETS_WATCHLIST"
# Two funds and three shares with the largest chains of options.
DEFAULT = "SPY,QQQ,AAPL,MSFT,NVDA"
# The API takes so many in one question, in an address that every proxy lets through.
_MOST_SYMBOLS = 200
_SYMBOL = re.compile(r"[A-Z]{1,5}(\.[A-Z]{1,2})?")


def watchlist() -> tuple[str, ...]:
    """The symbols of the watchlist, each once, in its order.

    Raises:
        SettingError: it has something that is no symbol, nothing, or too much.
    """
    text = os.environ.get(VARIABLE) or DEFAULT
    symbols = list(dict.fromkeys(word.strip() for word in text.split(",")))
    wrong = [symbol for symbol in symbols if not _SYMBOL.fullmatch(symbol)]
    if wrong or len(symbols) > _MOST_SYMBOLS:
        came = f"got {wrong[0][:40]!a}" if wrong else f"it has {len(symbols)}"
        raise SettingError(
            f"{VARIABLE}: expected symbols in capitals with commas between them, such as {DEFAULT}, at most "
            f"{_MOST_SYMBOLS}, but {came}. Correct the setting, then load again."
        )
    return tuple(symbols)
