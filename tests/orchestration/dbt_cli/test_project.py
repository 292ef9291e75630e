"""The dbt manifest: parsed again when the project changed, and only then."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration.dbt_cli.integration import DbtProject
from orchestration.dbt_cli.project import ManifestError, dbt_project, nodes_of, prepare_manifest
from tests.dbt.small_warehouse import PARTIAL_PARSE, keep_parsed_project


@pytest.fixture
def project(tmp_path: Path) -> DbtProject:
    """The dbt project, moved to another folder with a manifest that is younger than all of it."""
    manifest = prepare_manifest(dbt_project)
    folder = tmp_path / "dbt"
    shutil.copytree(dbt_project.project_dir, folder, ignore=shutil.ignore_patterns("target", "logs"))
    keep_parsed_project(folder / "target")
    shutil.copyfile(manifest, folder / "target" / "manifest.json")
    return DbtProject(project_dir=folder, profiles_dir=folder)


def test_a_manifest_that_is_current_is_taken_as_it_is() -> None:
    before = prepare_manifest(dbt_project).stat()
    assert prepare_manifest(dbt_project).stat() == before


def test_the_manifest_is_where_what_is_published_looks_for_it(tmp_path: Path) -> None:
    keep_parsed_project(tmp_path)
    asked = "from orchestration.dbt_cli import project; print(project.prepare_manifest(project.dbt_project))"
    said = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | {"DBT_TARGET_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(said.stdout.strip()) == tmp_path / "manifest.json"
    assert (tmp_path / "manifest.json").exists()


def test_a_new_model_is_in_the_manifest_and_seeds_are_where_the_project_is(project: DbtProject) -> None:
    (Path(project.project_dir) / "models" / "marts" / "mobility" / "brand_new.sql").write_text("select 1 as n")
    nodes = json.loads(prepare_manifest(project).read_text())["nodes"]
    assert "model.nyc_mobility.brand_new" in nodes
    # Else dbt would look for them where it parsed them first.
    folders = {node["root_path"] for node in nodes.values() if node["resource_type"] == "seed"}
    assert folders == {str(project.project_dir)}


def test_tests_keep_what_they_are_configured_with_when_their_sql_or_a_table_they_read_changes(
    project: DbtProject,
) -> None:
    before = _configured(project)
    assert sum("dagster" in config["meta"] for config in before.values()) > 10
    for sql in (Path(project.project_dir) / "tests").rglob("assert_*.sql"):
        sql.write_text(sql.read_text() + "-- changed\n")
    prepare_manifest(project)
    assert _configured(project) == before
    [table] = (Path(project.project_dir) / "models").rglob("fct_hourly_mobility.sql")
    table.write_text(table.read_text() + "-- changed\n")
    prepare_manifest(project)
    assert _configured(project) == before


def _configured(project: DbtProject) -> dict[str, dict[str, Any]]:
    """What the tests of the folder `tests` are configured with, by their names."""
    nodes = json.loads(project.manifest_path.read_text())["nodes"].values()
    return {node["name"]: node["config"] for node in nodes if node["original_file_path"].startswith("tests/")}


def test_a_manifest_that_was_not_written_to_its_end_is_made_anew(project: DbtProject) -> None:
    whole = json.loads(project.manifest_path.read_text())["nodes"].keys()
    os.truncate(project.manifest_path, 200_000)
    project.manifest_path.with_name(PARTIAL_PARSE).write_bytes(b"half")
    assert json.loads(prepare_manifest(project).read_text())["nodes"].keys() == whole


@pytest.mark.parametrize("bytes_left", [0, 1, 200_000])
def test_a_part_of_a_manifest_has_no_nodes(tmp_path: Path, bytes_left: int) -> None:
    part = tmp_path / "manifest.json"
    part.write_bytes(prepare_manifest(dbt_project).read_bytes()[:bytes_left])
    assert nodes_of(part) is None
    part.unlink()
    assert nodes_of(part) is None


def test_a_project_that_cannot_be_parsed_says_why(project: DbtProject) -> None:
    (Path(project.project_dir) / "models" / "marts" / "mobility" / "half_done.sql").write_text("select {{ ref(")
    with pytest.raises(ManifestError) as refused:
        prepare_manifest(project)
    said = str(refused.value)
    assert "models/marts/mobility/half_done.sql" in said
    assert "unexpected 'end of template'" in said
    assert len(said) < 900
