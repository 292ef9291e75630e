"""Tickers that behaved unlike their own past."""

from collections import Counter
from collections.abc import Iterator, Sequence

from briefings.day import Day, Row
from briefings.markdown import NO_VALUE, Column, capitalised, table, text
from briefings.markets.forms import large, price, ratio

_FEED = "minute_aggs"
_TABLE = "core_markets.ticker_anomalies"
_NAMED = 10

# What the table says, in words, with the figure that says so, the most telling first.
_REASONS = {
    "likely_split": ("likely a split", "close_ratio"),
    "price_jump": ("a jump of the price", "close_ratio"),
    "not_traded": ("not traded", None),
    "volume_spike": ("much more volume", "volume_ratio"),
    "volume_drop": ("much less volume", "volume_ratio"),
}

_ANOMALIES = f"select * from {_TABLE} where source_date = $day order by median_volume desc, ticker"

_COLUMNS = (
    Column("Ticker", is_figure=False),
    Column("What", is_figure=False),
    Column("Times as before"),
    Column("Shares"),
    Column("Usual shares"),
    Column("Close, USD"),
    Column("Close before"),
)


def unusual(day: Day) -> Iterator[str]:
    """How many tickers are unlike their days before, and why, in a sentence; nothing before there is such a table."""
    rows = _rows(day)
    if rows is None:
        return
    if not rows:
        yield "No ticker was unlike its own days before."
        return
    counts = Counter(row["reason"] for row in rows)
    words = ", ".join(f"{_words(reason)} ({count:,})" for reason, count in sorted(counts.items(), key=_by_rank))
    who = "1 ticker was unlike its" if len(rows) == 1 else f"{len(rows):,} tickers were unlike their"
    yield f"{who} own days before: {words}."


def anomalies(day: Day) -> str:
    """The tickers whose volume or price is most unlike their days before."""
    rows = sorted(_rows(day) or (), key=lambda row: _by_rank((row["reason"], 0)))
    if not rows:
        return ""
    more = len(rows) - _NAMED
    parts = ["## Unusual", table(_COLUMNS, map(_cells, rows[:_NAMED])), *([f"And {more:,} more."] if more > 0 else [])]
    return "\n\n".join(parts)


def _rows(day: Day) -> Sequence[Row] | None:
    return day.rows(_ANOMALIES) if day.loaded(_FEED) and day.has_table(_TABLE) else None


def _by_rank(counted: tuple[str, int]) -> tuple[int, str]:
    reason, _ = counted
    return (list(_REASONS).index(reason) if reason in _REASONS else len(_REASONS)), reason


def _words(reason: str) -> str:
    words, _ = _REASONS.get(reason, (text(reason), None))
    return words


def _cells(row: Row) -> list[str]:
    reason = row["reason"]
    _, figure = _REASONS.get(reason, ("", None))
    return [
        text(row["ticker"]),
        capitalised(_words(reason)),
        ratio(row[figure]) if figure else NO_VALUE,
        large(row["volume"]),
        large(row["median_volume"]),
        price(row["close"]),
        price(row["previous_close"]),
    ]
