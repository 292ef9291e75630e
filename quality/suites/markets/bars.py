"""What is expected of files of bars, whether of minutes or of days."""

from quality.comparisons import rows_like_before
from quality.files import SOURCE_ROWS_ARE_A_KEY, figure, not_null, share
from quality.suite import Expectation, Severity
from warehouse.periods import Grain

_PRICES = ("open", "high", "low", "close")
_ALL_PRICES = " and ".join(f"{price} is not null" for price in _PRICES)


def bars(*, key: str, time: str, mostly: float, severity: Severity = "error") -> tuple[Expectation, ...]:
    """Expectations on the bars of a file. `key` and `time` are the columns that say what a bar is of, and since when.

    Rows that break these rules one by one are quarantined. A file of which many do is not what it should be.
    """
    return (
        SOURCE_ROWS_ARE_A_KEY,
        rows_like_before(Grain.DAY),
        *(not_null(column, mostly, severity) for column in (key, time, *_PRICES, "volume")),
        share(
            "time_on_the_day",
            # A day of New York begins at 4:00 or 5:00 UTC.
            f"{time} >= source_date + interval 4 hours and {time} < source_date + interval 29 hours",
            of=f"{time} is not null",
            mostly=mostly,
            why="Bars are of the day of the file. A file of another day has none.",
            severity=severity,
        ),
        share(
            "prices_are_above_zero",
            " and ".join(f"isfinite({price}) and {price} > 0" for price in _PRICES),
            of=_ALL_PRICES,
            mostly=mostly,
            why="Prices are numbers above zero.",
            severity=severity,
        ),
        share(
            "prices_within_the_range",
            "high >= low and open between low and high and close between low and high",
            of=_ALL_PRICES,
            mostly=mostly,
            why="First and last price are between the lowest and the highest. With columns exchanged they are not.",
            severity=severity,
        ),
        share(
            "volume_is_a_count",
            "isfinite(volume) and volume >= 0",
            of="volume is not null",
            mostly=mostly,
            why="Volume is a number, 0 or more.",
            severity=severity,
        ),
    )


def trade_size(trades: str, low: float, high: float) -> Expectation:
    """The mean size of a trade is plausible: with volume in another unit, or without some of the trades, it is not."""
    return figure(
        "trade_size_mean",
        f"sum(volume) / nullif(sum({trades}), 0)",
        low=low,
        high=high,
        why="Volume of a trade, on average.",
    )
