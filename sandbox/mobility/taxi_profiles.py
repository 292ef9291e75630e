"""What sets yellow and green taxis apart: the names, shares and quantiles of their real files.

Shares and quantiles are those of yellow 2025-02 and green 2025-11, TLC trip record data,
https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.mobility.wall_clock import hour_weights
from sandbox.mobility.zones import GREEN_PICKUPS, YELLOW_PICKUPS
from sandbox.placement import Quirk


@dataclass(frozen=True)
class TaxiProfile:
    """What sets one taxi feed apart: names, shares and quantiles of its real files."""

    pickup_column: str
    dropoff_column: str
    is_green: bool
    vendors: Mapping[str, float]
    payments: Mapping[str, float]
    hour_weights: Mapping[int, float]
    weekday_weights: tuple[float, ...]
    zones: Mapping[int, float]
    distance: Mapping[float, float]
    minutes: Mapping[float, float]
    fare: Mapping[float, float]
    tip_share: Mapping[float, float]
    null_share_before_2025: float
    null_share_from_2025: float
    has_surcharge: float
    quirks: tuple[Quirk, ...]


YELLOW = TaxiProfile(
    pickup_column="tpep_pickup_datetime",
    dropoff_column="tpep_dropoff_datetime",
    is_green=False,
    vendors={"2": 79.5, "1": 20.4, "7": 0.1},
    # of the rows outside the null block, refunds not counted
    payments={"1": 65.5, "2": 9.1, "4": 0.5, "3": 0.5},
    hour_weights=hour_weights(
        "2.8 1.8 1.4 1.4 .6 .5 1.4 2.8 3.8 4.1 4.4 4.4 4.5 5.2 5.2 5.5 5.9 6.9 8.0 6.1 6.6 6.2 6.3 4.4"
    ),
    weekday_weights=(0.85, 0.95, 1.02, 1.06, 1.10, 1.13, 0.93),
    zones=YELLOW_PICKUPS,
    distance={
        0: 0,
        0.02: 0,
        0.0201: 0.05,
        0.045: 0.35,
        0.25: 1.01,
        0.5: 1.7,
        0.75: 3.26,
        0.95: 11.5,
        0.99: 19.4,
        1: 34,
    },
    minutes={0: 0.1, 0.05: 3.5, 0.25: 7.6, 0.5: 12.3, 0.75: 19.6, 0.95: 37.2, 0.99: 57, 1: 110},
    # ranks among the positive fares, which are 94.6 % of all
    fare={0: 3, 0.03: 5.1, 0.207: 8.6, 0.471: 12.8, 0.736: 20.5, 0.947: 49.9, 0.965: 60, 0.9905: 70, 1: 170},
    tip_share={0: 0, 0.066: 0, 0.07: 0.05, 0.25: 0.2, 0.5: 0.26, 0.75: 0.3, 0.95: 0.4, 1: 0.8},
    null_share_before_2025=0.05,
    null_share_from_2025=0.225,
    has_surcharge=0.92,
    quirks=(
        Quirk("out_of_month", 1e-5, 6),
        Quirk("clock_change", 0, 2),
        Quirk("far", 2e-5, 2),
        Quirk("long", 1e-3, 2),
        Quirk("backwards", 1e-5, 1),
        Quirk("refund", 0.018, 4),
    ),
)

GREEN = TaxiProfile(
    pickup_column="lpep_pickup_datetime",
    dropoff_column="lpep_dropoff_datetime",
    is_green=True,
    vendors={"2": 82.4, "1": 9.3, "6": 8.3},
    payments={"1": 67.4, "2": 19.9, "3": 0.4, "4": 0.2},
    hour_weights=hour_weights(
        "1.6 1.1 .9 .7 .7 .7 1.8 4.3 5.1 5.3 5.4 5.4 5.7 6.3 6.3 7.1 7.3 7.7 7.3 5.7 4.5 3.6 3.0 2.5"
    ),
    weekday_weights=(0.98, 1.02, 1.05, 1.06, 1.08, 0.97, 0.84),
    zones=GREEN_PICKUPS,
    distance={
        0: 0,
        0.032: 0,
        0.0321: 0.05,
        0.05: 0.34,
        0.25: 1.28,
        0.5: 2.07,
        0.75: 3.66,
        0.95: 10.4,
        0.99: 17.9,
        1: 30,
    },
    minutes={0: 0.1, 0.05: 3.1, 0.25: 7.9, 0.5: 12.9, 0.75: 21, 0.95: 44.2, 0.99: 80, 1: 140},
    fare={0: 3, 0.05: 5.1, 0.25: 9, 0.5: 13.5, 0.75: 19.8, 0.95: 45, 0.99: 80, 1: 200},
    tip_share={0: 0, 0.088: 0, 0.09: 0.05, 0.25: 0.17, 0.5: 0.22, 0.75: 0.28, 0.95: 0.38, 1: 0.7},
    null_share_before_2025=0.06,
    null_share_from_2025=0.119,
    has_surcharge=0.4,
    quirks=(
        Quirk("out_of_month", 1e-4, 4),
        Quirk("clock_change", 0, 2),
        Quirk("far", 5e-5, 2),
        Quirk("long", 5e-4, 2),
        Quirk("refund", 0.003, 3),
    ),
)
