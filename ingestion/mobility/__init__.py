"""The subject `mobility`: trips by taxi, for-hire car and bike in New York, its weather and its zones."""

from ingestion.feeds import Subject
from ingestion.mobility import citibike, taxi_zones, tlc, weather

SUBJECT = Subject(
    name="mobility",
    feeds=(*tlc.FEEDS, *citibike.FEEDS, *weather.FEEDS, *taxi_zones.FEEDS),
    aliases={"taxi": ("yellow", "green", "fhv")},
)
