"""A few days of markets, written by hand: each session, half-days in winter and summer, companies that move and end."""

from datetime import date, timedelta

from tests.dbt.small_warehouse import Warehouse

HALF_DAY_IN_SUMMER, HALF_DAY_IN_WINTER = date(2025, 7, 3), date(2025, 11, 28)
TUESDAY, WEDNESDAY, LATER = date(2026, 1, 20), date(2026, 1, 21), date(2026, 2, 17)
DAYS_OF_BARS = (HALF_DAY_IN_SUMMER, HALF_DAY_IN_WINTER, TUESDAY, WEDNESDAY, LATER)
DAYS_OF_CHAINS = (TUESDAY, WEDNESDAY, LATER)
DAYS_OF_MESSAGES = (TUESDAY, WEDNESDAY, LATER)
# Two returns before the first snapshot are too few, and by the last there are twenty.
FIRST_CANDLE = date(2026, 1, 16)

# By the day of the file: symbol, company, sector, size, exchange. AAA moves, BBB ends, CCC is a fund.
SYMBOL_FILES: dict[date, list[tuple[str | None, ...]]] = {
    date(2025, 11, 20): [
        ("AAA", "Alpha Inc", "Technology", "large", "XNAS"),
        ("BBB", "Beta Inc", "Energy", "mid", "XNYS"),
    ],
    WEDNESDAY: [
        ("AAA", "Alpha Inc", "Energy", "mega", "XNYS"),
        ("BBB", "Beta Inc", "Energy", "mid", "XNYS"),
        ("CCC", "C Trust", None, "small", "ARCX"),
    ],
    date(2026, 2, 10): [
        ("AAA", "Alpha Holdings", "Energy", "mega", "XNYS"),
        ("CCC", "C Trust", None, "small", "ARCX"),
    ],
}
# By the day of the file: trader, firm, desk. T1 moves, T2 ends, T3 is in no file.
TRADER_FILES: dict[date, list[tuple[str | None, ...]]] = {
    date(2025, 11, 20): [("T1", "North", "cash"), ("T2", "South", "cash")],
    WEDNESDAY: [("T1", "East", "cash"), ("T2", "South", None)],
    date(2026, 2, 10): [("T1", "East", "options")],
}
EXCHANGES = [("XNAS", "Nasdaq"), ("XNYS", "New York Stock Exchange"), ("ARCX", "NYSE Arca")]


def _bars(day: date) -> str:
    """Bars around each edge of the sessions. Some have no price, some no count of trades.

    From day to day AAA rises, BBB stays, and CCC falls, as does NOPE, which nobody lists.
    """
    return f"""
        select
            row_number() over (order by ticker, minute) - 1 as source_row,
            ticker,
            0.5 * (1 + (minute * 7 + number * 11) % 90) as volume,
            price as open, price + 0.5 as high, if(minute = 700, -1, price - 0.7) as low, price + 0.2 as close,
            epoch_us((timestamp '{day}' + to_minutes(minute)) at time zone 'America/New_York') * 1000 as window_start,
            if(minute = 640, null, 1 + minute % 9) as transactions
        from (
            select ticker, number, minute, 10.0 * number + minute % 5 + {day.day} * sign(2 - number) as price
            from (values ('AAA', 1), ('BBB', 2), ('CCC', 3), ('NOPE', 4)) as tickers (ticker, number)
            cross join unnest([239, 240, 569, 570, 640, 700, 779, 780, 959, 960, 1199, 1200, 1205]) as minutes (minute)
            where minute % (number + 5) <> 1
        )
    """


def _chain(day: date) -> str:
    """Chains of three expiries and one that is past, with strikes on both sides, and what is missing or cannot be."""
    return f"""
        select
            row_number() over (order by underlying, days, strike, option_type) - 1 as source_row,
            underlying,
            underlying || days || option_type || strike as contract,
            option_type,
            strike,
            date '{day}' + days as expiration_date,
            case
                when strike = 90 then null
                when strike = 110 and days = 45 then -5
                else strike % 7 + days + number * weight
            end as volume,
            if(strike = 95, null, 10 * number + 5 * weight + strike % 11) as open_interest,
            if(strike = 105, null, 0.1 * number + (strike - 90) / 100 + if(option_type = 'put', 0.05, 0) + days / 1000)
                as implied_volatility,
            101.0 + number as underlying_price,
            timestamp '{day} 23:30:00' as snapshot_at
        from (values ('AAA', 1), ('BBB', 2)) as shares (underlying, number)
        cross join unnest([-3, 10, 28, 45]) as expiries (days)
        cross join unnest([90.0, 95.0, 100.0, 105.0, 110.0]) as strikes (strike)
        cross join (values ('call', 1), ('put', 3)) as types (option_type, weight)
    """


def _candles(day: date) -> str:
    number = (day - FIRST_CANDLE).days
    return f"""
        select
            n - 1 as source_row, symbol, timestamp '{day} 05:00:00' as "timestamp",
            close as open, close + 1 as high, close - 1 as low, close, 1000.0 as volume, 10 as trade_count,
            close as vwap
        from (
            select symbol, n, 100.0 + ({number} * (7 + n)) % 13 as close
            from (values ('AAA', 1), ('BBB', 2)) as shares (symbol, n)
        )
    """


_MESSAGE = """
    0 as kafka_partition, {first_offset} + n as kafka_offset, timestamp '{day} 22:00:00' as kafka_timestamp,
    timestamp '{day} 21:00:00' + to_seconds(n) as event_timestamp
"""
# Three symbols in turn, and one that nobody lists. One of nine lacks something, one of eleven is no trade, and one of
# seven corrects the trade before it.
_TRADES = f"""
    select
        {_MESSAGE},
        'trade {{day}} ' || (n - (n % 7 = 6)::integer) as trade_id,
        (['AAA', ' bbb', 'CCC', 'NOPE'])[1 + n % 4] as symbol,
        if(n % 9 = 1, null, 10.0 + n % 4 + (n * 13 + {{number}}) % 17 / 10) as price,
        if(n % 9 = 2, null, 10.0 * (1 + (n + {{number}}) % 3)) as quantity,
        if(n % 11 = 3, 'HOLD', (['BUY', 'SELL'])[1 + (n // 2 + {{number}}) % 2]) as side,
        if(n % 9 = 3, null, (['T1', 'T2', 'T3'])[1 + n // 3 % 3]) as trader_id,
        timestamp '{{day}} 15:00:00' + to_seconds(7 * n) as trade_timestamp
    from range(300) as numbers (n)
"""
# One of six is crossed.
_BOOKS = f"""
    select
        {_MESSAGE}, (['AAA', 'BBB', 'CCC', 'IDLE'])[1 + n % 4] as symbol, 'XNYS' as exchange,
        timestamp '{{day}} 15:00:00' + to_seconds(n) as snapshot_timestamp,
        10.0 as bid_price_1, 10.0 + (n % 6) * (1 + n % 4) / 100 as ask_price_1
    from range(60) as numbers (n)
"""
# AAA rises, BBB stays, CCC falls, and IDLE is not traded. One of five cannot be.
_PRICES = f"""
    select
        {_MESSAGE}, (['AAA', 'BBB', 'CCC', 'IDLE'])[1 + n % 4] as symbol,
        timestamp '{{day}} 15:00:00' + to_minutes(n) as interval_start, 60 as interval_seconds,
        20.0 + n * (1 - n % 4) as open, 100.0 as high, if(n % 5 = 4, 99.0, 0.5) as low,
        20.0 + n * (1 - n % 4) as close, 5.0 as volume
    from range(16) as numbers (n)
"""


def _load_messages(warehouse: Warehouse) -> None:
    for number, day in enumerate(DAYS_OF_MESSAGES):
        for feed, query in (("trades", _TRADES), ("orderbook", _BOOKS), ("marketdata", _PRICES)):
            warehouse.load_query(feed, day, query.format(day=day, number=number, first_offset=1000 * number))


def load_days(warehouse: Warehouse) -> None:
    """Load all of it into an empty warehouse."""
    warehouse.create_raw_tables()
    for day in DAYS_OF_BARS:
        warehouse.load_query("minute_aggs", day, _bars(day))
    for day in DAYS_OF_CHAINS:
        warehouse.load_query("options_snapshots", day, _chain(day))
    for number in range((LATER - FIRST_CANDLE).days + 1):
        day = FIRST_CANDLE + timedelta(number)
        if day.weekday() < 5:
            warehouse.load_query("candles_daily", day, _candles(day))
    _load_messages(warehouse)
    for day, traders in TRADER_FILES.items():
        columns = ("trader_id", "firm", "desk")
        warehouse.load("traders", day, [dict(zip(columns, trader, strict=True)) for trader in traders])
    names = ("symbol", "company_name", "sector", "market_cap_bucket", "exchange_code")
    for day, rows in SYMBOL_FILES.items():
        warehouse.load("symbols", day, [dict(zip(names, row, strict=True)) for row in rows])
    warehouse.load("exchanges", TUESDAY, [{"exchange_code": code, "name": name} for code, name in EXCHANGES])
