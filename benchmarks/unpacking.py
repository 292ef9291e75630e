"""What unpacking zips takes, which counts for nobody."""

import tempfile
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.processes import Stopwatch


def cost_of_unpacking(zips: Iterable[Path]) -> dict[str, float]:
    """The wall and CPU seconds that it takes to unpack these zips, two entries at a time as the platform does.

    What was unpacked is gone afterwards.
    """
    stopwatch = Stopwatch()
    for path in zips:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder, ThreadPoolExecutor(2) as pool:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
            list(pool.map(partial(_extract, path, folder), names))
    return stopwatch.seconds()


def _extract(path: Path, folder: str, name: str) -> None:
    # A file of its own for each thread: one that is shared reads one entry at a time.
    with zipfile.ZipFile(path) as archive:
        archive.extract(name, folder)
