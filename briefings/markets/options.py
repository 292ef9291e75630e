"""What the chains of options say: signals in words, ratios and volatilities by underlying, and the largest flows."""

from collections.abc import Iterator, Sequence
from datetime import date

from briefings.day import Day, Row
from briefings.markdown import Column, day_in_words, table, text
from briefings.markets.forms import difference, large, points, price, ratio, share, whole

_FEED = "options_snapshots"
_DERIVED, _FLOW = "core_markets.derived_metrics", "core_markets.options_flow"
_NAMED = 5

# Of fewer contracts a ratio says nothing, and of fewer days a rank.
_FEWEST_CONTRACTS, _FEWEST_DAYS = 100, 20

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
    Column("Put/call, volume"),
    Column("Put/call, open"),
    Column("Implied"),
    Column("Rank"),
    Column("Skew, points"),
    Column("Realised"),
)
_FLOW_COLUMNS = (
    Column("Contract", is_figure=False),
    Column("Change of open"),
    Column("Open"),
    Column("Volume"),
    Column("Premium, USD"),
)


def volatility(day: Day) -> str:
    """Put/call ratios and volatilities of each underlying."""
    rows = _rows(day, _DERIVED, _OF_UNDERLYINGS)
    if not rows:
        return ""
    about = (
        "Put/call: puts for each call, traded and open. Implied: volatility at the money near 30 days to expiry, "
        "percent a year; its rank is 0 at the lowest and 100 % at the highest of the days loaded. "
        "Skew: volatility of puts less that of calls, both out of the money. Realised: of the last 20 returns. "
        f"Ratios of fewer than {_FEWEST_CONTRACTS} contracts and ranks of fewer than {_FEWEST_DAYS} days are left out."
    )
    return "\n\n".join(["## Options", table(_UNDERLYING_COLUMNS, map(_of_underlying, rows)), about])


def _of_underlying(row: Row) -> list[str]:
    return [
        text(row["underlying"]),
        price(row["underlying_price"]),
        ratio(row["put_call_ratio_volume"] if _is_traded(row) else None),
        ratio(row["put_call_ratio_open_interest"] if _is_open(row) else None),
        share(row["atm_implied_volatility"]),
        share(row["implied_volatility_rank"] if _has_rank(row) else None, 0),
        points(row["volatility_skew"]),
        share(row["realised_volatility"]),
    ]


def _is_traded(row: Row) -> bool:
    return bool((row["call_volume"] or 0) + (row["put_volume"] or 0) >= _FEWEST_CONTRACTS)


def _is_open(row: Row) -> bool:
    return bool((row["call_open_interest"] or 0) + (row["put_open_interest"] or 0) >= _FEWEST_CONTRACTS)


def _has_rank(row: Row) -> bool:
    return bool(row["implied_volatility_days"] >= _FEWEST_DAYS)


def signals(day: Day) -> Iterator[str]:
    """The compact signals, each with its underlyings, a sentence each; one says that there is none."""
    rows = _rows(day, _DERIVED, _OF_UNDERLYINGS)
    found = [f"{words} {', '.join(named)}." for words, named in _signals(rows).items() if named]
    if rows and not found:
        yield "Options: neither volatility nor the ratio of puts and calls stands out."
    yield from found


def _signals(rows: Sequence[Row]) -> dict[str, list[str]]:
    traded = [row for row in rows if _is_traded(row)]
    return {
        "Options are dear, with implied volatility near its highest:": [
            f"{_name(row)} (rank {share(row['implied_volatility_rank'], 0)})"
            for row in rows
            if row["is_volatility_high"]
        ],
        "Options are cheap, with implied volatility near its lowest:": [
            f"{_name(row)} (rank {share(row['implied_volatility_rank'], 0)})"
            for row in rows
            if row["is_volatility_low"]
        ],
        "Many puts for each call traded:": [
            f"{_name(row)} ({ratio(row['put_call_ratio_volume'])})" for row in traded if row["is_put_heavy"]
        ],
        "Few puts for each call traded:": [
            f"{_name(row)} ({ratio(row['put_call_ratio_volume'])})" for row in traded if row["is_call_heavy"]
        ],
    }


def _name(row: Row) -> str:
    return f"**{text(row['underlying'])}**"


def signals_of(row: Row) -> Iterator[str]:
    """The compact signals of an underlying's day, as sentences."""
    name = _name(row)
    rank = f"rank {share(row['implied_volatility_rank'], 0)} of {whole(row['implied_volatility_days'])} days"
    if row["is_volatility_high"]:
        yield f"{name}: options are dear. Implied volatility is near its highest ({rank})."
    if row["is_volatility_low"]:
        yield f"{name}: options are cheap. Implied volatility is near its lowest ({rank})."
    if row["is_put_heavy"] and _is_traded(row):
        yield f"{name}: many puts. {ratio(row['put_call_ratio_volume'])} were traded for each call."
    if row["is_call_heavy"] and _is_traded(row):
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
