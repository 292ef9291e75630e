"""The platform in a folder of its own, as a team runs it: three processes that are restarted when they die."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from warehouse.paths import PROJECT_ROOT
from warehouse.sql import identifier, literal

# What says which load a row is from differs between two loads of the same file; nothing else may.
_LOAD_COLUMNS = ("load_id", "_dlt_load_id")
_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Platform:
    """A clone of the project, with data, logs and Dagster's history in it."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder / "project"
        subprocess.run(["git", "clone", "--quiet", str(PROJECT_ROOT), str(self.folder)], check=True)
        home = self.folder / "orchestration"
        instance = home / "dagster.yaml"
        # Absolute, because the storage is also asked from here.
        instance.write_text(instance.read_text().replace("base_dir: data/", f"base_dir: {self.folder}/data/"))
        port, self.web_port = free_port(), free_port()
        self.environment = (
            os.environ
            | settings
            | {
                "PYTHONPATH": str(self.folder),
                "DAGSTER_HOME": str(home),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )
        self.environment.pop("DUCKDB_DATABASE_PATH", None)
        workspace = self.folder / "logs" / "workspace.yaml"
        workspace.write_text(
            f"load_from: [grpc_server: {{host: 127.0.0.1, port: {port}, location_name: orchestration}}]"
        )
        self.commands = {
            "code server": ["dagster", "api", "grpc", "-m", "orchestration", "-h", "127.0.0.1", "-p", str(port)],
            "daemon": ["dagster-daemon", "run", "-w", str(workspace)],
            "webserver": ["dagster-webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(self.web_port)],
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0
        self._is_over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything runs, and whatever dies is started again after a moment."""
        keeper = threading.Thread(target=self._keep_running, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._is_over.set()
            keeper.join()
            for process in self.processes.values():
                os.killpg(process.pid, signal.SIGTERM)
            time.sleep(5)
            for process in self.processes.values():
                process.kill()

    def _keep_running(self) -> None:
        while not self._is_over.wait(2):
            for name, command in self.commands.items():
                process = self.processes.get(name)
                if process and process.poll() is None:
                    continue
                self.restarts += process is not None
                try:
                    said = (self.folder.parent / f"{name.replace(' ', '_')}.log").open("ab")
                except OSError:
                    continue
                with said:
                    self.processes[name] = subprocess.Popen(
                        command,
                        cwd=self.folder,
                        env=self.environment,
                        stdout=said,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )

    def run(self, *command: str, **settings: str) -> str:
        """Run a command of the project to its end."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment | settings, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def nyc(self, *arguments: str, **settings: str) -> str:
        return self.run(sys.executable, "-m", "cli", *arguments, **settings)

    def ask(self, question: Callable[[dg.DagsterInstance], Any]) -> Any:
        """Ask Dagster's storage."""
        os.environ["DAGSTER_HOME"] = self.environment["DAGSTER_HOME"]
        with chdir(self.folder), dg.DagsterInstance.get() as instance:
            return question(instance)

    def unfinished(self) -> list[dg.DagsterRun]:
        runs: list[dg.DagsterRun] = self.ask(lambda instance: instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)))
        return runs

    def runs_by_status(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for run in self.ask(lambda instance: instance.get_runs()):
            counts[run.status.value] = counts.get(run.status.value, 0) + 1
        return counts

    def pid_of_run(self) -> int | None:
        """The process of a run that has started, if there is one."""

        def found(instance: dg.DagsterInstance) -> int | None:
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
                said = " ".join(entry.message for entry in instance.all_logs(run.run_id))
                if pid := re.search(r"Started process for run \(pid: (\d+)\)", said):
                    return int(pid[1])
            return None

        pid: int | None = self.ask(found)
        return pid

    def fill_disk(self, seconds: float) -> None:
        """Leave half a gigabyte of the disk for a while, and then for as long nothing."""
        ballast = self.folder.parent / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for left in (500_000_000, 0):
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    try:
                        if self.free_bytes() > left:
                            file.write(b"\0" * (1 << 20))
                        else:
                            time.sleep(0.5)
                    except OSError:
                        time.sleep(0.5)
        ballast.unlink()

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free


def differences(platform: Platform, first: str, last: str, sources: str) -> tuple[int, list[str]]:
    """Load and build the same files once, in another file: how many tables were compared, and which differ."""
    clean = platform.folder.parent / "clean" / "clean.duckdb"
    clean.parent.mkdir()
    settings = {"DUCKDB_DATABASE_PATH": str(clean), "DBT_TARGET_PATH": str(clean.parent / "target")}
    platform.nyc("load", "--from", first, "--to", last, "--sources", sources, **settings)
    platform.nyc("build", "--exclude-resource-type", "unit_test", **settings)
    with duckdb.connect(":memory:") as connection:
        for name, path in (("lived", platform.folder / "data" / "nyc_mobility.duckdb"), ("clean", clean)):
            connection.execute(f"attach {literal(path)} as {name} (read_only)")
        tables = connection.execute(
            "select schema_name, table_name, database_name from duckdb_tables()"
            " where schema_name like 'core%' and database_name in ('lived', 'clean') and not internal"
        ).fetchall()
        names = {side: {(schema, table) for schema, table, of in tables if of == side} for side in ("lived", "clean")}
        found = [f"only in one of both: {'.'.join(name)}" for name in sorted(names["lived"] ^ names["clean"])]
        for schema, table in sorted(names["lived"] & names["clean"]):
            if rows := _rows_that_differ(connection, schema, table):
                found.append(f"{schema}.{table}: {rows} rows differ")
    return len(names["clean"]), found


def _rows_that_differ(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> int:
    described = connection.execute(f"describe {identifier('clean', schema, table)}").fetchall()
    kept = ", ".join(identifier(name) for name, *_ in described if name not in _LOAD_COLUMNS)
    lived, clean = (f"select {kept} from {identifier(side, schema, table)}" for side in ("lived", "clean"))
    row = connection.execute(
        f"select count(*) from (({lived} except all {clean}) union all ({clean} except all {lived}))"
    ).fetchone()
    assert row
    return int(row[0])
