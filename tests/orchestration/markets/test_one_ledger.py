"""A load is the same in the ledger, whoever started it: a person, cron with an empty environment, or Dagster."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import defs
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT

# One is loaded, one refused, one broken, one not published.
FIRST, REFUSED, BROKEN, LATE = (date(2026, 1, number) for number in (5, 6, 7, 8))
SECRET = "sandbox-secret-key"

_STATE = {
    "runs": "select kind, status, error, arguments, finished_at >= started_at from meta.ingestion_runs",
    "assets": "select * exclude (run_id, load_id, seconds), load_id is null from meta.ingestion_run_assets",
    "watermarks": "select * exclude (load_id, version, updated_at), load_id is null from meta.asset_watermarks",
    "checks": "select * exclude (run_id, checked_at) from meta.asset_checks",
}

Load = Callable[[Mapping[str, str]], None]


def _from_the_terminal(environment: Mapping[str, str]) -> None:
    _nyc({**os.environ, **environment}, PROJECT_ROOT)


def _from_cron(environment: Mapping[str, str]) -> None:
    """As of `env -i`: no PATH, no HOME, and from another folder."""
    _nyc({"PYTHONPATH": str(PROJECT_ROOT), **environment}, Path("/"))


def _nyc(environment: Mapping[str, str], folder: Path) -> None:
    load = ["load", "--sources", "minute_aggs", "--from", f"{FIRST}", "--to", f"{LATE}"]
    command = [sys.executable, "-m", "cli", *load]
    done = subprocess.run(command, env=dict(environment), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr


def _from_dagster(environment: Mapping[str, str]) -> None:
    config = {"from": f"{FIRST}", "to": f"{LATE}", "sources": "minute_aggs"}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        result = defs.resolve_job_def("daily_ingestion").execute_in_process(
            run_config={"ops": {"daily_dlt_ingestion": {"config": config}}},
            op_selection=["daily_dlt_ingestion"],
            raise_on_error=False,
        )
    assert not result.success


def _ledger(folder: Path) -> tuple[dict[str, Any], list[Any]]:
    """What the ledger says, and who started the runs."""
    with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as connection:
        said = {name: sorted(connection.execute(query).fetchall(), key=repr) for name, query in _STATE.items()}
        who = "select started_by, dagster_run_id is not null from meta.ingestion_runs"
        return said, connection.execute(who).fetchall()


def test_the_ledger_says_the_same_whoever_started_the_load(tmp_path: Path) -> None:
    ways: dict[str, Load] = {"terminal": _from_the_terminal, "cron": _from_cron, "dagster": _from_dagster}
    said, who = {}, {}
    with SamplePublisher(FIRST, LATE, rows=200) as bucket:
        for day, fault in ((REFUSED, Fault.FORBIDDEN), (BROKEN, Fault.TRUNCATED), (LATE, Fault.LATE)):
            bucket.break_("minute_aggs", day, fault)
        for name, load in ways.items():
            folder = tmp_path / name
            folder.mkdir()
            place = {DATABASE_VARIABLE: str(folder / "w.duckdb"), LOG_FOLDER_VARIABLE: str(folder / "logs")}
            load(bucket.environment | place)
            said[name], who[name] = _ledger(folder)
    assert said["terminal"]["runs"]
    assert [row[-1] for row in said["terminal"]["watermarks"]] == [False]
    assert {"loaded", "refused", "failed", "not_published"} <= {
        value for row in said["terminal"]["assets"] for value in row if isinstance(value, str)
    }
    assert said["cron"] == said["terminal"]
    assert said["dagster"] == said["terminal"]
    assert who == {"terminal": [("terminal", False)], "cron": [("terminal", False)], "dagster": [("dagster", True)]}
    # Neither in the DuckDB file nor in what dlt and the logs leave.
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) >= 5
    assert not [path for path in left if SECRET.encode() in path.read_bytes()]
