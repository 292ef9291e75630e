"""A real instance, as orchestration/dagster.yaml describes it, with a daemon and runs in processes of their own."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration.resources.dbt import dbt_project, prepare_manifest
from tests.dbt.small_warehouse import JANUARY, Warehouse, yellow_month
from warehouse.paths import PROJECT_ROOT

WORKSPACE = str(PROJECT_ROOT / "orchestration" / "workspace.yaml")
PATIENCE_SECONDS = 180


@pytest.fixture
def instance(
    tmp_path: Path, database: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The project's instance, kept in a folder of the test's own, with a little raw data to build on."""
    settings = yaml.safe_load((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    settings["storage"]["sqlite"]["base_dir"] = str(tmp_path / "storage")
    settings["local_artifact_storage"]["config"]["base_dir"] = str(tmp_path / "storage")
    settings["compute_logs"]["config"]["base_dir"] = str(tmp_path / "compute")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    warehouse = Warehouse(database, logs)
    warehouse.create_raw_tables()
    warehouse.load("yellow", JANUARY, yellow_month(JANUARY))
    prepare_manifest(dbt_project)
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def daemon(instance: dg.DagsterInstance, logs: Path) -> Iterator[None]:
    """What runs queued runs, in `dagster dev`.

    Not started in the project's folder, as nothing here is: the .env there names the project's own instance.
    """
    logs.mkdir(exist_ok=True)
    with (logs / "daemon.log").open("w") as log:
        process = subprocess.Popen(
            ["dagster-daemon", "run", "-w", WORKSPACE],
            cwd=instance.root_directory,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        yield
        # With the code servers and runs that it started.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _launch(instance: dg.DagsterInstance, job: str) -> subprocess.Popen[bytes]:
    command = ["dagster", "job", "launch", "-w", WORKSPACE, "-j", job]
    return subprocess.Popen(command, cwd=instance.root_directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} seconds for {what}"
        time.sleep(0.1)


def _runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs, in the order in which they were asked for."""
    return list(reversed(instance.get_runs()))


def _pid(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process that executes the run."""
    said = " ".join(entry.message for entry in instance.all_logs(run.run_id))
    found = re.search(r"Started process for run \(pid: (\d+)\)", said)
    return int(found[1]) if found else None


@pytest.mark.usefixtures("daemon")
def test_two_runs_at_once_go_one_after_the_other_and_one_that_is_killed_leaves_its_place_and_is_run_again(
    instance: dg.DagsterInstance,
) -> None:
    launches = [_launch(instance, "daily_dbt_build_job") for _ in range(2)]
    assert [launch.wait() for launch in launches] == [0, 0]
    _wait_for(lambda: any(_pid(instance, run) for run in _runs(instance)), "the first run's process")
    assert sorted(run.status.value for run in _runs(instance)) in (["QUEUED", "STARTED"], ["QUEUED", "STARTING"])
    victim = next(run for run in _runs(instance) if _pid(instance, run))
    os.kill(_pid(instance, victim) or 0, signal.SIGKILL)

    def is_over() -> bool:
        runs = _runs(instance)
        return len(runs) == 3 and all(run.is_finished for run in runs)

    _wait_for(is_over, "the run that was killed, the one that waited for it, and its second attempt")
    statuses = {run.run_id: run.status for run in _runs(instance)}
    assert statuses.pop(victim.run_id) is dg.DagsterRunStatus.FAILURE
    assert set(statuses.values()) == {dg.DagsterRunStatus.SUCCESS}
    assert [run.parent_run_id for run in _runs(instance)].count(victim.run_id) == 1
    _assert_one_after_the_other(instance)


def _assert_one_after_the_other(instance: dg.DagsterInstance) -> None:
    records = sorted(instance.get_run_records(), key=lambda record: record.start_time or 0)
    for earlier, later in pairwise(records):
        assert (earlier.end_time or 0) <= (later.start_time or 0)
