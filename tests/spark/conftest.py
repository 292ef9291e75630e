"""Spark for tests, which are skipped where it is not installed: `make spark-setup` adds it.

A process has one session, whose start and first statement take ten seconds, and whose folder stays as it is. So all
tests of this folder go to one worker (`tests/conftest.py`) and share a session; a module that uses the fixture `spark`
finds a catalog without schemas, and a DuckDB file of its own. dbt runs in this process, and parses the project once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.folders import Shared
from warehouse.connection import NotThereYetError
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT
from warehouse.spark import session
from warehouse.spark.java import java_home
from warehouse.spark.settings import FOLDER_VARIABLE, MASTER_VARIABLE, MEMORY_VARIABLE, session_settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest


def _missing() -> str | None:
    """Why these tests cannot run."""
    if not (find_spec("pyspark") and find_spec("dbt.adapters.spark")):
        return "pyspark or dbt-spark is not installed: make spark-setup"
    try:
        java_home()
    except NotThereYetError as error:
        return str(error)
    return None


_MISSING = _missing()

# For all that tests start. Most of what Java compiles with much care in these minutes is run a few times: without that
# care, a third less time.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -XX:MetaspaceSize=256m"

# For the session that tests share. Spark writes Java for every query and compiles it, which takes longer than a few
# rows do. Without that it evaluates the same plan of the same expressions, as it does for users where a query is too
# large to compile. Processes of their own, such as those of test_killed_builds.py, have what users have. All else stays
# as it is: two threads, partitions, adaptive plans and Hive's catalog are what makes a query right or wrong. Two
# partitions of what is shuffled are several, as the eight of users are, for a quarter of the work.
_SESSION = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
}
# With the memory that it ends with from the start, Java collects garbage less often.
_SESSIONS_JAVA = "-Xms1g -Xmn640m"
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


def _settings() -> dict[str, str]:
    settings = session_settings()
    return {**settings, **_SESSION, _JAVA_OPTIONS: f"{settings[_JAVA_OPTIONS]} {_SESSIONS_JAVA}"}


_DBT = str(PROJECT_ROOT / "dbt")
_PROJECT = ("--target", "spark", "--project-dir", _DBT, "--profiles-dir", _DBT)


class _SkippedModule(pytest.Module):
    """A module that is not imported."""

    def collect(self) -> Any:
        pytest.skip(_MISSING or "", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip each module before its imports fail."""
    module: pytest.Module | None = _SkippedModule.from_parent(parent, path=module_path) if _MISSING else None
    return module


@dataclass
class SparkWarehouse:
    """A DuckDB file with the ledger, Spark's catalog, and dbt on both. `said` is what dbt said in the last call.

    With a `manifest` dbt does not look again whether the project has changed, which takes as long as a small model.
    """

    database: Path
    folder: Path
    said: list[str] = field(default_factory=list)
    manifest: "Manifest | None" = None

    def parse(self) -> "Manifest":
        """The project, which is parsed once in this process: that takes longer than a model to build.

        dbt has it in the target folder then, for other processes.
        """
        return _parsed(self.folder)

    def dbt(self, *arguments: str) -> "dbtRunnerResult":
        """Run dbt with the target spark, in this process; the caller looks whether all went well."""
        from dbt.cli.main import dbtRunner

        self.said = []

        def keep(event: Any) -> None:
            if event.info.level != "debug":
                self.said.append(event.info.msg)

        return dbtRunner(self.manifest, callbacks=[keep]).invoke([*arguments, *_PROJECT])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement on Spark gives."""
        from warehouse.spark.session import spark_session

        return [tuple(row) for row in spark_session().sql(sql).collect()]

    def empty(self) -> None:
        """Drop every schema with its tables, and the views of the session."""
        from warehouse.spark.session import spark_session

        for _, view, is_temporary in self.rows("show views"):
            if is_temporary:
                spark_session().catalog.dropTempView(view)
        for (name,) in self.rows("show schemas"):
            if name != "default":
                spark_session().sql(f"drop schema `{name}` cascade")


@cache
def _parsed(folder: Path) -> "Manifest":
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    parsed = dbtRunner().invoke(["parse", "--quiet", *_PROJECT])
    assert isinstance(parsed.result, Manifest), parsed.exception
    return parsed.result


_shared = Shared(__file__)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the session after the last test of this folder: it is in the way of tests whose Spark has another folder."""
    _shared.end_after(nextitem)


@pytest.fixture(scope="session")
def _session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session that all modules share."""
    _shared.callback(session.end_session)
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def spark(_session_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkWarehouse]:
    """An empty catalog and a new DuckDB file, which everything in this process uses while a module's tests run."""
    database = tmp_path_factory.mktemp("warehouse") / "nyc_mobility.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            FOLDER_VARIABLE: str(_session_folder),
            MASTER_VARIABLE: "local[2]",
            MEMORY_VARIABLE: "2g",
            "JAVA_TOOL_OPTIONS": _JAVA,
            "DBT_TARGET_PATH": str(_session_folder / "target"),
            "DBT_LOG_PATH": str(_session_folder / "logs"),
            DATABASE_VARIABLE: str(database),
        }.items():
            patch.setenv(name, value)
        # spark_session() reads its settings when it starts.
        patch.setattr(session, "session_settings", _settings)
        warehouse = SparkWarehouse(database, _session_folder)
        yield warehouse
        warehouse.empty()
