"""Words and numbers as people read them."""

import re
from datetime import date

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")

_LONGEST = 2000

# What a table has where there is no value. Streamlit would write None.
NO_VALUE = "—"


def plain(text: str) -> str:
    """A text that Streamlit shows as it is: nothing in it is markup. Very long ones are cut."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return _MARKUP.sub(r"\\\1", cut)


def count(number: float) -> str:
    """A count, with separators: `1,234,567`."""
    return f"{number:,.0f}"


def figure(number: float | None) -> str:
    """A figure with as many digits as tell something: `1,234,567`, `1,234.5`, `12.34`, `0.0123`."""
    if number is None:
        return "none"
    if isinstance(number, int):
        return f"{number:,}"
    size = abs(number)
    return f"{number:,.0f}" if size >= 10_000 else f"{number:,.1f}" if size >= 1000 else f"{number:,.4g}"


def short(number: float) -> str:
    """A large number in three digits: `1.23 M`. Below a thousand it is as it is, but for its third decimal."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= 0.9995 * size:
            scaled = number / size
            decimals = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
            return f"{scaled:,.{decimals}f} {unit}"
    return f"{number:,.3g}"


def months_in_words(first: date, last: date | None = None) -> str:
    """A month, or months from first to last: `Jan 2025`, `Jan to Mar 2025`, `Nov 2024 to Feb 2025`."""
    if last is None or (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    return f"{first:%b}{'' if first.year == last.year else f' {first:%Y}'} to {last:%b %Y}"
