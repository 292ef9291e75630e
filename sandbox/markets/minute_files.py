"""Makes a day's file of minute bars, as Massive publishes it: a CSV in gzip, sorted by ticker and time.

A share trades in some of the minutes from 4:00 to 20:00 in New York; most of them are in the session, which ends at
13:00 on a half-day. A few bars are later than that. Volume is fractional in 2026 and later.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.markets.trading_days import NEW_YORK, Session, sessions
from sandbox.broken_gzips import compress_file
from sandbox.distributions import first_key, quantiles, uniforms
from sandbox.markets.prices import level_on, swing_in_sql
from sandbox.markets.securities import LIQUIDITY_OF_KNOWN, Security, securities
from warehouse.sql import literal

_FEED_NUMBER, _PERIODS = 20, 4096
_ROWS_A_SHARE = 160
_FEWEST_SHARES = 40
_FEWEST_ROWS = 200
# A half-day has about so much of an ordinary day's rows.
_SHARE_OF_HALF_DAY = 0.55
_PREMARKET, _POSTMARKET_ENDS = time(4), 20 * 60
_POSTMARKET_MINUTES = 240
_SHARE_IN_SESSION = 0.82
_FIRST_FRACTIONAL_YEAR = 2026
# Above this price, in USD, the fewer of a share are traded the more it costs.
_PRICE_OF_FEW = 200
_TURNOVER_OF_KNOWN = 25
# How much a share trades by its rank, against the others.
_ACTIVITY = {0.0: 0.01, 0.3: 0.1, 0.6: 0.5, 0.8: 1.5, 0.9: 3.0, 1.0: 5.5}


def shares_traded(rows: int) -> int:
    """How many shares trade in a file of about so many rows; 10,000 in one of real size."""
    return max(_FEWEST_SHARES, round(rows / _ROWS_A_SHARE))


def minute_rows(day: date, *, rows: int, revision: int = 0) -> int:
    """How many rows the day's file has, where an ordinary day has `rows`."""
    share = _SHARE_OF_HALF_DAY if _session(day).is_half_day else 1
    return max(_FEWEST_ROWS, round(rows * share)) + 7 * revision


def write_minute_file(day: date, path: Path, *, rows: int, revision: int) -> None:
    """Write the day's file. A day without trading gets that of an ordinary day."""
    count = minute_rows(day, rows=rows, revision=revision)
    stretches = _stretches(securities(shares_traded(rows)), _session(day), count)
    columns = {name: [getattr(one, name) for one in stretches] for name in _Stretch.__annotations__}
    key = first_key(_FEED_NUMBER, day.toordinal() % _PERIODS, revision)
    with duckdb.connect() as connection:
        connection.register("stretches", pa.table(columns))
        plain = path.with_name(f"{path.name}.csv")
        connection.execute(f"copy ({_query(day, key)}) to {literal(plain)} (format csv, header, compression none)")
    compress_file(plain, path)
    plain.unlink()


@dataclass(frozen=True)
class _Stretch:
    """A share's bars in one part of the day: `bars` of them within `minutes` from the minute of the day `begins` on.

    `first_row` is the position of its first bar in the file. `turnover` is how many shares are traded in a minute, as a
    multiple of an ordinary share's.
    """

    symbol: str
    number: int
    price: float
    turnover: float
    begins: int
    minutes: int
    bars: int
    first_row: int
    is_late: bool


def _session(day: date) -> Session:
    found = sessions(day, day)
    return found[0] if found else Session(day, time(9, 30), time(16))


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _stretches(shares: tuple[Security, ...], session: Session, rows: int) -> list[_Stretch]:
    opens, closes, begins = _minute(session.opens_at), _minute(session.closes_at), _minute(_PREMARKET)
    parts = ((begins, opens - begins), (opens, closes - opens), (closes, _POSTMARKET_MINUTES))
    found: list[_Stretch] = []
    first_row = 0
    for share, bars in zip(shares, _bars(shares, rows, sum(minutes for _, minutes in parts)), strict=True):
        for part, in_part in zip(parts, _split(bars, [minutes for _, minutes in parts]), strict=True):
            # Some shares have a last bar after 20:00.
            is_late = part is parts[2] and share.number % 40 == 0
            price = level_on(share, session.day)
            found.append(
                _Stretch(share.symbol, share.number, price, _turnover(share), *part, in_part, first_row, is_late)
            )
            first_row += in_part
    return found


def _turnover(share: Security) -> float:
    """Of a share that everybody knows more are traded in a minute, and of one that costs much fewer."""
    known = _TURNOVER_OF_KNOWN if share.liquidity == LIQUIDITY_OF_KNOWN else 1
    return float(known * min(1, _PRICE_OF_FEW / share.price) ** 1.5)


def _bars(shares: tuple[Security, ...], rows: int, most: int) -> list[int]:
    """How many bars each share has: so many rows in all, and none more than there are minutes.

    Raises:
        ValueError: there are not so many minutes.
    """
    if rows > most * len(shares):
        raise ValueError(f"{len(shares):,} shares have no room for {rows:,} rows; ask for a smaller file")
    weights = _weights([share.liquidity for share in shares])
    total, reached, given = sum(weights), 0.0, 0
    found = []
    for weight in weights:
        reached += weight
        bars = min(most, round(reached / total * rows) - given)
        found.append(bars)
        given += bars
    left = rows - sum(found)
    for position, bars in enumerate(found):
        more = min(left, most - bars)
        found[position] += more
        left -= more
    return found


def _weights(ranks: list[float]) -> list[float]:
    query = f"select {quantiles('rank', _ACTIVITY)} from (select unnest(?::double[]) as rank)"
    # A connection of its own: files are made by several threads.
    with duckdb.connect() as connection:
        return [weight for (weight,) in connection.execute(query, [ranks]).fetchall()]


def _split(bars: int, minutes: list[int]) -> tuple[int, int, int]:
    """A share's bars before, in and after the session."""
    before, within, after = minutes
    in_session = min(within, math.ceil(bars * _SHARE_IN_SESSION))
    later = min(after, (bars - in_session) // 2)
    earlier = min(before, bars - in_session - later)
    return earlier, in_session, bars - in_session - earlier


def _query(day: date, key: int) -> str:
    """The rows of the file, in its order."""
    # Neither clock change falls on a trading day, so the whole day has one offset.
    midnight = round(datetime.combine(day, _PREMARKET, NEW_YORK).timestamp()) - _minute(_PREMARKET) * 60
    fraction = "u_fraction < 0.35" if day.year >= _FIRST_FRACTIONAL_YEAR else "false"
    words = "minute open close high low volume trades fraction"
    return f"""
        with bars as (
            select *, first_row + position as row_number
            from (select *, unnest(range(bars)) as position from stretches)
        ),

        drawn as (
            select
                *,
                {uniforms("row_number", key, words)},
                position * minutes // bars as earliest,
                (position + 1) * minutes // bars as latest,
                price as level,
                if(price < 5, 4, 2) as decimals
            from bars
        ),

        timed as (
            select
                *,
                if(
                    is_late and position = bars - 1,
                    {_POSTMARKET_ENDS} + number % 5,
                    begins + earliest + floor(u_minute * (latest - earliest))::bigint
                ) as minute
            from drawn
        ),

        priced as (
            select
                *,
                level * (1 + {swing_in_sql("minute", "number", day)} + 0.001 * (u_open - 0.5)) as opening,
                level * (1 + {swing_in_sql("minute + 1", "number", day)} + 0.001 * (u_close - 0.5)) as closing,
                1 + floor(turnover * exp(9 * u_volume * u_volume * u_volume + 3 * u_trades))::bigint as shares
            from timed
        )

        select
            symbol as ticker,
            if({fraction}, round(shares + u_fraction, 3)::varchar, shares::varchar) as volume,
            round(opening, decimals) as open,
            round(closing, decimals) as close,
            round(greatest(opening, closing) * (1 + 0.0008 * u_high), decimals) as high,
            round(least(opening, closing) * (1 - 0.0008 * u_low), decimals) as low,
            ({midnight} + minute * 60) * 1000000000 as window_start,
            1 + floor(sqrt(shares) * u_trades)::bigint as transactions
        from priced
    """
