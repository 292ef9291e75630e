"""Which CSVs of a Citi Bike zip are those of a month.

A zip is of one month, or, until 2023, of a year with the months' zips in it.
"""

import re

from ingestion.readers.csv_pieces import UnpackedCsv
from ingestion.readers.published_file import PublishedFile
from ingestion.readers.zips import Entry, extract_csvs


def extract_month(file: PublishedFile) -> list[UnpackedCsv]:
    """Unpack the month's CSVs beside the zip, in the zip's order.

    Raises:
        UnreadableFileError: it is not a whole zip, is far too large when unpacked, has no CSV of the month, or one
            that has zero bytes.
    """
    month = f"{file.partition.period.start:%Y%m}"
    if month in file.name:
        return extract_csvs(file)
    return extract_csvs(file, is_wanted=lambda name: month in name, choose=lambda entries: _filed_once(entries, month))


def _filed_once(entries: list[Entry], month: str) -> list[Entry]:
    """The month's CSVs, where a year's zip has the whole month and its parts, or its parts in two folders.

    The zips of 2013 and 2018 do. The whole month is the CSV without a number. Of parts, those of the folder that lies
    highest are taken.
    """
    whole = [entry for entry in entries if re.fullmatch(rf"{month}-citibike-tripdata\.csv", entry.path.name)]
    if whole:
        return whole[:1]
    places = {(entry.archive, entry.path.parent) for entry in entries}
    place = min(places, key=lambda of: (len(of[1].parts), str(of)), default=None)
    return [entry for entry in entries if (entry.archive, entry.path.parent) == place]
