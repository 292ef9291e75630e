"""Rides whose stations int_station_months holds: the smallest model that is built by partitions."""

from datetime import date

from tests.dbt.small_warehouse import Trip, ride


def rides(month: date, stations: int) -> list[Trip]:
    """So many rides from as many stations to one more."""
    return [
        {
            **ride(f"R{number}", f"{month:%Y-%m}-10 08:00:00", f"{month:%Y-%m}-10 08:10:00"),
            "start_station_id": f"{6000 + number}.01",
            "start_station_name": f"Station {number}",
            "end_station_id": "7000.01",
            "end_station_name": "The end",
            "start_lat": 40.7,
            "start_lng": -74.0,
            "end_lat": 40.8,
            "end_lng": -73.9,
        }
        for number in range(stations)
    ]
