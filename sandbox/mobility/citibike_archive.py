"""A year of Citi Bike in one zip, as New York's months until 2023 are published today.

The layout changed every few years: the months' CSVs in folders, in some years a second time as whole months beside the
folders, or the months' zips in the zip.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from sandbox.mobility.citibike import MAC_COMPANION

LAST_ARCHIVED_MONTH = date(2023, 12, 1)

_ZIPS_FROM = 2020
_FILED_TWICE = (2013, 2018)


class WriteCsvs(Protocol):
    """Writes a month's CSVs into a folder, one after the other."""

    def __call__(self, month: date, folder: Path, *, in_one: bool, has_quotes: bool) -> Iterable[Path]: ...


def is_archived(feed: str, month: date) -> bool:
    """Whether a month is published in the archive of its year."""
    return feed == "citibike" and month <= LAST_ARCHIVED_MONTH


def archive_name(year: int) -> str:
    """The name under which a year is published."""
    return f"{year}-citibike-tripdata.zip"


def write_archive_file(months: Sequence[date], path: Path, write_csvs: WriteCsvs) -> None:
    """Write the archive of the year with these months."""
    folder = f"{months[0].year}-citibike-tripdata"
    with TemporaryDirectory() as scratch, ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(ZipInfo(f"{folder}/"), b"")
        archive.writestr(ZipInfo(f"{folder}/.DS_Store"), bytes(100))
        for month in months:
            if month.year >= _ZIPS_FROM:
                _add_zip(archive, folder, month, Path(scratch), write_csvs)
            else:
                _add_csvs(archive, folder, month, Path(scratch), write_csvs)


def _add_zip(archive: ZipFile, folder: str, month: date, scratch: Path, write_csvs: WriteCsvs) -> None:
    name = f"{month:%Y%m}-citibike-tripdata.zip"
    with ZipFile(scratch / name, "w", ZIP_DEFLATED, compresslevel=1) as inner:
        for csv in write_csvs(month, scratch, in_one=False, has_quotes=True):
            _add(inner, csv, csv.name)
            inner.writestr(ZipInfo(f"__MACOSX/._{csv.name}"), MAC_COMPANION)
    _add(archive, scratch / name, f"{folder}/{name}", ZIP_STORED)
    archive.writestr(ZipInfo(f"__MACOSX/{folder}/._{name}"), MAC_COMPANION)


def _add_csvs(archive: ZipFile, folder: str, month: date, scratch: Path, write_csvs: WriteCsvs) -> None:
    if month.year in _FILED_TWICE:
        for csv in write_csvs(month, scratch, in_one=True, has_quotes=True):
            _add(archive, csv, f"{folder}/{csv.name}")
    csvs = write_csvs(month, scratch, in_one=False, has_quotes=month.year != 2013)
    in_month = f"{folder}/{month.month}_{month:%B}"
    for number, csv in enumerate(csvs, 1):
        stem = f"{month:%Y%m}-citibike-tripdata"
        numbered = f"{stem}.csv_{number}.csv" if month.year == 2017 else f"{stem}_{number}.csv"
        # One month is in the archive three times.
        places = [in_month, folder] if month == date(2018, 4, 1) else [in_month]
        for place in places:
            with archive.open(f"{place}/{numbered}", "w") as member, csv.open("rb") as made:
                shutil.copyfileobj(made, member, 1 << 20)
        csv.unlink()
        archive.writestr(ZipInfo(f"__MACOSX/{in_month}/._{numbered}"), MAC_COMPANION)


def _add(archive: ZipFile, made: Path, name: str, compression: int = ZIP_DEFLATED) -> None:
    """Move a file into the archive under a fixed date: its bytes must not depend on the clock."""
    entry = ZipInfo(name)
    entry.compress_type = compression
    entry.file_size = made.stat().st_size
    with archive.open(entry, "w") as member, made.open("rb") as content:
        shutil.copyfileobj(content, member, 1 << 20)
    made.unlink()
