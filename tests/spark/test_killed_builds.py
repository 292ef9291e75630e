"""A build on Spark that is killed, with its Java: the one that waits for the folder then is right, and quiet.

It builds again only what was unfinished. Each process takes ten seconds of a CPU, so one drill asserts all that is said
of them.
"""

import logging
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, MARCH, Warehouse, parsed_project
from tests.seeds import seed_of_today
from tests.spark.conftest import SparkWarehouse
from tests.spark.rides import rides
from warehouse.connection import LOCK_TIMEOUT_VARIABLE
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT
from warehouse.spark.settings import FOLDER_VARIABLE, LOG_FILE, MEMORY_VARIABLE

logger = logging.getLogger(__name__)

DBT = PROJECT_ROOT / "dbt"
MODEL = "int_station_months"
TABLE = f"core_staging.{MODEL}"
# The command `dbt`, and then `python -m warehouse.spark.comparing`, with one Java for both.
_BUILD_AND_COMPARE = f"""
import sys
from dbt.cli.main import cli
from warehouse.spark.comparing import main
try:
    cli(["run", "--target", "spark", "--select", "+{MODEL}", "--no-use-colors"])
except SystemExit as ended:
    if ended.code:
        raise
sys.exit(main(["{TABLE}"]))
"""
# Drawn anew every day.
_SEED = seed_of_today("KILL_SEED")
_DRAWN = random.Random(_SEED)
_MOMENT, _SECONDS = _DRAWN.choice(["before", "while", "after"]), _DRAWN.uniform(0, 0.15)


class Builds:
    """Processes that share a DuckDB file and a folder of Spark. All of them have ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spark"
        self.raw = Warehouse(folder / "nyc_mobility.duckdb", folder / "duckdb", parsed_project())
        self.raw.create_raw_tables()
        self._log = folder / "said"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> "subprocess.Popen[str]":
        with self._log.open("w") as said:
            process = subprocess.Popen(
                command,
                cwd=DBT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said if "built_twice.py" in command[1] else subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def files(self, month: str) -> set[str]:
        """The data files of a month."""
        folder = self.folder / "tables" / "core_staging.db" / MODEL
        return {path.name for path in folder.glob(f"feed=citibike/source_month={month}-01/*.parquet")}

    def watermarks(self) -> set[object]:
        with duckdb.connect(str(self.raw.path), read_only=True) as connection:
            found = connection.execute("select partition_key from meta.spark_watermarks").fetchall()
        return {key for (key,) in found}

    def processes(self) -> list[int]:
        """Those that have the folder on their command line: Java."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in process.read_bytes():
                    found.append(int(process.parent.name))
            except OSError:
                continue
        return found

    def said(self) -> str:
        return self._log.read_text()

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def builds(spark: SparkWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builds]:
    """The project is parsed already, and the settings of the tests' session are those of these processes."""
    spark.parse()
    for name, value in {
        DATABASE_VARIABLE: str(tmp_path / "nyc_mobility.duckdb"),
        FOLDER_VARIABLE: str(tmp_path / "spark"),
        MEMORY_VARIABLE: "1g",
        "LAKEHOUSE_URL": str(tmp_path / "lakehouse"),
        LOCK_TIMEOUT_VARIABLE: "600",
    }.items():
        monkeypatch.setenv(name, value)
    found = Builds(tmp_path)
    yield found
    found.end()


def test_a_killed_build_is_repaired_by_the_one_that_waits(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    builds.raw.load("citibike", JANUARY, rides(JANUARY, 3))
    builds.raw.load("citibike", MARCH, rides(MARCH, 5))
    logger.warning("KILL_SEED=%s, %s its rows, %.3f s", _SEED, _MOMENT, _SECONDS)
    script = str(Path(__file__).with_name("built_twice.py"))
    first = builds.start(sys.executable, script, MODEL, _MOMENT, str(_SECONDS))
    assert first.stdout is not None
    assert first.stdout.readline() == "built\n", builds.said()
    march = builds.files("2025-03")
    builds.raw.load("citibike", FEBRUARY, rides(FEBRUARY, 2))
    builds.raw.load("citibike", JANUARY, rides(JANUARY, 6))
    builds.raw.build("--select", f"+{MODEL}")
    assert builds.watermarks() == {"citibike/2025-01", "citibike/2025-03"}

    # Its Java, with Derby's catalog, has the folder.
    with monkeypatch.context() as patch:
        patch.setenv(LOCK_TIMEOUT_VARIABLE, "0.2")
        refused = builds.start("dbt", "seed", "--select", "wmo_weather_codes", "--target", "spark", "--no-use-colors")
        said, _ = refused.communicate()
    assert refused.returncode != 0
    assert re.search(rf"\(PID {first.pid}\) still has it open", said)
    assert "Derby" not in said

    second = builds.start(sys.executable, "-c", _BUILD_AND_COMPARE)
    assert second.stderr is not None
    assert "waiting for it" in second.stderr.readline()
    # So that it does not take the file before this test has looked into it.
    second.send_signal(signal.SIGSTOP)
    first.communicate("go on\n")
    assert first.returncode == -signal.SIGKILL, builds.said()
    assert builds.watermarks() == {"citibike/2025-03"}, (_MOMENT, _SECONDS)
    second.send_signal(signal.SIGCONT)

    out, err = second.communicate()
    assert (second.returncode, err) == (0, ""), out
    assert out.splitlines()[-1] == f"{TABLE}: 16 rows, equal"
    assert builds.watermarks() == {"citibike/2025-01", "citibike/2025-02", "citibike/2025-03"}
    assert builds.files("2025-03") == march
    assert "leaked" not in out
    assert "WARN" not in out.replace("WARN=0", "")
    assert (builds.folder / LOG_FILE).stat().st_size > 0
    assert builds.processes() == []
