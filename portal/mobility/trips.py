"""What trips are called and which colour they have, on every page and chart."""

from collections.abc import Iterable

import pandas as pd

NAMES = {
    "yellow_taxi": "Yellow taxi",
    "green_taxi": "Green taxi",
    "hvfhv": "Uber and Lyft",
    "fhv": "For-hire vehicle",
    "citibike": "Citi Bike",
}

# By name, since a chart's legend has names. Each stands out by 3 to 1 from white and from black, and they are told
# apart by the colour-blind.
COLOURS = {
    "Yellow taxi": "#bf8a00",
    "Green taxi": "#3d8b57",
    "Uber and Lyft": "#8a6fb0",
    "For-hire vehicle": "#8593a0",
    "Citi Bike": "#2f86b3",
}


def name_of(trip_type: str) -> str:
    """The name of a trip type for people. One that has none is shown as it is."""
    return NAMES.get(trip_type, trip_type)


def in_order(trip_types: Iterable[str]) -> list[str]:
    """Trip types in the order in which charts and legends have them; unknown ones last."""
    known = list(NAMES)
    return sorted(set(trip_types), key=lambda each: (known.index(each) if each in known else len(known), each))


def named(rows: pd.DataFrame, column: str = "trip_type") -> pd.DataFrame:
    """The rows with names for trip types, in the order of charts."""
    order = {each: position for position, each in enumerate(in_order(rows[column]))}
    ordered = rows.sort_values(column, key=lambda values: values.map(order), kind="stable")
    return ordered.assign(**{column: ordered[column].map(name_of)})
