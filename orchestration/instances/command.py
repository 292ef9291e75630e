"""Copy Dagster's history from SQLite to Postgres, or back, for `nyc copy-history`.

Exit status: 0 done; 1 it was refused or failed, and nothing was copied; 2 bad arguments.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from orchestration.instances.checks import CopyRefusedError, refuse_a_running_daemon, refuse_another_schema
from orchestration.instances.settings import DagsterStorageError, PostgresSettings, Storage
from orchestration.instances.storage import open_postgres, said_by, sqlite_folder
from orchestration.instances.to_postgres import copy_to_postgres
from orchestration.instances.to_sqlite import copy_to_sqlite
from warehouse.exit_codes import ExitCode
from warehouse.terminal import print_json, quiet_on_broken_pipe


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, prog: str = "python -m orchestration.instances.command") -> int:
    """Copy the history, print how many rows each table has, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Copy Dagster's history to another storage.")
    parser.add_argument("--to", required=True, choices=[*Storage], help="where to; the other one is where from")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    began = time.monotonic()
    try:
        settings = PostgresSettings.from_environment(os.environ)
        folder = _folder()
        copied = _to_postgres(folder, settings) if options.to == Storage.POSTGRES else _to_sqlite(settings, folder)
    except DagsterStorageError as error:
        print(f"{prog}: {error.message}", file=sys.stderr)
        return ExitCode.FAILED
    except sa.exc.SQLAlchemyError as error:
        print(f"{prog}: {said_by(error)}. Nothing was copied.", file=sys.stderr)
        return ExitCode.FAILED
    seconds = time.monotonic() - began
    if options.json:
        print_json({"to": options.to, "rows": copied, "seconds": round(seconds, 1)})
    else:
        for table, rows in copied.items():
            print(f"{table:32}{rows:>10,}")
        print(f"{sum(copied.values()):,} rows are in {options.to}, as many as before; {seconds:.1f} s.")
        print(f"Set DAGSTER_STORAGE={options.to} in .env, and start Dagster.")
    return ExitCode.DONE


def _folder() -> Path:
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise DagsterStorageError(
            "DAGSTER_HOME: expected the folder of dagster.yaml, but it is not set. Run `make setup`."
        )
    folder = sqlite_folder(InstanceRef.from_dir(home))
    if folder is None:
        raise DagsterStorageError(
            f"{home}/dagster.yaml: expected a storage that names a base_dir for SQLite, but it has none. "
            "Take the `storage` of orchestration/dagster.yaml."
        )
    return folder


def _to_postgres(folder: Path, settings: PostgresSettings) -> dict[str, int]:
    if not (folder / "history").is_dir():
        raise CopyRefusedError(f"expected Dagster's history in {folder}, but there is none: there is nothing to copy.")
    source, target = DagsterSqliteStorage.from_local(str(folder)), open_postgres(settings)
    refuse_another_schema(Storage.SQLITE, source)
    refuse_another_schema(Storage.POSTGRES, target)
    refuse_a_running_daemon(source, _say)
    return copy_to_postgres(source, settings.url, _say)


def _to_sqlite(settings: PostgresSettings, folder: Path) -> dict[str, int]:
    source = open_postgres(settings)
    refuse_another_schema(Storage.POSTGRES, source)
    refuse_a_running_daemon(source, _say)
    return copy_to_sqlite(settings.url, folder, _say)


def _say(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
