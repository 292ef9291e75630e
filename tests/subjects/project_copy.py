"""A copy of the project in a folder of its own, whose commands run as a user runs them."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb

from tests.dbt.small_warehouse import keep_parsed_project
from warehouse.paths import PROJECT_ROOT

_FOLDERS = ("cli", "dbt", "ingestion", "metrics", "orchestration", "quality", "sandbox", "warehouse")
# What tools leave in these folders. What Python has compiled goes along: it is known by the times of files, which stay.
_IS_LEFT_BEHIND = shutil.ignore_patterns("target", "logs", "dbt_packages", ".*")


class ProjectCopy:
    """The project's folders below `root`, with a warehouse of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in _FOLDERS:
            shutil.copytree(PROJECT_ROOT / folder, root / folder, ignore=_IS_LEFT_BEHIND)
        # The files that are added are all that is left to parse.
        keep_parsed_project(root / "dbt/target")
        self.database = root / "warehouse.duckdb"
        self._original = self._hashes()
        self.environment = os.environ | {
            "PYTHONPATH": str(root),
            "DUCKDB_DATABASE_PATH": str(self.database),
            "DAGSTER_HOME": str(root / "orchestration"),
            # Below the copy, whatever the one who runs the tests has set.
            "DBT_TARGET_PATH": str(root / "dbt/target"),
            "LOG_FOLDER": str(root / "logs"),
        }

    def overlay(self, folder: Path) -> None:
        """Lay a folder over the copy. It adds files, and replaces none."""
        for source in folder.rglob("*"):
            target = self.root / source.relative_to(folder)
            if source.is_file() and "__pycache__" not in source.parts:
                assert not target.exists(), f"{target} is there already"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)

    def changed_files(self) -> set[str]:
        """Files that are new, changed or gone since the copy was made."""
        now = self._hashes()
        return {path for path in self._original.keys() | now.keys() if self._original.get(path) != now.get(path)}

    def _hashes(self) -> dict[str, str]:
        paths = [path for folder in _FOLDERS for path in (self.root / folder).rglob("*") if path.is_file()]
        left_behind = {"__pycache__", "target", "logs"}
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
            if left_behind.isdisjoint(path.parts) and not path.name.startswith(".")
        }

    def run(self, *arguments: str, status: int = 0) -> str:
        """What a command of Python's prints, such as `-m cli summary`. It must end with this status."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{' '.join(arguments)} ended with {done.returncode}:\n{said}"
        return done.stdout

    def nyc(self, *arguments: str, status: int = 0) -> str:
        """What `nyc …` prints."""
        return self.run("-m", "cli", *arguments, status=status)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def contents(self, tables: set[str]) -> dict[str, int]:
        """A hash of the rows of each of these tables and views that is built, whatever the order of its rows."""
        every = self.query("select table_schema || '.' || table_name, table_name from information_schema.tables")
        rows = "select coalesce(sum(hash(t)::hugeint), 0) from {} as t"
        return {name: self.query(rows.format(name))[0][0] for name, table in every if table in tables}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder's files are, while the context is open."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
