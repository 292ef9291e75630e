"""A build on Spark that is killed, with its Java: the next one is right, and builds again only what was unfinished."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, MARCH, Warehouse, parsed_project
from tests.spark.rides import rides
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT
from warehouse.spark.settings import FOLDER_VARIABLE, MASTER_VARIABLE, MEMORY_VARIABLE

MODEL = "int_station_months"
_BUILD = ("dbt", "run", "--target", "spark", "--select", f"+{MODEL}")
_COMPARE = (sys.executable, "-m", "warehouse.spark.comparing", f"core_staging.{MODEL}")
_LONGEST_SECONDS = 240.0


class Builds:
    """Builds on Spark, each in a process of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._log = folder / "said"
        for name, value in {
            DATABASE_VARIABLE: str(folder / "nyc_mobility.duckdb"),
            FOLDER_VARIABLE: str(folder / "spark"),
            MASTER_VARIABLE: "local[2]",
            MEMORY_VARIABLE: "1g",
            "LAKEHOUSE_URL": str(folder / "lakehouse"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }.items():
            monkeypatch.setenv(name, value)
        self.raw = Warehouse(folder / "nyc_mobility.duckdb", folder / "duckdb", parsed_project())
        self.raw.create_raw_tables()

    def start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("wb") as said:
            return subprocess.Popen(
                _BUILD, cwd=PROJECT_ROOT / "dbt", stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )

    def said(self) -> str:
        return self._log.read_text()

    def build(self) -> None:
        assert self.start().wait(_LONGEST_SECONDS) == 0, self.said()

    def kill(self, when: Callable[["Builds"], bool]) -> None:
        """Start a build, and kill it with all of its processes."""
        process = self.start()
        until = time.monotonic() + _LONGEST_SECONDS
        while not when(self):
            assert process.poll() is None, f"it ended before it was killed: {self.said()}"
            assert time.monotonic() < until, self.said()
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def files(self, month: str) -> set[str]:
        """The data files of a month."""
        folder = self._folder / "spark" / "tables" / "core_staging.db" / MODEL
        return {path.name for path in folder.glob(f"feed=citibike/source_month={month}-01/*.parquet")}

    def watermarks(self) -> set[object]:
        with duckdb.connect(str(self.raw.path), read_only=True) as connection:
            found = connection.execute("select partition_key from meta.spark_watermarks").fetchall()
        return {key for (key,) in found}

    def compared(self) -> str:
        self.raw.build("--select", f"+{MODEL}")
        done = subprocess.run(_COMPARE, capture_output=True, text=True, cwd=PROJECT_ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def its_rows_are_there(builds: Builds) -> bool:
    return bool(builds.files("2025-02"))


def the_model_has_begun(builds: Builds) -> bool:
    if f"START sql replace_partitions model core_staging.{MODEL}" not in builds.said():
        return False
    time.sleep(0.7)
    return True


def test_a_killed_build_is_repaired_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds(tmp_path, monkeypatch)
    builds.raw.load("citibike", JANUARY, rides(JANUARY, 3))
    builds.raw.load("citibike", MARCH, rides(MARCH, 5))
    builds.build()
    march = builds.files("2025-03")
    builds.raw.load("citibike", FEBRUARY, rides(FEBRUARY, 2))
    builds.raw.load("citibike", JANUARY, rides(JANUARY, 6))

    builds.kill(the_model_has_begun)
    builds.kill(its_rows_are_there)
    assert builds.watermarks() == {"citibike/2025-03"}

    builds.build()
    assert builds.compared() == f"core_staging.{MODEL}: 16 rows, equal"
    assert builds.watermarks() == {"citibike/2025-01", "citibike/2025-02", "citibike/2025-03"}
    assert builds.files("2025-03") == march
