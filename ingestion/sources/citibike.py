"""Citi Bike: one zip a month, of one or several CSVs.

Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

import csv
import shutil
import zipfile
from datetime import date
from pathlib import Path

import dlt
import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import ColumnType, Feed
from ingestion.sources.columns import raw_names, select_list

DEFAULT_BASE_URL = "https://s3.amazonaws.com/tripdata"


def addresses(feed: Feed, month: date) -> list[str]:
    """The addresses at which a month's file may be, in the order to try them."""
    base = dlt.config.get("sources.citibike.base_url", str) or DEFAULT_BASE_URL
    return [f"{base.rstrip('/')}/{name.format(month=month)}" for name in feed.file_names]


def _is_data(entry: zipfile.ZipInfo) -> bool:
    """Whether a zip entry is a CSV, and not the resource fork that macOS files beside each one."""
    name = Path(entry.filename)
    return name.suffix.lower() == ".csv" and "__MACOSX" not in name.parts and not name.name.startswith("._")


def _extract(path: Path) -> list[Path]:
    """Unpack every CSV of the zip beside it, in the zip's order.

    Raises:
        UnreadableFileError: it is not a whole zip, or has no CSV.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _is_data(entry)]
            extracted = []
            for number, entry in enumerate(entries):
                # Named by us: an entry's own name may climb out of the folder.
                target = path.with_name(f"{path.name}.{number}.csv")
                with archive.open(entry) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
                extracted.append(target)
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError) as error:
        raise UnreadableFileError(
            f"{path.name}: expected a whole zip, but it cannot be read ({error}). Load the month again."
        ) from error
    if not extracted:
        raise UnreadableFileError(
            f"{path.name}: expected a zip with CSVs, but it holds {', '.join(names) or 'nothing'}. "
            "Look at the publisher's page; load the month again when it is repaired."
        )
    return extracted


def _header(csv_path: Path) -> list[str]:
    with csv_path.open(encoding="utf-8-sig", newline="") as lines:
        return next(csv.reader([lines.readline()]), [])


def rows(feed: Feed, path: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """The rows of all CSVs in published order, with the registry's names and types.

    Raises:
        UnreadableFileError: the file is not a whole zip of CSVs with the same columns, or a required
            column is missing.
    """
    csv_paths = _extract(path)
    headers = [_header(csv_path) for csv_path in csv_paths]
    if any(header != headers[0] for header in headers):
        raise UnreadableFileError(
            f"{path.name}: expected all its CSVs to have the same columns, but got "
            + " and ".join(sorted({", ".join(header) for header in headers}))
        )
    declared = {column.name: column.type.value for column in feed.columns}
    # Declared, never detected: as numbers the station ids 6498.10 and 6498.1 would be one.
    types = {
        name: declared.get(raw, ColumnType.VARCHAR.value) for name, raw in raw_names(feed, headers[0], path).items()
    }
    published = connection.read_csv(
        [str(csv_path) for csv_path in csv_paths],  # type: ignore[arg-type]  # the stub knows no list of files
        columns=types,
        auto_detect=False,
        header=True,
        delimiter=",",
        quotechar='"',
        escapechar='"',
    )
    return published.project(select_list(feed, types, path))
