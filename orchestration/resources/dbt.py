"""The dbt project as Dagster sees it."""

from pathlib import Path

from dagster_dbt import DbtCliResource, DbtProject

from warehouse.paths import PROJECT_ROOT

dbt_project = DbtProject(project_dir=PROJECT_ROOT / "dbt", profiles_dir=PROJECT_ROOT / "dbt")

# What dbt parses; the manifest is rebuilt when one of these is younger than it.
_PARSED = ("models", "macros", "seeds", "tests", "dbt_project.yml", "profiles.yml")


def _is_manifest_current(project: DbtProject) -> bool:
    if not project.manifest_path.exists():
        return False
    built_at = project.manifest_path.stat().st_mtime
    roots = [Path(project.project_dir) / name for name in _PARSED]
    # A folder's own time changes when a file in it is removed or renamed.
    paths = [path for root in roots for path in (root, *root.rglob("*")) if path.exists()]
    return all(path.stat().st_mtime <= built_at for path in paths)


def prepare_manifest(project: DbtProject) -> Path:
    """Return the project's manifest, after having dbt parse the project if it changed since."""
    if not _is_manifest_current(project):
        project.preparer.prepare(project)
    return project.manifest_path


# Says its version at once, which dagster-dbt asks for before each command.
_DBT = PROJECT_ROOT / "orchestration" / "bin" / "dbt"

dbt_resource = DbtCliResource(project_dir=dbt_project, dbt_executable=str(_DBT))
