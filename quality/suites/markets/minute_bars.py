"""Minute bars of all shares, and what is made of them."""

from quality.files import figure, in_set, not_null, share
from quality.rejected import quarantine_suite
from quality.rows import between as rows_between
from quality.rows import in_set as rows_in_set
from quality.rows import none_where, unique_together
from quality.subject import Explanation, Quarantine
from quality.suites.markets.bars import bars, trade_size
from quality.suites.markets.daily import (
    ONE_LOAD,
    SCHEMA,
    daily,
    difference_to_day_before,
    mart,
    mart_by_day,
    ratio_to_day_before,
)
from warehouse.periods import Grain

_FEED = "minute_aggs"
_SESSIONS = ("premarket", "market", "postmarket", "closed")
_MINUTES_OF_A_DAY = 24 * 60
# Averages of doubles may be off in their last digits.
_EPSILON = 1e-9

STAGED = daily(
    "stg_flat_files__minute_aggs",
    (
        *bars(key="ticker", time="minute_utc", mostly=0.999),
        not_null("window_start", 0.999),
        not_null("transactions", 0.999),
        share(
            "minute_begins_on_the_minute",
            "window_start % 60000000000 = 0",
            of="window_start is not null",
            mostly=0.999,
            why="Bars begin on the minute. In another unit than nanoseconds they would not.",
        ),
        trade_size("transactions", 5, 5000),
        figure(
            "tickers",
            "approx_count_distinct(ticker)",
            low=1,
            why="Tickers of the file, counted to about 2 %.",
        ),
        # Files are sorted by ticker: what is cut off lacks the last letters.
        ratio_to_day_before("tickers", 0.8, 1.25, "Tickers, as a multiple of the day before."),
        figure("volume_total", "sum(volume)", low=1, why="Shares traded."),
        ratio_to_day_before("volume_total", 0.2, 5, "Shares traded, as a multiple of the day before."),
        figure(
            "typical_price",
            "exp(avg(ln(case when close > 0 then close end)))",
            low=1,
            high=1000,
            why="Geometric mean of closing prices, USD. In cents it would be above.",
        ),
        ratio_to_day_before("typical_price", 0.7, 1.4, "Typical price, as a multiple of the day before."),
        share(
            "fractional_share",
            "volume <> floor(volume)",
            of="volume is not null",
            at_most=1.0,
            why="The share of bars with fractions of shares, which files have since 2026.",
        ),
        difference_to_day_before(
            "fractional_share", 0.2, "The share of bars with fractions of shares, less that of the day before."
        ),
    ),
    (_FEED,),
)

SILVER = mart_by_day(
    "silver_minute_aggs",
    _FEED,
    ONE_LOAD,
    in_set("session", _SESSIONS),
    share(
        "timestamp_on_the_day",
        "timestamp >= source_date and timestamp < source_date + 1",
        mostly=1,
        why="Minutes are of the trading day, by New York's clock.",
    ),
    share(
        "rolling_window_has_the_bar",
        "rolling_15m_high >= high and rolling_15m_low <= low",
        mostly=1,
        why="The last 15 bars include the bar itself.",
    ),
    share(
        "rolling_average_within_the_range",
        f"rolling_15m_avg_close between rolling_15m_low * (1 - {_EPSILON}) and rolling_15m_high * (1 + {_EPSILON})",
        mostly=1,
        why="The average of the last 15 closing prices is between their lowest and their highest price.",
    ),
    share(
        "rolling_volume_is_of_15_bars",
        f"rolling_15m_total_volume <= 15 * rolling_15m_avg_volume * (1 + {_EPSILON}) + {_EPSILON}"
        f" and rolling_15m_total_volume >= rolling_15m_avg_volume * (1 - {_EPSILON})",
        mostly=1,
        why="The total of the last bars is from 1 to 15 times their average.",
    ),
)

SESSIONS = mart_by_day(
    "fct_ticker_sessions",
    _FEED,
    ONE_LOAD,
    in_set("session", _SESSIONS),
    share(
        "prices_within_the_range",
        "low > 0 and open between low and high and close between low and high",
        mostly=1,
        why="First and last price are between the lowest and the highest.",
    ),
    share(
        "bars_within_the_minutes",
        f"bar_count between 1 and least({_MINUTES_OF_A_DAY}, date_diff('minute', first_minute, last_minute) + 1)",
        mostly=1,
        why="A minute has one bar at most.",
    ),
    share(
        "average_price_within_the_range",
        # Notional is rounded to 0.0001 USD.
        f"notional between low * volume * (1 - {_EPSILON}) - 0.001 and high * volume * (1 + {_EPSILON}) + 0.001",
        mostly=1,
        why="Value over volume is a price of the session.",
    ),
    figure(
        "market_share",
        "coalesce(sum(bar_count) filter (session = 'market'), 0) / sum(bar_count)",
        low=0.5,
        why="The share of bars in the regular session. With times that are hours off it would be lower.",
    ),
    figure(
        "closed_share",
        "coalesce(sum(bar_count) filter (session = 'closed'), 0) / sum(bar_count)",
        high=0.01,
        why="The share of bars outside of all sessions.",
    ),
    difference_to_day_before(
        "market_share", 0.25, "The share of bars in the regular session, less that of the day before."
    ),
)

TICKER_DAYS = mart_by_day(
    "fct_ticker_days",
    _FEED,
    ONE_LOAD,
    share(
        "prices_within_the_range",
        "low > 0 and open between low and high and close between low and high",
        of="close is not null",
        mostly=1,
        why="First and last price are between the lowest and the highest.",
    ),
    share(
        "change_is_of_both_closing_prices",
        "(change_pct is null) = (close is null or previous_close is null)",
        mostly=1,
        why="A ticker has changed where it has a closing price of the day and of the trading day before.",
    ),
)

MARKET_DAYS = mart(
    "fct_market_days",
    unique_together("day_unique", ("feed", "source_date")),
    none_where(
        "those_compared_add_up",
        "advancer_count + decliner_count + unchanged_count <> compared_count",
        "A ticker that is compared has gone up, gone down, or stayed.",
    ),
    none_where("those_compared_within_tickers", "compared_count > ticker_count", "Those compared are traded."),
)

ANOMALIES = mart(
    "ticker_anomalies",
    unique_together("ticker_and_day_unique", ("ticker", "source_date")),
    rows_in_set("reason", ("not_traded", "likely_split", "price_jump", "volume_spike", "volume_drop")),
    rows_between("days_before", 10, 20),
    none_where("compared_with_an_earlier_day", "previous_source_date >= source_date", "The days before are earlier."),
    none_where(
        "figures_are_of_the_reason",
        "not case reason when 'not_traded' then volume is null when 'volume_spike' then volume_ratio >= 10"
        " when 'volume_drop' then volume_ratio <= 0.1 else close_ratio >= 1.5 or close_ratio <= 1 / 1.5 end",
        "The figures are what the reason says.",
    ),
)

QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_minute_aggs",
    Grain.DAY,
    shown={"ticker": "ticker", "minute (UTC)": "minute_utc", "close": "close", "volume": "volume"},
    tolerance=0.001,
    explanations=(Explanation(_FEED, "not_a_trading_day", "a file of a day on which the exchange is closed"),),
)

SUITES = (
    STAGED,
    SILVER,
    SESSIONS,
    TICKER_DAYS,
    MARKET_DAYS,
    ANOMALIES,
    quarantine_suite(QUARANTINE, (_FEED,)),
)
