"""dbt in this process: its manifests are there, and of the project as it is, whether a run wrote them or not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from tests.dbt.small_warehouse import DBT_DIRECTORY
from warehouse.dbt_runs import Project, run_dbt

PROJECT = """
name: toys
version: "1.0"
profile: nyc_mobility
"""


@pytest.fixture
def target(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The target folder of a small project, in which dbt has run once."""
    project = tmp_path / "toys"
    (project / "models").mkdir(parents=True)
    shutil.copy(DBT_DIRECTORY / "profiles.yml", project)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "models" / "one.sql").write_text("select 1 as number")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path))
    assert run_dbt(["run", "--quiet"]).success
    yield tmp_path / "target"
    reset_adapters()  # type: ignore[no-untyped-call]
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def test_manifests_are_written_only_where_the_project_has_changed(target: Path) -> None:
    written = (target / "manifest.json").read_bytes()
    assert run_dbt(["run", "--quiet"]).success
    assert (target / "manifest.json").read_bytes() == written

    Path("models/two.sql").write_text("select number from {{ ref('one') }}")
    assert run_dbt(["run", "--quiet"]).success
    assert "model.toys.two" in json.loads((target / "manifest.json").read_bytes())["nodes"]
    assert (target / "semantic_manifest.json").exists()


def test_a_manifest_that_is_older_than_the_project_is_written(target: Path) -> None:
    (target / "semantic_manifest.json").unlink()
    assert run_dbt(["run", "--quiet"]).success
    assert (target / "semantic_manifest.json").exists()
    # As a run leaves it that was killed after it had parsed.
    (target / "partial_parse.msgpack").touch()
    written = (target / "manifest.json").read_bytes()
    assert run_dbt(["run", "--quiet"]).success
    assert (target / "manifest.json").read_bytes() != written


def test_whoever_decides_what_is_written_is_obeyed(target: Path) -> None:
    written = (target / "manifest.json").read_bytes()
    assert run_dbt(["run", "--quiet", "--write-json"]).success
    assert (target / "manifest.json").read_bytes() != written


def test_dbt_retry_finds_the_results_of_the_last_run(target: Path) -> None:
    Path("models/two.sql").write_text("select nothing from {{ ref('one') }}")
    assert run_dbt(["run", "--quiet"]).success is False
    assert run_dbt(["run", "--quiet"]).success is False
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    statuses = {each["unique_id"]: each["status"] for each in results}
    assert statuses == {"model.toys.one": "success", "model.toys.two": "error"}
    Path("models/two.sql").write_text("select number from {{ ref('one') }}")
    retried = dbtRunner().invoke(["retry", "--quiet"])
    assert [each.node.name for each in retried.result.results] == ["two"]  # type: ignore[union-attr]
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    assert [each["unique_id"] for each in results] == ["model.toys.two"], "a second retry would go on from there"


def test_a_project_that_was_read_before_is_run_as_it_was(target: Path) -> None:
    project = Project.read()
    assert project.manifest
    assert project.run(["run", "--quiet"]).success
    Path("models/two.sql").write_text("select number from {{ ref('one') }}")
    changed = Project.read()
    assert changed.manifest is None, "so that the run writes what there is of it"
    assert changed.run(["run", "--quiet"]).success
    assert "model.toys.two" in json.loads((target / "manifest.json").read_bytes())["nodes"]


def test_a_project_that_cannot_be_read_fails_when_it_is_run(target: Path) -> None:
    Path("models/two.sql").write_text("select number from {{ ref('none') }}")
    project = Project.read()
    assert project.manifest is None
    assert not project.run(["run", "--quiet"]).success
