"""Where a file's quirks go: an exact number of rows for each, spread over the whole file.

With rates alone a small file would have none. Rows are taken in pairs: the first row of a pair may have a quirk, the
second is ordinary. So a quirk may refer to its neighbour, as a refund does to its charge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True)
class Quirk:
    """A kind of odd row: its share of the rows, and how many there are at least."""

    name: str
    rate: float
    at_least: int = 0


def _stride(pairs: int) -> int:
    """A step that visits every pair once and puts consecutive visits far apart (golden section)."""
    step = max(1, int(pairs * 0.618))
    while gcd(step, pairs) != 1:
        step += 1
    return step


def placed_rows(start: int, stop: int, eligible: int, quirks: Sequence[Quirk]) -> str:
    """A query for rows `start` to `stop`: `i`, its `pair_quirk`, `quirk` and `quirk_number`.

    Only the first `eligible` rows of the file may have quirks. `pair_quirk` is the quirk of
    the pair and `quirk` that of the row itself; both are '' where a row has none. `quirk_number` counts
    the rows of one quirk from 0.
    """
    pairs = max(1, eligible // 2)
    branches, numbers, reached = [], [], 0
    for quirk in quirks:
        first, reached = reached, reached + max(quirk.at_least, round(quirk.rate * eligible))
        branches.append(f"when slot < {reached} then '{quirk.name}'")
        numbers.append(f"when slot < {reached} then slot - {first}")
    if reached > pairs:
        raise ValueError(f"{eligible} rows have no room for {reached} odd ones; make a larger file")
    return f"""
    select
        i,
        pair_quirk,
        if(i % 2 = 0, pair_quirk, '') as quirk,
        quirk_number
    from (
        select
            i,
            case when slot is null then '' {" ".join(branches)} else '' end as pair_quirk,
            case when slot is null then 0 {" ".join(numbers)} else 0 end as quirk_number
        from (
            select
                range as i,
                if(range < {pairs * 2}, (range // 2 * {_stride(pairs)}) % {pairs}, null) as slot
            from range({start}, {stop})
        )
    )"""
