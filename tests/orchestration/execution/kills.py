"""Kill Dagster's parts and its runs again and again, and measure how long the queue stands still.

    python -m tests.orchestration.execution.kills FOLDER [--rounds 20] [--seed 21] [--dev]

Runs webserver, daemon and code server in FOLDER, with the settings of orchestration/dagster.yaml, and starts again
whichever has ended, as an operator's supervisor would; with --dev it is `dagster dev` that is started again. Each round
has a load of a sandbox month in flight and others queued, and ends with SIGKILL, at a random moment, what the round
says. The queue stands still from then, or from the end of the run if that survived, until another run is STARTED.
"""

import argparse
import logging
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import dagster as dg
import psutil
import yaml
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

from orchestration.dbt_cli.project import dbt_project, prepare_manifest
from orchestration.execution.run_lock import Lock, locks_folder, look_at
from sandbox.server import SamplePublisher
from warehouse.connection import open_for_writing
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT
from warehouse.reconciliation import reconcile

logger = logging.getLogger("kills")

_SUCCESS = dg.DagsterRunStatus.SUCCESS

ROWS = 2000
FIRST_YEAR = 2023
PARTS = ("webserver", "daemon", "code server", "run")
LONGEST_ALLOWED_SECONDS = 180
RESTART_SECONDS = 2
GIVE_UP_SECONDS = 900


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def write_settings(folder: Path, code_port: int) -> None:
    """The project's settings of the instance, with its files in the folder; the workspace names the code server."""
    settings = yaml.safe_load((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    settings["storage"] = {"sqlite": {"base_dir": str(folder / "storage")}}
    settings["local_artifact_storage"]["config"]["base_dir"] = str(folder / "storage")
    settings["compute_logs"]["config"]["base_dir"] = str(folder / "compute")
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    server = {"host": "127.0.0.1", "port": code_port, "location_name": "orchestration"}
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))


def commands(folder: Path, code_port: int, web_port: int, *, is_dev: bool) -> dict[str, list[str]]:
    """What the supervisor keeps running, by name."""
    if is_dev:
        workspace = str(PROJECT_ROOT / "orchestration" / "workspace.yaml")
        return {"dev": ["dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(web_port)]}
    workspace = str(folder / "workspace.yaml")
    return {
        "code server": ["dagster", "api", "grpc", "-m", "orchestration", "-h", "127.0.0.1", "-p", str(code_port)],
        "daemon": ["dagster-daemon", "run", "-w", workspace],
        "webserver": ["dagster-webserver", "-w", workspace, "-h", "127.0.0.1", "-p", str(web_port)],
    }


class Supervisor:
    """Starts the commands, and starts again what has ended, two seconds later, as long as its context is open."""

    def __init__(self, folder: Path, to_run: Mapping[str, Sequence[str]]) -> None:
        self._folder, self._commands = folder, to_run
        self._processes: dict[str, psutil.Popen] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running)

    def __enter__(self) -> "Supervisor":
        for name in self._commands:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for process in self._processes.values():
            end_all([process, *process.children(recursive=True)] if process.is_running() else [])

    def find(self, part: str) -> list[psutil.Process]:
        """The processes of a part: without what they started, so a code server's runs are not killed with it."""
        if "dev" not in self._processes:
            return [self._processes[part]]
        words = {
            "webserver": ["dagster_webserver"],
            "daemon": ["dagster._daemon"],
            "code server": ["code-server", "grpc"],
        }
        of_dev = descendants(self._processes["dev"])
        return [process for process in of_dev if {*words[part]} & {*command_line(process)}]

    def _start(self, name: str) -> None:
        with (self._folder / f"{name.replace(' ', '_')}.log").open("a") as log:
            self._processes[name] = psutil.Popen(
                self._commands[name], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _keep_running(self) -> None:
        tree: list[psutil.Process] = []
        while not self._stopping.wait(0.5):
            for name, process in list(self._processes.items()):
                if process.poll() is None:
                    tree = descendants(process) if name == "dev" else []
                    continue
                if self._stopping.wait(RESTART_SECONDS):
                    return
                # What a supervisor of a whole unit does: nothing of it goes on. A run does, here.
                end_all([one for one in tree if not is_of_a_run(one)])
                self._start(name)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """What the process started, and what that started."""
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def command_line(process: psutil.Process) -> list[str]:
    """Its words; none if it is gone."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def is_of_a_run(process: psutil.Process) -> bool:
    """Whether it executes a run, or is started by what does."""
    try:
        return any("spawn_main" in " ".join(command_line(one)) for one in [process, *process.parents()])
    except psutil.Error:
        return False


def end_all(processes: Sequence[psutil.Process]) -> None:
    """Kill them, all at once."""
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.Error:
            continue


@dataclass
class Round:
    """What is killed, and what came of it. Times are seconds since the epoch."""

    victims: Sequence[str]
    run_id: str = ""
    status_before: str = ""
    killed_at: float = 0
    stood_still_seconds: float = 0
    outcome: str = ""


class Trial:
    """An instance with its publishers' months, some of which are queued, one in flight."""

    def __init__(self, instance: dg.DagsterInstance, supervisor: Supervisor, web_port: int) -> None:
        self._instance, self._supervisor = instance, supervisor
        self._client = DagsterGraphQLClient("127.0.0.1", port_number=web_port)
        self._months: Iterator[date] = (date(FIRST_YEAR + n // 12, n % 12 + 1, 1) for n in range(36))
        self.asked: dict[date, str] = {}

    def fill_queue(self) -> None:
        """Have a run in flight or queued, and two that wait for it."""
        while len(self._unfinished()) < 3:
            self.ask_for_next(builds=len(self.asked) % 3 == 0)

    def ask_for_next(self, *, builds: bool) -> None:
        """Queue the load of a month that was not yet asked for."""
        self.ask_for(next(self._months), builds=builds)

    def ask_for(self, month: date, *, builds: bool) -> None:
        """Queue the load of a month. One that builds also has dbt build, validates and publishes."""
        config = {"year": month.year, "month": month.month, "sources": "green"}
        run_config = {"ops": {"monthly_dlt_ingestion": {"config": config}}}
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                self.asked[month] = (
                    self._client.submit_job_execution("monthly_ingestion", run_config=run_config)
                    if builds
                    else self._client.submit_job_execution(
                        "__ASSET_JOB",
                        asset_selection=[["raw_data", "green_taxi"]],
                        tags={"dagster/partition": month.isoformat()},
                    )
                )
                return
            except (DagsterGraphQLClientError, OSError):
                # The webserver, or the code server behind it, is still starting.
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def _unfinished(self) -> list[dg.DagsterRun]:
        return [run for run in self._instance.get_runs() if not run.is_finished]

    def _in_flight(self) -> dg.DagsterRun | None:
        runs = self._instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES))
        return runs[0] if runs else None

    def kill(self, victims: Sequence[str], chance: random.Random) -> Round:
        """Wait for a run in flight and for a random moment of it, kill, and see how long the queue stands still."""
        self.fill_queue()
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while not (run := self._in_flight()):
            assert time.monotonic() < deadline, "no run was started"
            time.sleep(0.5)
        time.sleep(chance.uniform(0, 40))
        # On a machine with nothing else to do, all may have ended by now.
        self.fill_queue()
        run = self._in_flight() or run
        done = Round(victims, run.run_id, run.status.value)
        processes = [one for part in victims if part != "run" for one in self._supervisor.find(part)]
        if "run" in victims:
            processes += self._processes_of(run.run_id)
        done.killed_at = time.time()
        end_all(processes)
        self._measure(done)
        return done

    def _processes_of(self, run_id: str) -> list[psutil.Process]:
        """The run's process. One that has not yet said its id is known as a child of the code server."""
        said = " ".join(entry.message for entry in self._instance.all_logs(run_id))
        if found := re.search(r"Started process for run \(pid: (\d+)\)", said):
            return [psutil.Process(int(found[1]))] if psutil.pid_exists(int(found[1])) else []
        children = [child for server in self._supervisor.find("code server") for child in descendants(server)]
        return [child for child in children if "spawn_main" in " ".join(command_line(child))]

    def _measure(self, done: Round) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while not (following := self._started_after(done.killed_at)):
            assert time.monotonic() < deadline, f"the queue stands still: {done}"
            time.sleep(1)
        run = self._instance.get_run_record_by_id(done.run_id)
        # It may have begun only now, or have ended by itself after the kill.
        survived = run is not None and run.dagster_run.status in (_SUCCESS, dg.DagsterRunStatus.STARTED)
        ended_by_itself = run.end_time if run and run.dagster_run.status is _SUCCESS else None
        done.stood_still_seconds = following - max(done.killed_at, ended_by_itself or 0)
        done.outcome = "survived" if survived else "lost"

    def _started_after(self, moment: float) -> float | None:
        """When the first run was STARTED after this moment."""
        starts = [record.start_time for record in self._instance.get_run_records(limit=20)]
        return min((start for start in starts if start and start > moment), default=None)

    def retried(self, run_id: str) -> str:
        """What became of the second attempt of a run that was lost."""
        attempts = [run for run in self._instance.get_runs() if run.parent_run_id == run_id]
        return attempts[0].status.value if attempts else "-"

    def drain(self) -> list[date]:
        """Wait until the queue is empty, ask again for what was lost twice until all is there; those months."""
        again: list[date] = []
        while True:
            deadline = time.monotonic() + GIVE_UP_SECONDS
            while self._unfinished():
                assert time.monotonic() < deadline, f"not ended: {self._unfinished()}"
                time.sleep(2)
            # The daemon takes some seconds to start the last lost run again.
            time.sleep(15)
            if self._unfinished():
                continue
            missing = [month for month, run_id in self.asked.items() if not self._came(run_id)]
            if not missing:
                return again
            for month in missing:
                self.ask_for(month, builds=False)
            again += missing

    def _came(self, run_id: str) -> bool:
        group = self._instance.get_run_group(run_id)
        return any(run.status is _SUCCESS for run in (group[1] if group else ()))

    def faults_at_the_end(self) -> list[str]:
        """What is not as it ought to be when all runs have ended."""
        faults = []
        names = [file.name for file in locks_folder(self._instance).iterdir()]
        if held := [name for name in names if look_at(self._instance, name) is Lock.HELD]:
            faults.append(f"locks are held: {held}")
        # Fails if anybody has the file.
        with open_for_writing(timeout_seconds=0) as connection:
            if running := connection.execute("from meta.ingestion_runs where status = 'running'").fetchall():
                faults.append(f"the ledger has runs as running: {running}")
            query = "select partition_key from meta.asset_watermarks where feed = 'green' and source_url is not null"
            loaded = {key for (key,) in connection.execute(query).fetchall()}
            if missing := {f"{month:%Y-%m}" for month in self.asked} - loaded:
                faults.append(f"not loaded: {sorted(missing)}")
            for rows in reconcile(connection):
                if rows.lost or rows.is_waiting:
                    faults.append(f"rows lost, there twice, or not built: {rows}")
        return faults


def plan(rounds: int, *, is_dev: bool) -> list[tuple[str, ...]]:
    """What each round kills: everything that can be killed together, in turn, the most first."""
    every = [kills for size in (4, 3, 2, 1) for kills in combinations(PARTS, size)]
    if is_dev:
        # There the end of webserver or daemon ends the rest.
        every = [PARTS, ("code server",), ("code server", "run"), ("daemon", "run"), ("run",)]
    return [every[number % len(every)] for number in range(rounds)]


def print_table(rounds: Sequence[Round], trial: Trial) -> None:
    """Print what every round did."""
    print("| round | killed | the run was | it | started again | the queue stood still, s |")
    print("|---|---|---|---|---|---|")
    for number, done in enumerate(rounds, 1):
        again = trial.retried(done.run_id) if done.outcome == "lost" else ""
        cells = (", ".join(done.victims), done.status_before, done.outcome, again, f"{done.stood_still_seconds:.0f}")
        print(f"| {number} | {' | '.join(cells)} |")


def main() -> int:
    """Run the rounds, print the table, and return 1 if the queue stood still for too long or something is wrong."""
    parser = argparse.ArgumentParser(description="Kill Dagster's parts and its runs, and measure.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--dev", action="store_true", help="as `dagster dev`, not as separate processes")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logger.setLevel(logging.INFO)
    folder: Path = options.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    code_port, web_port = free_port(), free_port()
    write_settings(folder, code_port)
    os.environ |= {
        "DAGSTER_HOME": str(folder),
        DATABASE_VARIABLE: str(folder / "warehouse.duckdb"),
        LOG_FOLDER_VARIABLE: str(folder / "logs"),
    }
    prepare_manifest(dbt_project)
    last = date(FIRST_YEAR + 2, 12, 1)
    to_run = commands(folder, code_port, web_port, is_dev=options.dev)
    with SamplePublisher(date(FIRST_YEAR, 1, 1), last, rows=ROWS, folder=folder / "published_files") as publisher:
        os.environ |= publisher.environment
        with dg.DagsterInstance.get() as instance, Supervisor(folder, to_run) as supervisor:
            trial, chance, rounds = Trial(instance, supervisor, web_port), random.Random(options.seed), []
            for victims in plan(options.rounds, is_dev=options.dev):
                rounds.append(trial.kill(victims, chance))
                logger.info("%s of %s: %s", len(rounds), options.rounds, rounds[-1])
            twice = trial.drain()
            # What was only loaded is built now.
            trial.ask_for_next(builds=True)
            trial.drain()
            faults = trial.faults_at_the_end()
            print_table(rounds, trial)
    print(f"{len(trial.asked)} months; lost twice and asked for again: {[f'{month:%Y-%m}' for month in twice]}")
    longest = max(done.stood_still_seconds for done in rounds)
    print(f"longest: {longest:.0f} s; at the end: {faults or 'all loaded once, nothing locked'}")
    return 1 if faults or longest > LONGEST_ALLOWED_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
