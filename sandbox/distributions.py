"""SQL expressions that draw from a distribution, the same value for the same row every time.

A draw is a hash of the row's key, never a random number. So a file depends neither on the order in which rows are made
nor on the number of threads. DuckDB's hash of one integer mixes well. Its hash of several arguments does not: columns
drawn that way correlate. Hence the keys are packed into one integer.
"""

from collections.abc import Hashable, Mapping
from itertools import pairwise
from typing import TypeVar

Value = TypeVar("Value", bound=Hashable)

# One key for each draw of a row: row * DRAWS_PER_ROW + position of the draw.
DRAWS_PER_ROW = 64
_ROWS_PER_FILE = 1 << 28
_PERIODS = 4096

_TO_UNIT_INTERVAL = 2.0**-53


def first_key(feed_number: int, period_number: int, revision: int) -> int:
    """The key of a file's first draw. Files share no key, so their draws are independent.

    Raises:
        ValueError: the number of the period is not from 0 to 4095.
    """
    if not 0 <= period_number < _PERIODS:
        raise ValueError(f"expected a number of a period from 0 to {_PERIODS - 1}, got {period_number}")
    file_number = (feed_number * _PERIODS + period_number) * 64 + revision % 64
    return file_number * _ROWS_PER_FILE * DRAWS_PER_ROW


def hashed(row: str, key: int, draw: int) -> str:
    """64 bits for the row, unique to the key: DuckDB's hash of one integer is a bijection."""
    return f"hash({row} * {DRAWS_PER_ROW} + {key + draw})"


def uniforms(row: str, key: int, words: str) -> str:
    """A select list of independent numbers in [0, 1), one named `u_<word>` for each of the words."""
    names = words.split()
    if len(names) > DRAWS_PER_ROW:
        raise ValueError(f"a row has {DRAWS_PER_ROW} draws, but {len(names)} were asked for")
    return ",\n    ".join(
        f"({hashed(row, key, draw)} >> 11) * {_TO_UNIT_INTERVAL!r} as u_{name}" for draw, name in enumerate(names)
    )


def near(rank: str, noise: str, spread: float) -> str:
    """A rank close to another rank: moved by at most half the spread and folded back into [0, 1].

    Folding keeps the result uniform. So two columns can be drawn from their own quantiles and still correlate, as a
    quantity and a price do.
    """
    return f"(1 - abs(1 - abs({rank} + {spread} * ({noise} - 0.5))))"


def quantiles(rank: str, knots: Mapping[float, float]) -> str:
    """The value at a rank: an inverse distribution function, linear between its knots."""
    points = sorted(knots.items())
    branches = [
        f"when {rank} < {p1!r} then {v0!r} + ({rank} - {p0!r}) * {(v1 - v0) / (p1 - p0)!r}"
        for (p0, v0), (p1, v1) in pairwise(points)
    ]
    return f"case {' '.join(branches)} else {points[-1][1]!r} end"


def choice(rank: str, weights: Mapping[str, float]) -> str:
    """One of a few SQL expressions, by weight; rounding errors fall to the last."""
    total, reached, branches = sum(weights.values()), 0.0, []
    for expression, weight in list(weights.items())[:-1]:
        reached += weight / total
        branches.append(f"when {rank} < {reached!r} then {expression}")
    return f"case {' '.join(branches)} else {list(weights)[-1]} end"


def cells(weights: Mapping[Value, float], count: int) -> list[Value]:
    """`count` cells shared out among the values by weight (largest remainder), values in order."""
    total = sum(weights.values())
    shares = {value: count * weight / total for value, weight in weights.items()}
    taken = {value: int(share) for value, share in shares.items()}
    by_remainder = sorted(shares, key=lambda value: taken[value] - shares[value])
    for value in by_remainder[: count - sum(taken.values())]:
        taken[value] += 1
    return [value for value in weights for _ in range(taken[value])]


def pick(rank: str, weights: Mapping[int, float], count: int = 1000) -> str:
    """One of many integers, by weight: one look-up in a list of cells, however many integers there are."""
    values = cells(weights, count)
    # One constant: the planner is slow with a list of many expressions.
    listed = ",".join(map(str, values))
    return f"list_extract('[{listed}]'::integer[], 1 + floor({rank} * {len(values)})::integer)"
