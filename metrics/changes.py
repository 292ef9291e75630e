"""How a figure of one period differs from that of another."""


def change_pct(now: float | None, before: float | None) -> float | None:
    """The change from `before` to `now`, in percent of `before`; None where one of them is missing or `before` is 0."""
    if now is None or not before:
        return None
    return 100 * (now - before) / abs(before)
