"""The dbt project and its manifest, which dbt writes when it parses the project."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.dbt_cli.executable import PlainPreparer
from orchestration.dbt_cli.integration import DagsterDbtCliRuntimeError, DbtProject
from warehouse.paths import PROJECT_ROOT, dbt_target_folder

dbt_project = DbtProject(
    project_dir=PROJECT_ROOT / "dbt", profiles_dir=PROJECT_ROOT / "dbt", target_path=dbt_target_folder()
)

# What dbt parses. The manifest is rebuilt if one of these is younger than it.
_PARSED = ("models", "macros", "seeds", "tests", "dbt_project.yml", "profiles.yml")


class ManifestError(Exception):
    """dbt cannot parse the project. The message says why."""


def prepare_manifest(project: DbtProject) -> Path:
    """Return the path of the project's manifest. dbt first parses the project if that has changed.

    Raises:
        ManifestError: dbt cannot parse the project.
    """
    nodes = nodes_of(project.manifest_path)
    if nodes is None or _was_moved(nodes, project) or not _is_current(project):
        preparer = PlainPreparer()
        if nodes and _was_moved(nodes, project):
            preparer.forget_seeds(project)
        try:
            preparer.prepare(project)
        except DagsterDbtCliRuntimeError as error:
            raise ManifestError(
                f"{project.project_dir}: expected a dbt project that can be parsed. {error}\n"
                "Correct what is named there, and try it in that folder: dbt parse"
            ) from None
        if nodes_of(project.manifest_path) is None:
            raise ManifestError(
                f"{project.manifest_path}: dbt parsed the project, but the file that it wrote is not complete. "
                "Is the disk full?"
            )
    return project.manifest_path


def _is_current(project: DbtProject) -> bool:
    built_at = project.manifest_path.stat().st_mtime
    roots = [Path(project.project_dir) / name for name in _PARSED]
    # A folder's own time changes when a file in it is removed or renamed.
    paths = [path for root in roots for path in (root, *root.rglob("*")) if path.exists()]
    return all(path.stat().st_mtime <= built_at for path in paths)


def _was_moved(nodes: Mapping[str, Any], project: DbtProject) -> bool:
    """Whether dbt parsed the project in another folder: of each seed it remembers in which."""
    here = Path(project.project_dir).resolve()
    folders = {node["root_path"] for node in nodes.values() if node["resource_type"] == "seed"}
    return any(folder and not Path(folder).resolve().is_relative_to(here) for folder in folders)


def nodes_of(manifest: Path) -> Mapping[str, Any] | None:
    """Its nodes; None unless dbt wrote all of the file. It did not if it was killed meanwhile, or the disk was full."""
    try:
        nodes: Mapping[str, Any] = json.loads(manifest.read_bytes())["nodes"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return nodes
