"""One published file: its name, its number of rows, its content."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from sandbox.distributions import first_key
from sandbox.mobility.citibike import write_citibike_file, write_csvs
from sandbox.mobility.citibike_archive import archive_name, is_archived, write_archive_file
from sandbox.mobility.tlc import write_tlc_file

FILE_FEEDS = ("yellow", "green", "fhv", "hvfhv", "citibike", "citibike_jc")

# The folder below the publisher's address.
PUBLISHER_FOLDERS = {"tlc": "trip-data", "citibike": "tripdata"}

# Rows a month for one row of yellow, from the sizes of real months (yellow has about 3.3 million).
_ROWS_FOR_A_YELLOW_ROW = {
    "yellow": 1.0,
    "green": 0.0152,
    "fhv": 0.394,
    "hvfhv": 6.06,
    "citibike": 1.06,
    "citibike_jc": 0.018,
}
_FEWEST_ROWS = 120
# January to December, against a mean of 1. Few cycle in winter.
_SEASONS = {
    "tlc": (0.95, 0.94, 1.04, 1.01, 1.05, 1.0, 0.95, 0.93, 1.0, 1.06, 1.02, 1.05),
    "citibike": (0.52, 0.57, 0.73, 0.88, 1.14, 1.3, 1.28, 1.26, 1.36, 1.4, 1.01, 0.63),
}
_CITIBIKE_PLAIN_ZIP_FROM = date(2024, 5, 1)
# As published.
_NAMES_WITH_A_SLIP = {
    ("citibike_jc", date(2017, 8, 1)): "JC-201708 citibike-tripdata.csv.zip",
    ("citibike_jc", date(2022, 7, 1)): "JC-202207-citbike-tripdata.csv.zip",
}


def row_count(feed: str, month: date, *, rows: int, revision: int = 0) -> int:
    """How many rows the month's file has, when a month of yellow has about `rows`."""
    season = _SEASONS[_feed(feed).publisher.name][month.month - 1]
    # a file that is published again is seldom of the same length
    again = 1 + 0.001 * math.sqrt(revision)
    return max(_FEWEST_ROWS, round(rows * _ROWS_FOR_A_YELLOW_ROW[feed] * season * again)) + 7 * revision


def file_name(feed: str, month: date) -> str:
    """The name under which the month's file is published."""
    names = _feed(feed).file_names
    if (feed, month) in _NAMES_WITH_A_SLIP:
        return _NAMES_WITH_A_SLIP[feed, month]
    is_older_citibike = feed == "citibike" and month < _CITIBIKE_PLAIN_ZIP_FROM
    return names[1 if is_older_citibike else 0].format(period=month)


def file_of_name(folder: str, name: str) -> tuple[str, date] | None:
    """The feed and month published as `<folder>/<name>`, if any."""
    found = re.search(r"(\d{4})-?(0[1-9]|1[0-2])", name)
    if found is None or int(found[1]) < 1:
        return None
    month = date(int(found[1]), int(found[2]), 1)
    for feed in FILE_FEEDS:
        if PUBLISHER_FOLDERS[FEEDS[feed].publisher.name] == folder and file_name(feed, month) == name:
            return feed, month
    return None


def months_of_name(folder: str, name: str) -> tuple[str, tuple[date, ...]] | None:
    """The feed and the months in the file published as `<folder>/<name>`: one, or those of an archive's year."""
    archive = re.fullmatch(r"(20\d{2})-citibike-tripdata\.zip", name)
    if archive is not None and folder == PUBLISHER_FOLDERS["citibike"]:
        months = (date(int(archive[1]), number, 1) for number in range(1, 13))
        archived = tuple(month for month in months if is_archived("citibike", month))
        return ("citibike", archived) if archived else None
    found = file_of_name(folder, name)
    return None if found is None or is_archived(*found) else (found[0], (found[1],))


def published_name(feed: str, month: date) -> str:
    """The name of the file in which a month is published, which may be the archive of its year."""
    return archive_name(month.year) if is_archived(feed, month) else file_name(feed, month)


def write_archive(months: Sequence[date], folder: Path, *, rows: int, revision: int = 0) -> Path:
    """Write the archive of a year with these months of Citi Bike into the folder, and return its path."""

    def csvs(month: date, folder: Path, *, in_one: bool, has_quotes: bool) -> Iterator[Path]:
        count = row_count("citibike", month, rows=rows, revision=revision)
        return write_csvs(
            "citibike",
            month,
            folder,
            rows=count,
            key=_key("citibike", month, revision),
            ride_key=_key("citibike", month, 0),
            rows_per_csv=count if in_one else None,
            has_quotes=has_quotes,
        )

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / archive_name(months[0].year)
    unfinished = path.with_name(f".{path.name}.unfinished")
    write_archive_file(months, unfinished, csvs)
    unfinished.replace(path)
    return path


def _key(feed: str, month: date, revision: int) -> int:
    return first_key(FILE_FEEDS.index(feed) + 1, month.year * 12 + month.month - 24_000, revision)


def write_file(feed: str, month: date, folder: Path, *, rows: int, revision: int = 0) -> Path:
    """Write a month's file of a feed into the folder under its published name, and return its path.

    `rows` is the size of a month of yellow, of which every feed has its usual share; see `row_count`.
    The bytes depend on the arguments alone. Another `revision` is the file as replaced by its publisher:
    other values and a few rows more.

    Raises:
        ValueError: the feed has no files, the month is before its first, or the size is no size.
    """
    month = month.replace(day=1)
    if month < _feed(feed).first_period.first_day:
        raise ValueError(
            f"{feed} has no file for {month:%Y-%m}: its first month is {_feed(feed).first_period.first_day:%Y-%m}"
        )
    if rows < 1 or revision < 0:
        raise ValueError(f"expected rows of at least 1 and a revision of at least 0, got {rows} and {revision}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(feed, month)
    count = row_count(feed, month, rows=rows, revision=revision)
    key = _key(feed, month, revision)
    # A file that is not whole must never bear a published name.
    unfinished = path.with_name(f".{path.name}.unfinished")
    if _feed(feed).publisher.name == "tlc":
        write_tlc_file(feed, month, unfinished, rows=count, key=key)
    else:
        ride_key = _key(feed, month, 0)
        write_citibike_file(feed, month, unfinished, rows=count, key=key, ride_key=ride_key)
    unfinished.replace(path)
    return path


def _feed(feed: str) -> Feed:
    if feed not in FILE_FEEDS:
        raise ValueError(f"{feed!r} is no feed with files: expected one of {', '.join(FILE_FEEDS)}")
    return FEEDS[feed]
