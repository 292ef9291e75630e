"""Compact the DuckDB file, against a bare copy of the database."""

from pathlib import Path

from benchmarks.bench import Bench, Contest
from benchmarks.dbt_runs import Dbt
from benchmarks.processes import measure
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn
from warehouse.sql import literal

_BY_HAND = """
import duckdb
with duckdb.connect(config={{"memory_limit": {limit!r}}}) as connection:
    connection.execute({source!r})
    connection.execute({copy!r})
    connection.execute("copy from database source to copy")
"""


def measure_compaction(bench: Bench, database: Path) -> None:
    """Measure it once on a built database, however little there is to gain."""
    settings = Dbt(database, bench.memory_limit).settings(bench.folder)
    copy = database.with_name("copy.duckdb")

    def turn(measured: Measurement) -> Turn:
        attached = {
            "source": f"attach {literal(database)} as source (read_only)",
            "copy": f"attach {literal(copy)} as copy",
        }
        by_hand = _BY_HAND.format(limit=bench.memory_limit, **attached)
        floor = measure(("python", "-c", by_hand))[0]
        copy.unlink()
        measured.notes["MB before"] = database.stat().st_size / 1024**2
        platform = measure(("python", "-m", "warehouse.compact", "--force"), environment=settings)[0]
        measured.file_mb = database.stat().st_size / 1024**2
        return {FLOOR: floor, PLATFORM: platform}

    stage = Stage("compact", "the whole file, compared with its copy", bench.trips, "copy from database")
    bench.take_turns([Contest(stage, turn, most_turns=1)])
