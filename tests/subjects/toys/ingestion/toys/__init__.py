"""The subject `toys`: what a toy shop sells, a CSV for every weekday."""

from collections.abc import Iterable
from datetime import date

from ingestion.feeds import Feed, Subject, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.readers.csv_files import CsvReader
from warehouse.periods import Grain, Period, period_range


class Weekdays:
    """A file for every day from Monday to Friday."""

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """The weekdays from the first day to the last."""
        return (period for period in period_range(first, last) if period.start.weekday() < 5)


class ToyShop(HttpPublisher):
    """The toy shop."""

    name = "toy_shop"
    default_base_url = "https://toys.example/sales"
    read = CsvReader()


SUBJECT = Subject(
    name="toys",
    feeds=(
        Feed(
            name="toy_sales",
            publisher=ToyShop(),
            raw_table="toy_sales",
            file_names=("{period:%Y/%m}/sales-{period:%Y-%m-%d}.csv",),
            columns=columns(required="sold_at:t toy:s price:d"),
            event_time="sold_at",
            first_day=date(2025, 5, 1),
            publication_lag_days=1,
            kind="sale",
            staging_model="stg_toys__sales",
            kept_in="fct_toy_sales",
            quarantined_in="quarantined_toy_sales",
            grain=Grain.DAY,
            calendar=Weekdays(),
        ),
    ),
    aliases={"shop": ("toy_sales",)},
)
