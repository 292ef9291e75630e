"""SQL of metrics that is kept: the next process that asks the same imports no MetricFlow, and all else is as it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics import kept_sql as kept
from metrics.kept_sql import kept_sql
from metrics.semantic_manifest import Manifest
from tests.metrics.conftest import MetricWarehouse
from warehouse.paths import PROJECT_ROOT

ASK = """
import sys
from metrics.ask import main
main(["query", "total_trips", "--by", "trip__trip_type", "--csv", "--live"])
print(sum(name.startswith("metricflow") for name in sys.modules), file=sys.stderr)
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    return declared(tmp_path, "one")


def declared(folder: Path, version: str) -> Manifest:
    path = folder / f"{version}.json"
    path.write_text(
        f'{{"version": "{version}", "semantic_models": [], "project_configuration": {{"time_spines": []}}}}'
    )
    return Manifest(f"{path}", path)


def once(sql: str) -> Callable[[], str]:
    """Writes SQL the first time, and fails from then on."""
    written = iter([sql])
    return lambda: next(written)


def test_a_second_process_answers_the_same_without_metricflow(metric_warehouse: MetricWarehouse) -> None:
    settings = os.environ | {"DBT_TARGET_PATH": str(metric_warehouse.target), "PYTHONPATH": str(PROJECT_ROOT)}
    answers = []
    for _ in range(2):
        asked = subprocess.run([sys.executable, "-c", ASK], env=settings, capture_output=True, text=True, cwd="/")
        answers.append((asked.stdout, asked.stderr.split()[-1]))
    assert answers[0][0] == answers[1][0]
    assert "yellow_taxi" in answers[1][0]
    assert answers[1][1] == "0", "modules of MetricFlow"


def test_another_question_or_other_declarations_are_written(manifest: Manifest, tmp_path: Path) -> None:
    write = once("select 1")
    assert kept_sql("a", manifest, write) == "select 1"
    assert kept_sql("a", manifest, write) == "select 1", "or there was nothing left to write"
    assert kept_sql("b", manifest, once("select 2")) == "select 2"
    assert kept_sql("a", declared(tmp_path, "two"), once("select 3")) == "select 3"
    assert kept_sql("a", manifest, write) == "select 1"


def test_other_code_writes_anew(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_sql("a", manifest, once("select 1"))
    monkeypatch.setattr(kept, "_writers", lambda: "MetricFlow of tomorrow")
    assert kept_sql("a", manifest, once("select 2")) == "select 2"


@pytest.mark.parametrize("content", [b"", b"select 2", b"0\nselect 2", b"\xff\xfe"])
def test_a_file_that_is_not_whole_is_written_anew(manifest: Manifest, tmp_path: Path, content: bytes) -> None:
    kept_sql("a", manifest, once("select 1"))
    (file,) = (tmp_path / "metric_sql").iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert kept_sql("a", manifest, once("select 1")) == "select 1"
    assert file.read_bytes() == whole


def test_a_refusal_is_not_kept(manifest: Manifest) -> None:
    def refuse() -> str:
        raise ValueError("no such metric")

    with pytest.raises(ValueError, match="no such metric"):
        kept_sql("a", manifest, refuse)
    assert kept_sql("a", manifest, once("select 1")) == "select 1"


def test_where_nothing_can_be_kept_answers_come_all_the_same(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "none"))
    assert kept_sql("a", manifest, once("select 1")) == "select 1"
    assert not (tmp_path / "none").exists()
    (tmp_path / "metric_sql").write_text("a file in the place of the folder")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    assert kept_sql("a", manifest, once("select 1")) == "select 1"


def test_only_the_newest_are_kept(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_FILES_KEPT", 3)
    for number in range(6):
        kept_sql(f"{number}", manifest, once(f"select {number}"))
    assert len(list((tmp_path / "metric_sql").iterdir())) == 3
    assert kept_sql("5", manifest, once("select 6")) == "select 5"
