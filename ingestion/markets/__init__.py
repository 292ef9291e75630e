"""The subject `markets`: prices of shares and options in the United States, and what the symbols stand for."""

from ingestion.feeds import Subject
from ingestion.markets import broker, exchange, flat_files, reference_data
from ingestion.markets.trading_days import closings_csv

SUBJECT = Subject(
    name="markets",
    feeds=(*flat_files.FEEDS, *reference_data.FEEDS, *broker.FEEDS, *exchange.FEEDS),
    seeds={"exchange_closings": closings_csv},
)
