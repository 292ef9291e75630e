"""What the chains of options say: ratios and volatilities by underlying, signals in words, and the largest flows."""

from collections.abc import Iterator, Sequence
from datetime import date

from briefings.day import Day, Row
from briefings.markdown import NO_VALUE, Column, day_in_words, table, text
from briefings.markets.forms import difference, large, points, price, ratio, share, whole

_FEED = "options_snapshots"
_DERIVED, _FLOW = "core_markets.derived_metrics", "core_markets.options_flow"
_NAMED = 10

_OF_UNDERLYINGS = f"select * from {_DERIVED} where source_date = $day order by underlying"

_LARGEST_CHANGES = f"""
    select * from {_FLOW}
    where source_date = $day and open_interest_change <> 0
    order by abs(open_interest_change) desc, contract
    limit {_NAMED}
"""
_MOST_PREMIUM = f"""
    select * from {_FLOW} where source_date = $day and premium > 0 order by premium desc, contract limit {_NAMED}
"""

_UNDERLYING_COLUMNS = (
    Column("Underlying", is_figure=False),
    Column("Price, USD"),
    Column("Puts per call, volume"),
    Column("Puts per call, open"),
    Column("Implied volatility"),
    Column("Rank"),
    Column("Skew, points"),
    Column("Realised volatility"),
)
_FLOW_COLUMNS = (
    Column("Contract", is_figure=False),
    Column("Change of open interest"),
    Column("Open interest"),
    Column("Volume"),
    Column("Premium, USD"),
)


def volatility(day: Day) -> str:
    """Put/call ratios and volatilities of each underlying, with the compact signals in words."""
    rows = _rows(day, _DERIVED, _OF_UNDERLYINGS)
    if not rows:
        return ""
    signals = [f"- {signal}" for row in rows for signal in signals_of(row)]
    said = (
        "\n".join(signals) if signals else "No signal: neither volatility nor the ratio of puts and calls stands out."
    )
    about = (
        "Implied volatility is at the money, near 30 days to expiry, percent a year. Its rank is 0 at the lowest and "
        "100 % at the highest of the days loaded. Skew: what a put costs more than a call, both out of the money."
    )
    return "\n\n".join(["## Options", said, table(_UNDERLYING_COLUMNS, map(_of_underlying, rows)), about])


def _of_underlying(row: Row) -> list[str]:
    days = row["implied_volatility_days"]
    rank = row["implied_volatility_rank"]
    return [
        text(row["underlying"]),
        price(row["underlying_price"]),
        ratio(row["put_call_ratio_volume"]),
        ratio(row["put_call_ratio_open_interest"]),
        share(row["atm_implied_volatility"]),
        NO_VALUE if rank is None else f"{share(rank, 0)} of {whole(days)} days",
        points(row["volatility_skew"]),
        share(row["realised_volatility"]),
    ]


def signals_of(row: Row) -> Iterator[str]:
    """The compact signals of an underlying's day, as sentences."""
    name = f"**{text(row['underlying'])}**"
    rank = f"rank {share(row['implied_volatility_rank'], 0)} of {whole(row['implied_volatility_days'])} days"
    if row["is_volatility_high"]:
        yield f"{name}: options are dear. Implied volatility is near its highest ({rank})."
    if row["is_volatility_low"]:
        yield f"{name}: options are cheap. Implied volatility is near its lowest ({rank})."
    if row["is_put_heavy"]:
        yield f"{name}: many puts. {ratio(row['put_call_ratio_volume'])} were traded for each call."
    if row["is_call_heavy"]:
        yield f"{name}: many calls. {ratio(row['put_call_ratio_volume'])} puts were traded for each."


def flow(day: Day) -> str:
    """The contracts whose open interest changed most since the snapshot before, and those with most premium."""
    changes, premiums = _rows(day, _FLOW, _LARGEST_CHANGES), _rows(day, _FLOW, _MOST_PREMIUM)
    parts = []
    if changes:
        since = " and ".join(map(day_in_words, sorted({row["previous_source_date"] for row in changes})))
        parts.append(f"### Largest changes of open interest\n\nSince the snapshot of {since}.\n\n{_contracts(changes)}")
    if premiums:
        about = "Value of the contracts traded on the day."
        parts.append(f"### Most premium\n\n{about}\n\n{_contracts(premiums)}")
    return "\n\n".join(["## Options flow", *parts]) if parts else ""


def _contracts(rows: Sequence[Row]) -> str:
    return table(
        _FLOW_COLUMNS,
        (
            [
                text(contract_in_words(row["underlying"], row["expiration_date"], row["strike"], row["option_type"])),
                difference(row["open_interest_change"]),
                whole(row["open_interest"]),
                whole(row["volume"]),
                large(row["premium"]),
            ]
            for row in rows
        ),
    )


def contract_in_words(underlying: str, expiry: date, strike: float, option_type: str) -> str:
    """A contract, such as `AAPL 20 Feb 2026 250 call`."""
    return f"{underlying} {expiry.day} {expiry:%b %Y} {strike:,.10g} {option_type}"


def _rows(day: Day, full_name: str, sql: str) -> list[Row]:
    return day.rows(sql) if day.loaded(_FEED) and day.has_table(full_name) else []
