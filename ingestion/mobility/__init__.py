"""The subject `mobility`: trips by taxi, for-hire car and bike in New York, and its weather."""

from ingestion.feeds import Subject
from ingestion.mobility import citibike, tlc, weather

SUBJECT = Subject(
    name="mobility",
    feeds=(*tlc.FEEDS, *citibike.FEEDS, *weather.FEEDS),
    aliases={"taxi": ("yellow", "green", "fhv")},
)
