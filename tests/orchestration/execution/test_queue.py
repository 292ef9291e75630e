"""A real instance, as orchestration/dagster.yaml describes it, with a daemon and runs in processes of their own."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from itertools import pairwise
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml
from click.testing import CliRunner
from dagster._cli.job import job_cli

from ingestion.run_pipeline import main as load
from orchestration.dbt_cli.project import dbt_project, prepare_manifest
from orchestration.execution.run_lock import Lock, look_at
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.orchestration.conftest import APRIL, MAY
from tests.orchestration.sensors.conftest import held_by_another_process
from warehouse.connection import open_for_reading
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT, log_folder

WORKSPACE = str(PROJECT_ROOT / "orchestration" / "workspace.yaml")
PATIENCE_SECONDS = 300
# Each look reads all that a run has said, while other processes do the work.
_SECONDS_BETWEEN_LOOKS = 0.3

# How often the daemon looks, and how long a place stays taken after a run's end: shorter than in dagster.yaml.
IMPATIENT = {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 2}


@pytest.fixture(scope="module")
def publisher() -> Iterator[SamplePublisher]:
    """April and May are published."""
    with SamplePublisher(APRIL, MAY, rows=2000) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything here is."""
    return tmp_path_factory.mktemp("instance")


@pytest.fixture(scope="module")
def logs(folder: Path) -> Path:
    return folder / "logs"


@pytest.fixture(scope="module")
def database(folder: Path, publisher: SamplePublisher, logs: Path) -> Iterator[Path]:
    """A little raw data that passes every check, and which this process and its children use."""
    file = folder / "warehouse.duckdb"
    own = {DATABASE_VARIABLE: str(file), LOG_FOLDER_VARIABLE: str(logs), "DAGSTER_HOME": str(folder)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (publisher.environment | own).items():
            patch.setenv(name, value)
        assert load(["--year", "2025", "--months", "5", "--sources", "green,citibike_jc,weather"]) == 0
        yield file


@pytest.fixture(scope="module")
def instance(folder: Path, database: Path) -> Iterator[dg.DagsterInstance]:
    """The project's instance, kept in a folder of its own. The tests share it: its processes take long to start."""
    assert database.exists()
    settings = yaml.safe_load((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    settings["storage"]["custom"]["config"]["base_dir"] = str(folder / "storage")
    settings["local_artifact_storage"]["config"]["base_dir"] = str(folder / "storage")
    settings["compute_logs"]["config"]["base_dir"] = str(folder / "compute")
    assert settings["run_monitoring"].keys() >= IMPATIENT.keys()
    settings["run_monitoring"] |= IMPATIENT
    settings["run_coordinator"]["config"]["dequeue_interval_seconds"] = 1
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    prepare_manifest(dbt_project)
    with dg.DagsterInstance.get() as instance:
        yield instance


class CodeServer:
    """Loads the code once, for the daemon and for whoever launches runs, as in `dagster dev`."""

    def __init__(self, instance: dg.DagsterInstance, log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        server = {"host": "127.0.0.1", "port": self._port, "location_name": "orchestration"}
        Path(_workspace(instance)).write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        self._instance, self._log = instance, log
        self._started = ExitStack()

    def start(self) -> None:
        """Start it, at the address that it had before."""
        command = ["dagster", "api", "grpc", "-m", "orchestration", "-h", "127.0.0.1", "-p", str(self._port)]
        self._started.enter_context(_running(command, self._instance, self._log))

    def wait(self) -> None:
        """Wait until the code is loaded."""
        _wait_for(lambda: _is_open(self._port), "the code server")

    def kill(self) -> None:
        """Kill it, with the runs that it started."""
        self._started.close()


@pytest.fixture(scope="module")
def code_server(instance: dg.DagsterInstance, logs: Path) -> Iterator[CodeServer]:
    server = CodeServer(instance, logs / "code_server.log")
    server.start()
    yield server
    server.kill()


def _workspace(instance: dg.DagsterInstance) -> str:
    """The file that names the code server."""
    return str(Path(instance.root_directory) / "workspace.yaml")


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _running(command: list[str], instance: dg.DagsterInstance, log: Path) -> Iterator[None]:
    """A process, with what it starts, for as long as the context is open.

    Not started in the project's folder, as nothing here is: the .env there names the project's own instance.
    """
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=instance.root_directory, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def daemon(instance: dg.DagsterInstance, code_server: CodeServer, logs: Path) -> Iterator[None]:
    """What runs queued runs, in `dagster dev`."""
    code_server.wait()
    with _running(["dagster-daemon", "run", "-w", _workspace(instance)], instance, logs / "daemon.log"):
        yield


def _launching_from_a_terminal(instance: dg.DagsterInstance, job: str) -> subprocess.Popen[bytes]:
    """The command as a user gives it: it loads the code itself."""
    return subprocess.Popen(["dagster", "job", "launch", "-w", WORKSPACE, "-j", job], cwd=instance.root_directory)


def _wait_for(condition: Callable[[], bool], what: str, every_seconds: float = _SECONDS_BETWEEN_LOOKS) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} seconds for {what}"
        time.sleep(every_seconds)


def _runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs, in the order in which they were asked for."""
    return list(reversed(instance.get_runs()))


def _pid(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process that executes the run."""
    said = " ".join(entry.message for entry in instance.all_logs(run.run_id))
    found = re.search(r"Started process for run \(pid: (\d+)\)", said)
    return int(found[1]) if found else None


def test_two_runs_at_once_go_one_after_the_other_and_one_that_is_lost_leaves_its_place_and_is_run_again(
    instance: dg.DagsterInstance, code_server: CodeServer, request: pytest.FixtureRequest
) -> None:
    # A short job that writes.
    with _launching_from_a_terminal(instance, "maintenance_job") as terminal:
        code_server.wait()
    assert terminal.returncode == 0
    _launched(instance, "maintenance_job")
    request.getfixturevalue("daemon")
    victim = _runs(instance)[0]
    # Dagster calls it started shortly before it has the lock.
    _wait_for(lambda: look_at(instance, victim.run_id) is Lock.HELD, "the first run to begin", every_seconds=0.05)
    # As if the machine had gone down: nobody who started the run is there to say that it is over.
    code_server.kill()
    _wait_for(lambda: look_at(instance, victim.run_id) is Lock.FREED, "the kernel to free the lock")
    assert [run.status.value for run in _runs(instance)] == ["STARTED", "QUEUED"]
    code_server.start()

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


GREEN = {"ops": {"monthly_dlt_ingestion": {"config": {"year": 2025, "month": 4, "sources": "green"}}}}


def _launched(instance: dg.DagsterInstance, job: str, config: object = None) -> str:
    """The id of a new run of this job."""
    before = {run.run_id for run in instance.get_runs()}
    arguments = ["launch", "-w", _workspace(instance), "-j", job, "--config-json", json.dumps(config or {})]
    # In this process, which has Dagster loaded already.
    with chdir(instance.root_directory):
        done = CliRunner().invoke(job_cli, arguments)
    assert done.exit_code == 0, done.output
    (run_id,) = {run.run_id for run in instance.get_runs()} - before
    return run_id


def _said(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(f"{entry.message}" for entry in instance.all_logs(run_id))


def _status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def _wait_until_said(instance: dg.DagsterInstance, run_id: str, text: str) -> int:
    """Wait for the run to say this, and return the process that executes it."""
    _wait_for(lambda: text in _said(instance, run_id), f"run {run_id} to say {text!r}")
    run = instance.get_run_by_id(run_id)
    assert run
    return _pid(instance, run) or 0


def _wait_for_dbt(run_id: str, worker: int) -> psutil.Process:
    """dbt, once it builds."""
    log = log_folder() / "dbt" / f"{run_id}-dbt_analytics_assets" / "dbt.log"
    _wait_for(lambda: log.exists() and " START sql " in log.read_text(), "dbt to build")
    children = psutil.Process(worker).children(recursive=True)
    return next(child for child in children if "build" in child.cmdline())


def _terminate(instance: dg.DagsterInstance, run_id: str) -> None:
    """What the UI does for *Terminate*."""
    assert instance.run_coordinator
    assert instance.run_coordinator.cancel_run(run_id)


def _assert_canceled(instance: dg.DagsterInstance, run_id: str, processes: list[int], within: float = 40) -> None:
    begun = time.monotonic()
    _wait_for(lambda: instance.get_run_by_id(run_id).is_finished, f"run {run_id} to end")  # type: ignore[union-attr]
    _wait_for(lambda: not any(psutil.pid_exists(pid) for pid in processes), "its processes to end")
    assert time.monotonic() - begun < within
    assert _status(instance, run_id) is dg.DagsterRunStatus.CANCELED
    types = {entry.dagster_event.event_type for entry in instance.all_logs(run_id) if entry.dagster_event}
    assert dg.DagsterEventType.STEP_RESTARTED not in types


def _unfinished(database: Path) -> list[tuple[object, ...]]:
    with open_for_reading(path=database) as connection:
        return connection.execute("select * from meta.ingestion_runs where status = 'running'").fetchall()


@pytest.mark.usefixtures("daemon")
def test_what_is_terminated_ends_and_stays_canceled(
    instance: dg.DagsterInstance, database: Path, publisher: SamplePublisher
) -> None:
    _dbt_is_terminated(instance, database)
    _load_is_terminated_while_it_waits_for_the_file(instance, database)
    _load_is_terminated_while_its_publisher_does_not_answer(instance, database, publisher)
    publisher.break_("green", APRIL, Fault.UNAVAILABLE)
    load = _dbt_is_terminated_by_force_with_a_load_behind_it(instance)
    _load_is_terminated_while_it_waits_to_be_tried_again(instance, database, load)


def _dbt_is_terminated(instance: dg.DagsterInstance, database: Path) -> None:
    run_id = _launched(instance, "daily_dbt_build_job")
    worker = _wait_until_said(instance, run_id, "Running dbt command")
    dbt = _wait_for_dbt(run_id, worker)
    _terminate(instance, run_id)
    _assert_canceled(instance, run_id, [worker, dbt.pid])
    assert _unfinished(database) == []
    with open_for_reading(path=database) as connection:
        query = "select status, error from meta.ingestion_runs where dagster_run_id = ?"
        assert connection.execute(query, [run_id]).fetchall() == [("failed", "terminated in Dagster")]


def _load_is_terminated_while_it_waits_for_the_file(instance: dg.DagsterInstance, database: Path) -> None:
    with held_by_another_process(database):
        run_id = _launched(instance, "monthly_ingestion", GREEN)
        worker = _wait_until_said(instance, run_id, 'Started execution of step "monthly_dlt_ingestion"')
        time.sleep(2)
        _terminate(instance, run_id)
        _assert_canceled(instance, run_id, [worker])
    assert _unfinished(database) == []


def _load_is_terminated_while_its_publisher_does_not_answer(
    instance: dg.DagsterInstance, database: Path, publisher: SamplePublisher
) -> None:
    publisher.break_("green", APRIL, Fault.HANGS)
    run_id = _launched(instance, "monthly_ingestion", GREEN)
    worker = _wait_until_said(instance, run_id, 'Started execution of step "monthly_dlt_ingestion"')
    time.sleep(3)
    _terminate(instance, run_id)
    _assert_canceled(instance, run_id, [worker])
    assert _unfinished(database) == []


def _dbt_is_terminated_by_force_with_a_load_behind_it(instance: dg.DagsterInstance) -> str:
    """The id of the load, which has begun."""
    first = _launched(instance, "daily_dbt_build_job")
    worker = _wait_until_said(instance, first, "Running dbt command")
    dbt = _wait_for_dbt(first, worker)
    second = _launched(instance, "monthly_ingestion", GREEN)
    # As when Dagster's code server is gone: nobody interrupts the process.
    run = instance.get_run_by_id(first)
    assert run
    instance.report_run_canceled(run)
    _assert_canceled(instance, first, [worker, dbt.pid])
    _wait_until_said(instance, second, 'Started execution of step "monthly_dlt_ingestion"')
    assert _status(instance, first) is dg.DagsterRunStatus.CANCELED
    return second


def _load_is_terminated_while_it_waits_to_be_tried_again(
    instance: dg.DagsterInstance, database: Path, run_id: str
) -> None:
    worker = _wait_until_said(instance, run_id, "has requested a retry")
    _terminate(instance, run_id)
    _assert_canceled(instance, run_id, [worker], within=10)
    assert _unfinished(database) == []
