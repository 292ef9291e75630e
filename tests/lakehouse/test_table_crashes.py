"""Exports of tables that are killed, refused or raced: readers find one release whole, and a re-run mends the rest."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.forking import Forked
from tests.lakehouse.processes import interpreter
from tests.lakehouse.readers import EXPORTERS, READERS, assert_is_release, data_files, found, states
from tests.lakehouse.readers import published as rows_in
from tests.lakehouse.releases import FACT, PARTITIONS, make_release
from warehouse.lakehouse import ExportError, Location
from warehouse.lakehouse.expiry import expire_tables
from warehouse.releases import Release

FORMATS = list(EXPORTERS)
CHANGED = {**PARTITIONS, "yellow/2025-02": "b 100", "yellow/2025-03": "a 10"}

# Exports a release. Before or after the nth call of a function of a class, the process kills itself.
_CHILD = """
import importlib, os, pathlib, signal, sys, time
from warehouse.lakehouse import Location
from warehouse.lakehouse.formats import exporter
from warehouse.releases import Releases

published, release, format_, to, kill, gate = sys.argv[1:]
release = Releases(pathlib.Path(published)).find(release)
if kill:
    when, number, module, class_, function = kill.split()
    owner = getattr(importlib.import_module(module), class_)
    original, calls = getattr(owner, function), []

    def killing(*args, **values):
        calls.append(1)
        if len(calls) == int(number) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = original(*args, **values)
        if len(calls) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(owner, function, staticmethod(killing) if function.startswith("_write") else killing)
export = exporter(format_)
print("ready", flush=True)
while not os.path.exists(gate):
    time.sleep(0.001)
export(release, release.tables, Location.of(to))
"""

_PUT = "warehouse.lakehouse.data_files ReleaseReader put"
_COMMIT_OF = {
    "delta": "deltalake.table DeltaTable create_write_transaction",
    "iceberg": "pyiceberg.catalog.sql SqlCatalog commit_table",
}
_KILLS = [
    *((format_, f"after 1 {_PUT}") for format_ in FORMATS),
    *((format_, f"before 1 {_COMMIT_OF[format_]}") for format_ in FORMATS),
    *((format_, f"after 1 {_COMMIT_OF[format_]}") for format_ in FORMATS),
    ("iceberg", "after 1 pyiceberg.catalog.sql SqlCatalog _write_metadata"),
]


@dataclass
class Child:
    """A process that exports, once its gate is there; `said` is what it says as errors."""

    process: Forked
    gate: Path
    said: Path


def _start(release: Release, format_: str, to: Location, gate: Path, kill: str = "") -> Child:
    published = release.folder.parent.parent
    said = gate.with_name(uuid4().hex)
    with said.open("wb") as errors:
        process = interpreter().start(
            ["-c", _CHILD, str(published), release.id, format_, to.url, kill, str(gate)],
            {**os.environ, "PUBLISHED_FOLDER": str(published)},
            stderr=errors.fileno(),
        )
    return Child(process, gate, said)


def _let_go(*children: Child) -> list[tuple[int, str]]:
    """Let children that are ready begin at once. Their exit codes and what they said."""
    for child in children:
        assert child.process.stdout.readline() == "ready\n", child.said.read_text()
    for gate in {child.gate for child in children}:
        gate.touch()
    codes = []
    for child in children:
        codes.append(child.process.wait(timeout=60))
        child.process.stdout.close()
    return [(code, child.said.read_text()) for code, child in zip(codes, children, strict=True)]


def test_after_a_kill_readers_find_one_release_and_a_re_run_the_other(published: Path, tmp_path: Path) -> None:
    first = make_release(published)
    second = make_release(published, partitions=CHANGED, number=2, before=first)
    places = [Location.of(str(tmp_path / f"lakehouse-{number}")) for number in range(len(_KILLS))]
    for (format_, _), to in zip(_KILLS, places, strict=True):
        EXPORTERS[format_](first, first.tables, to)
    # Two at a time, as many as there may be cores.
    for start in range(0, len(_KILLS), 2):
        chosen = list(zip(_KILLS, places, strict=True))[start : start + 2]
        gate = tmp_path / f"gate-{start}"
        ended = _let_go(*(_start(second, format_, to, gate, kill) for (format_, kill), to in chosen))
        assert [code for code, _ in ended] == [-9] * len(chosen), ended
    for (format_, kill), to in zip(_KILLS, places, strict=True):
        is_committed = kill.startswith("after 1") and kill.endswith(_COMMIT_OF[format_])
        reader = READERS[format_][:1]
        assert_is_release(format_, to, _only_fact(second if is_committed else first), reader)
        EXPORTERS[format_](second, second.tables, to)
        assert_is_release(format_, to, second, reader)
        assert states(format_, to, FACT) == [second.id, first.id], kill
        expire_tables(to, keep_releases=1, now=datetime.now(UTC) + timedelta(hours=2))
        assert len(data_files(format_, to, FACT)) == 4, kill
        assert [path for path in to.path.rglob("*") if path.name.endswith((".new", ".tmp"))] == []
        assert_is_release(format_, to, second, reader)


def _only_fact(release: Release) -> Release:
    return replace(release, tables=release.tables[:1])


# Of a file of data, of what commits, and of the last table.
@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("delta", "yellow-2025-03"),
        ("delta", "0001.json"),
        ("delta", "meta/runs"),
        ("iceberg", "yellow-2025-03"),
        ("iceberg", "/00001-"),
    ],
)
def test_a_put_that_fails_leaves_the_release_before(
    format_: str, text: str, bucket: str, published: Path, refuse: Callable[[str], None]
) -> None:
    to = Location.of(f"s3://{bucket}/lake")
    first = make_release(published)
    EXPORTERS[format_](first, first.tables, to)
    second = make_release(published, partitions=CHANGED, number=2, before=first)
    refuse(text)
    with pytest.raises(ExportError, match=f"to s3://{bucket}/lake/{format_}/"):
        EXPORTERS[format_](second, second.tables, to)
    refuse("")
    is_later = text == "meta/runs"
    assert_is_release(format_, to, _only_fact(second if is_later else first), READERS[format_][:1])
    EXPORTERS[format_](second, second.tables, to)
    assert_is_release(format_, to, second, READERS[format_][:1])
    assert states(format_, to, FACT) == [second.id, first.id]


# Iceberg commits to its catalog, wherever the files are.
@pytest.mark.parametrize(("format_", "place"), [("delta", "folder"), ("delta", "s3"), ("iceberg", "folder")])
def test_two_exporters_at_once_commit_once(
    format_: str, place: str, published: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = str(tmp_path / "lakehouse")
    to = Location.of(folder if place == "folder" else f"s3://{request.getfixturevalue('bucket')}/lake")
    first = make_release(published)
    # Of a table that is not there yet.
    ended = _let_go(*(_start(first, format_, to, tmp_path / "first-gate") for _ in range(2)))
    assert [code for code, _ in ended] == [0, 0], ended
    assert_is_release(format_, to, first, READERS[format_][:1])
    assert [states(format_, to, table.full_name) for table in first.tables] == 3 * [[first.id]]
    # Of two releases: whoever comes last leaves one of them whole.
    second = make_release(published, partitions=CHANGED, number=2, before=first)
    third = make_release(published, number=3, before=second)
    ended = _let_go(*(_start(each, format_, to, tmp_path / "second-gate") for each in (second, third)))
    assert [code for code, _ in ended] == [0, 0], ended
    last = {second.id: second, third.id: third}[states(format_, to, FACT)[0]]
    assert_is_release(format_, to, _only_fact(last), READERS[format_][:1])


@pytest.mark.parametrize("format_", FORMATS)
def test_who_reads_beside_exports_and_expiry_finds_one_release(format_: str, published: Path, tmp_path: Path) -> None:
    to = Location.of(str(tmp_path / "lakehouse"))
    releases: list[Release] = []
    for number in (1, 2, 3):
        partitions = {**PARTITIONS, "green/2025-01": f"{number} 10", "yellow/2025-02": f"{number} {number * 10}"}
        before = releases[-1] if releases else None
        releases.append(_only_fact(make_release(published, partitions=partitions, number=number, before=before)))
    fact = releases[0].tables[0]
    right = {rows_in(release, release.tables[0]) for release in releases}
    assert len(right) == 3
    EXPORTERS[format_](releases[0], [fact], to)

    def work() -> None:
        for release in [*releases[1:], *releases]:
            EXPORTERS[format_](release, release.tables, to)
            expire_tables(to, keep_releases=3, now=datetime.now(UTC) + timedelta(hours=2))

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        seen = set()
        while not worker.done():
            rows = found(READERS[format_][0](to, FACT), fact)
            assert rows in right
            seen.add(rows)
        worker.result()
    assert len(seen) > 1
