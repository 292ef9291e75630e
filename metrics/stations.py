"""What a station has of rides, from how many begin and end at it."""

import pandas as pd


def rides_and_balance(departures: pd.Series, arrivals: pd.Series) -> pd.DataFrame:
    """`departures`, `arrivals`, `rides` that begin or end at a station, and its `balance`, by station.

    The balance is the arrivals less the departures: bikes gather where it is above 0. A ride that ends where it began
    counts twice among the rides. A station that only one of the two has counts 0 in the other.
    """
    rows = pd.DataFrame({"departures": departures, "arrivals": arrivals}).fillna(0).astype("int64")
    return rows.assign(rides=rows["departures"] + rows["arrivals"], balance=rows["arrivals"] - rows["departures"])
