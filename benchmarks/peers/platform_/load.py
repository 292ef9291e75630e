"""Load files as `nyc load` does once they are downloaded.

The platform loads the zips of Citi Bike and the answers about weather as they are published. Unpacking a zip counts for
nobody: it is done once more before, and the wall and CPU seconds of both times are printed as JSON.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from benchmarks.processes import BenchmarkError
from benchmarks.unpacking import cost_of_unpacking
from ingestion.catalog import FEEDS
from ingestion.file_loads import FileLoader
from ingestion.file_loads import Stopwatch as Laps
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded
from ingestion.results import Result, RunProgress
from ingestion.run_record import KIND, RunRecord, new_run_id
from sandbox.files import file_name
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger
from warehouse.paths import database_path

_FORMS = {"yellow": "parquet", "fhv": "parquet", "citibike": "zip", "weather": "json"}


def load(files: Path, months: Sequence[str]) -> dict[str, float]:
    """Load the months' files in one run, or all files; the seconds that unpacking took.

    Raises:
        BenchmarkError: a file was not loaded.
    """
    results: list[Result] = []
    run_id = new_run_id()
    with tempfile.TemporaryDirectory(dir=database_path().parent) as name:
        folder = Path(name)
        downloads = {partition: _link(partition, file, folder) for partition, file in _wanted(files, months)}
        unpacked = cost_of_unpacking(file.path for file in downloads.values() if file.path.suffix == ".zip")
        with open_for_writing() as connection:
            Ledger(connection).start_run(KIND, {}, run_id=run_id, started_by="benchmark")
        record = RunRecord(run_id, folder)
        FileLoader(folder, record, RunProgress(), Laps(), results.append).load(downloads)
        record.finish("success", None)
    failed = [str(result.error) for result in results if result.status.is_failure]
    if failed or len(results) != len(downloads):
        raise BenchmarkError(f"expected {len(downloads)} files to be loaded, got {len(results)}: {failed[:1]}")
    return {unit: 2 * seconds for unit, seconds in unpacked.items()}


def _wanted(files: Path, months: Sequence[str]) -> Iterator[tuple[Partition, Path]]:
    for feed, form in _FORMS.items():
        for file in sorted((files / feed).glob(f"*.{form}")):
            if not months or file.stem in months:
                yield Partition(FEEDS[feed], FEEDS[feed].period_of(date.fromisoformat(f"{file.stem}-01"))), file


def _link(partition: Partition, file: Path, folder: Path) -> Downloaded:
    """The file as if it was just downloaded: in a folder of its own, under its published name."""
    feed, first = partition.feed.name, partition.period.start
    name = file.name if feed == "weather" else file_name(feed, first)
    path = folder / f"{feed}-{file.stem}" / name
    path.parent.mkdir()
    os.link(file, path)
    return Downloaded(path, Fingerprint(file.as_uri()), file.stat().st_size)
