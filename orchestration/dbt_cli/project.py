"""The dbt project and its manifest, which dbt writes when it parses the project."""

import json
from pathlib import Path

from dagster_dbt import DagsterDbtCliRuntimeError, DbtProject

from orchestration.dbt_cli.executable import PlainPreparer
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
    if not _is_manifest_current(project):
        try:
            PlainPreparer().prepare(project)
        except DagsterDbtCliRuntimeError as error:
            raise ManifestError(
                f"{project.project_dir}: expected a dbt project that can be parsed. {error}\n"
                "Correct what is named there, and try it in that folder: dbt parse"
            ) from None
        if not _is_complete(project.manifest_path):
            raise ManifestError(
                f"{project.manifest_path}: dbt parsed the project, but the file that it wrote is not complete. "
                "Is the disk full?"
            )
    return project.manifest_path


def _is_manifest_current(project: DbtProject) -> bool:
    if not _is_complete(project.manifest_path):
        return False
    built_at = project.manifest_path.stat().st_mtime
    roots = [Path(project.project_dir) / name for name in _PARSED]
    # A folder's own time changes when a file in it is removed or renamed.
    paths = [path for root in roots for path in (root, *root.rglob("*")) if path.exists()]
    return all(path.stat().st_mtime <= built_at for path in paths)


def _is_complete(manifest: Path) -> bool:
    """Whether dbt wrote all of it. It did not if it was killed meanwhile, or the disk was full."""
    try:
        return "nodes" in json.loads(manifest.read_bytes())
    except (FileNotFoundError, ValueError, TypeError):
        return False
