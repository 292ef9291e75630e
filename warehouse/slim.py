"""Build and test only what changed since the current release, and what is below it: `nyc slim`.

What changed is built into a database of its own, which is thrown away. What it reads and does not build comes from the
release; or, where it reads what a release does not hold (raw data, staging), all of it comes from the working file.
Neither is written.

Exit status: 0 built, and every test passed, or nothing changed; 1 something failed; 2 bad arguments; 3 there is no
release to compare with.
"""

import argparse
import gzip
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from warehouse.connection import NotThereYetError, WarehouseError, connect_when_free, open_for_writing
from warehouse.ledger import LEDGER_SCHEMA, Ledger
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT, database_path, dbt_target_folder
from warehouse.publishing.project import is_published
from warehouse.releases import Release, current_release
from warehouse.releases.reading import Source
from warehouse.releases.release import DATABASE_NAME, DBT_MANIFEST
from warehouse.sql import identifier, literal

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

# The target in profiles.yml, and the name of its database. The other one has the name that manifests have in them.
TARGET = "slim"
BASE = DATABASE_NAME
# Names the file that `warehouse.dbt_plugin` attaches as BASE.
BASE_VARIABLE = "SLIM_BASE_PATH"

_RAW = "raw_data"

_CHANGED = ("--select", "state:modified+")
_DBT = PROJECT_ROOT / "dbt"
# What dbt builds or tests; metrics and exposures are only checked by parsing.
_BUILT = ("model", "seed", "snapshot", "test", "unit_test")


class Changes(NamedTuple):
    """What changed since a release and what is below it, by dbt's ids; and what that reads and a release has not."""

    selected: frozenset[str]
    not_in_release: tuple[str, ...]


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.slim") -> int:
    """Build and test what changed, and return the exit code."""
    from warehouse.exit_codes import ExitCode

    parser = argparse.ArgumentParser(prog=prog, description="Build and test only what changed since the release.")
    parser.parse_args(arguments)
    try:
        return ExitCode.DONE if build_what_changed(current_release()) else ExitCode.FAILED
    except NotThereYetError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED


def build_what_changed(release: Release, project: Path = _DBT) -> bool:
    """Build and test what changed in a dbt project since a release; whether all went well. dbt says what did not.

    Raises:
        NotThereYetError: the release is of an earlier version, or raw data is needed and there is no working file.
        WarehouseError: a file cannot be opened.
    """
    target = dbt_target_folder() / TARGET
    state = _write_state(release, target / "state")
    print(f"compared with {Source(release)}", flush=True)
    parsed = _dbt(project, target, "parse")
    if not parsed.success:
        return False
    manifest: Manifest = parsed.result  # type: ignore[assignment]
    changed = _list_changed(project, target, state, manifest)
    if changed is None:
        return False
    changes = _changes(changed, manifest)
    if not changes.selected:
        print("nothing that dbt builds or tests has changed: there is nothing to build")
        return True
    base = _base_of(changes, release)
    counted = {kind: sum(id_.startswith(f"{kind}.") for id_ in changes.selected) for kind in _BUILT}
    print(
        "changed, or below it: " + ", ".join(f"{kind} {count}" for kind, count in counted.items() if count), flush=True
    )
    with TemporaryDirectory(prefix="nyc_slim_") as folder, _settings(Path(folder), base):
        _prepare(database_path(), base)
        built = _dbt(
            project, target, "build", *_CHANGED, "--state", str(state), "--defer", "--favor-state", manifest=manifest
        )
    return built.success


def _write_state(release: Release, folder: Path) -> Path:
    """The release's manifest where dbt looks for it."""
    if DBT_MANIFEST not in release.documents:
        raise NotThereYetError(
            f"{release.folder}: expected dbt's manifest in the release, but an earlier version of this project"
            " published it. Build and publish again: nyc build, nyc publish"
        )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / "manifest.json").write_bytes(gzip.decompress(release.dbt_manifest.read_bytes()))
    except (OSError, EOFError) as error:
        raise WarehouseError(
            f"{release.dbt_manifest}: expected dbt's manifest, but it cannot be read: {error}. "
            "Write the release anew: nyc publish"
        ) from error
    return folder


def _dbt(project: Path, target: Path, command: str, *arguments: str, manifest: Any = None) -> "dbtRunnerResult":
    from dbt.cli.main import dbtRunner

    paths = ["--project-dir", str(project), "--profiles-dir", str(_DBT), "--target-path", str(target)]
    quiet = [] if command == "build" else ["--quiet"]
    return dbtRunner(manifest=manifest).invoke([*quiet, command, *arguments, "--target", TARGET, *paths])


def _list_changed(project: Path, target: Path, state: Path, manifest: "Manifest") -> list[str] | None:
    """The ids of what changed and of what is below it; None if dbt could not say, and it has said why."""
    # dbt prints what it lists, even if it is to be quiet.
    with redirect_stdout(io.StringIO()) as printed:
        listed = _dbt(project, target, "ls", *_CHANGED, "--state", str(state), "--output", "json", manifest=manifest)
    if not listed.success:
        print(printed.getvalue(), listed.exception or "")
        return None
    return [json.loads(line)["unique_id"] for line in listed.result]  # type: ignore[union-attr]


def _changes(changed: Sequence[str], manifest: "Manifest") -> Changes:
    selected = frozenset(id_ for id_ in changed if id_.split(".", 1)[0] in _BUILT)
    found = {each for id_ in selected for each in _read_by(id_, manifest)} - selected
    return Changes(selected, tuple(sorted(each for each in found if not _is_in_release(each, manifest))))


def _read_by(id_: str, manifest: "Manifest") -> Iterator[str]:
    """The ids of what a node reads. A unit test needs the columns of what the tested model reads."""
    node: Any = manifest.unit_tests.get(id_) or manifest.nodes[id_]
    for each in node.depends_on.nodes:
        yield each
        if id_ in manifest.unit_tests:
            yield from manifest.nodes[each].depends_on_nodes


def _is_in_release(id_: str, manifest: "Manifest") -> bool:
    if source := manifest.sources.get(id_):
        return source.schema == LEDGER_SCHEMA
    return id_ in manifest.nodes and is_published(manifest.nodes[id_].to_dict(omit_none=False))


def _base_of(changes: Changes, release: Release) -> Path:
    """The file that everything is read from which is not built."""
    if not changes.not_in_release:
        print("what they read comes from the release")
        return release.database
    names = [id_.split(".", 2)[-1] for id_ in changes.not_in_release]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    reason = f"{', '.join(names[:3])}{more}, which a release does not hold"
    if not database_path().exists():
        raise NotThereYetError(
            f"{database_path()}: expected the DuckDB file that the release was made of, to read {reason}, but there is"
            " none"
        )
    print(f"what they read comes from {database_path()}, because of {reason}")
    return database_path()


@contextmanager
def _settings(folder: Path, base: Path) -> Iterator[None]:
    """While the `with` block lasts, the warehouse's file is a new one in a folder."""
    before = {name: os.environ.get(name) for name in (DATABASE_VARIABLE, BASE_VARIABLE)}
    os.environ |= {DATABASE_VARIABLE: str(folder / f"{TARGET}.duckdb"), BASE_VARIABLE: str(base)}
    try:
        yield
    finally:
        _restore(before)


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def attach_base(connection: duckdb.DuckDBPyConnection, base: Path) -> None:
    """Attach the file that everything is read from which is not built; waits for who writes to it.

    Raises:
        WarehouseError: it cannot be opened.
    """

    def attach(file: Path) -> None:
        connection.execute(f"attach {literal(file)} as {identifier(BASE)} (read_only)")

    connect_when_free(base, attach)


def _prepare(path: Path, base: Path) -> None:
    """Make the database to build into: with the ledger of the base, which says what partitions there are, and its raw
    tables as views. Those that only newer code has, dbt makes.
    """
    with open_for_writing(path) as connection:
        attach_base(connection, base)
        connection.execute(f"create schema {identifier(LEDGER_SCHEMA)}")
        for name, definition in _tables(connection, LEDGER_SCHEMA):
            connection.execute(definition)
            _copy(connection, LEDGER_SCHEMA, name)
        # The base may be of an earlier version. It also makes those raw tables that are its own.
        Ledger(connection)
        connection.execute(f"create schema if not exists {identifier(_RAW)}")
        own = {name for name, _ in _tables(connection, _RAW, TARGET)}
        for name, _ in _tables(connection, _RAW):
            if name in own:
                _copy(connection, _RAW, name)
            else:
                view = identifier(_RAW, name)
                connection.execute(f"create view {view} as from {identifier(BASE, _RAW, name)}")
        connection.execute(f"detach {identifier(BASE)}")


def _tables(connection: duckdb.DuckDBPyConnection, schema: str, database: str = BASE) -> list[tuple[str, str]]:
    """Names and definitions of a schema's tables."""
    return connection.execute(
        "select table_name, sql from duckdb_tables() where (database_name, schema_name) = (?, ?)", [database, schema]
    ).fetchall()


def _copy(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    connection.execute(f"insert into {identifier(schema, name)} by name from {identifier(BASE, schema, name)}")
