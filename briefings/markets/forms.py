"""How figures of markets are written."""

from briefings.markdown import NO_VALUE
from metrics.numbers import count, short


def price(value: float | None) -> str:
    """A price in USD: `1,234.50`; of less than a dollar four decimals."""
    if value is None:
        return NO_VALUE
    return f"{value:,.4f}" if abs(value) < 1 else f"{value:,.2f}"


def change(percent: float | None) -> str:
    """A change in percent, with its sign."""
    # The added zero makes none of a negative one.
    return NO_VALUE if percent is None else f"{round(percent, 2) + 0.0:+,.2f} %"


def share(value: float | None, decimals: int = 1) -> str:
    """A share as percent: `15.3 %` for 0.153."""
    return NO_VALUE if value is None else f"{value:.{decimals}%}".replace("%", " %")


def points(value: float | None) -> str:
    """A difference of shares in points, with its sign: `+1.5` for 0.015."""
    return NO_VALUE if value is None else f"{value:+.1%}".removesuffix("%")


def ratio(value: float | None) -> str:
    """A ratio with two decimals."""
    return NO_VALUE if value is None else f"{value:,.2f}"


def whole(value: float | None) -> str:
    """A count with separators."""
    return NO_VALUE if value is None else count(value)


def difference(value: float | None) -> str:
    """A count that is more or less, with its sign."""
    return NO_VALUE if value is None else f"{value:+,.0f}"


def large(value: float | None) -> str:
    """A large figure in three digits: `1.23 M`."""
    return NO_VALUE if value is None else short(value)
