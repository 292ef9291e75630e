"""Numbers as people read them, the same in briefings and in the portal."""


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
