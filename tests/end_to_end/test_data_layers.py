"""`make init-data-layers` from nothing and offline, `make verify-data-layers`, and what is said of damage by hand."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from tests.dbt.small_warehouse import keep_parsed_project
from tests.forking import interpreter
from warehouse.paths import PROJECT_ROOT

TABLES = (
    "bronze/raw_crawler_results",
    "bronze/raw_pipeline_events",
    "silver/crawler_results",
    "silver/pipeline_events",
    "gold/pipeline_metrics",
    "gold/user_profiles",
)
# What others sent. The platform's own runs come beside.
SENT = "feed = 'pipeline_events'"


def _said(done: subprocess.CompletedProcess[str], status: int) -> str:
    """What a command printed, which must have ended with this status."""
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    return said


class Shell:
    """A shell whose settings name a warehouse and layers of its own."""

    def __init__(self, folder: Path) -> None:
        self.layers = folder / "layers"
        self.events = folder / "event_files"
        keep_parsed_project(folder / "target")
        self._environment = os.environ | {
            "DUCKDB_DATABASE_PATH": str(folder / "warehouse.duckdb"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "LOG_FOLDER": str(folder / "logs"),
            "LAYERS_URL": str(self.layers),
            # Whatever is in .env.
            "SOURCES__EVENT_FILES__URL": "",
            "COLUMNS": "200",
        }

    def make(self, target: str, status: int = 0, arguments: str = "") -> str:
        """What `make TARGET` prints. It must end with this status."""
        given = [f"EVENT_FILES={self.events}", *([f"ARGS={arguments}"] if arguments else [])]
        command = ["make", "--no-print-directory", "-o", "setup", target, *given]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=self._environment, capture_output=True, text=True)
        return _said(done, status)

    def nyc(self, *arguments: str, status: int = 0) -> str:
        """What `nyc …` prints. It must end with this status."""
        done = interpreter().run(["-m", "cli", *arguments], self._environment, cwd=PROJECT_ROOT)
        return _said(done, status)

    def count(self, table: str, where: str = "true") -> int:
        """The rows of a table of a layer, as `deltalake` reads it."""
        rows = DeltaTable(self.layers / table).to_pyarrow_table()
        ((count,),) = duckdb.from_arrow(rows).filter(where).count("*").fetchall()
        return int(count)

    def states(self, status: int = 0) -> dict[str, dict[str, Any]]:
        """What `nyc layers` says of each table."""
        said = self.nyc("layers", "--json", status=status)
        found, _ = json.JSONDecoder().raw_decode(said)
        return {f"{each['layer']}/{each['table']}": each for each in found}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("layers"))
    # The tests of what is in the tables are run when they are mended.
    said = shell.make("init-data-layers", arguments="--exclude-resource-type unit_test test")
    assert all(table.split("/")[1] in said for table in TABLES)
    return shell


def test_the_layers_have_the_counts_of_the_plan(shell: Shell) -> None:
    # Before the first load no run has ended, so all are what others sent.
    assert shell.count("bronze/raw_pipeline_events") == 30
    assert shell.count("bronze/raw_crawler_results") == 5
    # One comes twice, and one ends before it starts.
    assert shell.count("silver/pipeline_events") == 28
    assert shell.count("silver/crawler_results") == 5
    assert shell.count("gold/pipeline_metrics") == 3
    assert shell.count("gold/user_profiles") == 5


def test_all_is_well_and_what_is_deleted_or_damaged_is_named_and_mended(shell: Shell) -> None:
    said = shell.make("verify-data-layers")
    assert said.count(" well") == len(TABLES)
    before = shell.states()
    assert before.keys() == set(TABLES)
    assert {(each["problem"], each["opens"]) for each in before.values()} == {(None, True)}

    # A table deleted by hand, an empty layer, and a damaged log.
    shutil.rmtree(shell.layers / "silver/pipeline_events")
    shutil.rmtree(shell.layers / "bronze")
    (shell.layers / "bronze").mkdir()
    commit = max((shell.layers / "gold/pipeline_metrics/_delta_log").glob("*.json"))
    commit.write_bytes(commit.read_bytes()[:100])
    problems = {name: each["problem"] for name, each in shell.states(status=1).items() if each["problem"]}
    assert problems.keys() == {
        "silver/pipeline_events",
        "bronze/raw_crawler_results",
        "bronze/raw_pipeline_events",
        "gold/pipeline_metrics",
    }
    assert "its log in _delta_log does not open" in problems.pop("gold/pipeline_metrics")
    assert all("expected a table of Delta, but there is none" in why for why in problems.values())
    said = shell.make("verify-data-layers", status=2)
    assert said.count("not well") == 4

    # What was deleted is written anew; of the damaged log it is said what to do.
    said = shell.nyc("export", "--format", "delta", "--layers", status=1)
    assert f"{shell.layers}/gold/pipeline_metrics: expected a table of Delta" in said
    assert "Delete its folder" in said
    shutil.rmtree(shell.layers / "gold/pipeline_metrics")
    shell.make("init-data-layers", arguments="--exclude-resource-type unit_test --select path:models/*/telemetry")
    after = shell.states()
    assert {each["problem"] for each in after.values()} == {None}
    # Nothing but what is new: the runs since.
    assert shell.count("bronze/raw_pipeline_events", SENT) == 30
    assert shell.count("silver/pipeline_events", SENT) == 28
    assert shell.count("silver/pipeline_events", "workspace = 'platform'") > 1
    assert shell.count("gold/pipeline_metrics", "workspace = 'platform'") >= 1
    for name in ("bronze/raw_crawler_results", "silver/crawler_results", "gold/user_profiles"):
        assert after[name]["rows"] == before[name]["rows"] == 5
