"""What is made of two figures."""

import pandas as pd
import pytest

from metrics.changes import change_pct
from metrics.stations import rides_and_balance


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (150.0, 100.0, 50),
        (100.0, 150.0, pytest.approx(-100 / 3)),
        (0.0, 5.0, -100),
        # Refunds may outweigh what was paid: less of them is more.
        (-5.0, -10.0, 50),
        (5.0, 0.0, None),
        (None, 5.0, None),
        (5.0, None, None),
    ],
)
def test_a_change_is_in_percent_of_before(now: float | None, before: float | None, change: float | None) -> None:
    assert change_pct(now, before) == change


def test_bikes_gather_where_more_arrive_than_depart() -> None:
    rows = rides_and_balance(pd.Series({"a": 5, "b": 1}), pd.Series({"a": 2, "c": 4}))

    assert rows.to_dict("index") == {
        "a": {"departures": 5, "arrivals": 2, "rides": 7, "balance": -3},
        "b": {"departures": 1, "arrivals": 0, "rides": 1, "balance": -1},
        "c": {"departures": 0, "arrivals": 4, "rides": 4, "balance": 4},
    }
