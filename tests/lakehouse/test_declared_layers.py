"""Which layers the dbt project declares: read from its manifest, and refused where they are not declared well."""

import json
from pathlib import Path
from typing import Any

import pytest

from warehouse.publishing.project import ProjectError, read_project


def model(name: str, layer: object = None, folder: str = "marts") -> dict[str, Any]:
    """A model as the manifest has it."""
    return {
        "name": name,
        "alias": name,
        "schema": "core_toys",
        "resource_type": "model",
        "fqn": ["nyc_mobility", folder, "toys", name],
        "original_file_path": f"models/{folder}/toys/{name}.yml",
        "description": "",
        "columns": {},
        "checksum": {"checksum": name},
        "raw_code": "",
        "depends_on": {"nodes": [], "macros": []},
        "config": {"materialized": "table", "meta": {} if layer is None else {"layer": layer}},
    }


def layers(folder: Path, *models: dict[str, Any]) -> dict[str, str | None]:
    nodes = {f"model.nyc_mobility.{each['name']}": each for each in models}
    manifest = {"metadata": {"project_name": "nyc_mobility"}, "macros": {}, "nodes": nodes}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "semantic_manifest.json").write_text("{}")
    return {each.name: each.layer for each in read_project(folder).models}


def test_a_model_is_in_the_layer_that_its_meta_names(tmp_path: Path) -> None:
    found = layers(tmp_path, model("rides", {"bucket": "silver", "table": "rides"}), model("zones"))
    assert found == {"rides": "silver/rides", "zones": None}


@pytest.mark.parametrize(
    "declared",
    [
        "silver",
        {"bucket": "silver"},
        {"bucket": "silver", "table": "../gold"},
        {"bucket": "Silver", "table": "rides"},
        {"bucket": "silver", "table": ""},
        {"bucket": "silver", "table": "rides", "format": "delta"},
        {"bucket": 1, "table": "rides"},
    ],
)
def test_a_layer_that_is_not_declared_well_is_refused(declared: object, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"models/marts/toys/rides\.yml: model rides: expected a layer such as"):
        layers(tmp_path, model("rides", declared))


def test_the_manifest_of_another_engine_is_refused(tmp_path: Path) -> None:
    layers(tmp_path, model("rides"))
    written = tmp_path / "manifest.json"
    manifest = json.loads(written.read_text())
    written.write_text(json.dumps(manifest | {"metadata": {"adapter_type": "lakehouse"}}))
    with pytest.raises(ProjectError, match=r"expected dbt's manifest of DuckDB, but it is that of lakehouse"):
        read_project(tmp_path)


def test_a_model_that_is_not_published_is_in_no_layer(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="on a model that is published"):
        layers(tmp_path, model("rides", {"bucket": "silver", "table": "rides"}, folder="staging"))


def test_two_models_are_not_in_one_place(tmp_path: Path) -> None:
    layer = {"bucket": "silver", "table": "rides"}
    with pytest.raises(ProjectError, match="model walks: expected a layer of its own, but rides is written to"):
        layers(tmp_path, model("rides", layer), model("walks", layer))
