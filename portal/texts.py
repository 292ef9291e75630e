"""Words and numbers as people read them."""

import re
from datetime import date

from metrics.numbers import count, figure, short

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")

_LONGEST = 2000

__all__ = ["NO_VALUE", "count", "figure", "months_in_words", "plain", "short"]

# What a table has where there is no value. Streamlit would write None.
NO_VALUE = "—"


def plain(text: str) -> str:
    """A text that Streamlit shows as it is: nothing in it is markup. Very long ones are cut."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return _MARKUP.sub(r"\\\1", cut)


def months_in_words(first: date, last: date | None = None) -> str:
    """A month, or months from first to last: `Jan 2025`, `Jan to Mar 2025`, `Nov 2024 to Feb 2025`."""
    if last is None or (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    return f"{first:%b}{'' if first.year == last.year else f' {first:%Y}'} to {last:%b %Y}"
