"""The dbt project as Dagster sees it."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtCliRuntimeError, DbtCliResource, DbtProject

from warehouse.paths import PROJECT_ROOT

dbt_project = DbtProject(project_dir=PROJECT_ROOT / "dbt", profiles_dir=PROJECT_ROOT / "dbt")

# What dbt parses; the manifest is rebuilt when one of these is younger than it.
_PARSED = ("models", "macros", "seeds", "tests", "dbt_project.yml", "profiles.yml")


class ManifestError(Exception):
    """dbt cannot parse the project; the message says why."""


def _is_manifest_current(project: DbtProject) -> bool:
    if not _is_whole(project.manifest_path):
        return False
    built_at = project.manifest_path.stat().st_mtime
    roots = [Path(project.project_dir) / name for name in _PARSED]
    # A folder's own time changes when a file in it is removed or renamed.
    paths = [path for root in roots for path in (root, *root.rglob("*")) if path.exists()]
    return all(path.stat().st_mtime <= built_at for path in paths)


def _is_whole(manifest: Path) -> bool:
    """Whether dbt came to the end of writing it: it was not killed meanwhile, and the disk was not full."""
    try:
        return "nodes" in json.loads(manifest.read_bytes())
    except (FileNotFoundError, ValueError, TypeError):
        return False


def prepare_manifest(project: DbtProject) -> Path:
    """Return the project's manifest, after having dbt parse the project if it changed since, or the file is broken.

    Raises:
        ManifestError: dbt cannot parse the project.
    """
    if not _is_manifest_current(project):
        try:
            project.preparer.prepare(project)
        except DagsterDbtCliRuntimeError as error:
            raise ManifestError(
                f"{project.project_dir}: expected a dbt project that can be parsed. {error}\n"
                "Mend what is named there, and try it in that folder: dbt parse"
            ) from None
        if not _is_whole(project.manifest_path):
            raise ManifestError(
                f"{project.manifest_path}: dbt parsed the project, but what it wrote is not whole. Is the disk full?"
            )
    return project.manifest_path


# What the ledger's hooks (dbt/macros/ledger) read; dagster-dbt itself sets DAGSTER_DBT_CLI.
_RUN_ID_VARIABLE = "DAGSTER_RUN_ID"


class RecordedDbtCliResource(DbtCliResource):
    """dbt, told the Dagster run it is part of, for its row in the ledger.

    Through the environment, which dagster-dbt hands on: dbt would parse the project again for a new `--vars`.
    """

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """No dbt adapter in this process, where `cli` would make one before each command.

        That takes 1.5 CPU seconds, and is for rows and columns alone, which `table_metadata` asks for in its own way.
        """
        return None

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[DbtCliResource]:
        """What Dagster calls for each run, and in it for each process that runs a step."""
        before = os.environ.get(_RUN_ID_VARIABLE)
        os.environ[_RUN_ID_VARIABLE] = context.run.run_id if context.run else ""
        try:
            with super().yield_for_execution(context) as resource:
                yield resource
        finally:
            if before is None:
                del os.environ[_RUN_ID_VARIABLE]
            else:
                os.environ[_RUN_ID_VARIABLE] = before


# Says its version at once, which dagster-dbt asks for before each command.
_DBT = PROJECT_ROOT / "orchestration" / "bin" / "dbt"

dbt_resource = RecordedDbtCliResource(
    project_dir=str(dbt_project.project_dir), profiles_dir=str(dbt_project.profiles_dir), dbt_executable=str(_DBT)
)


@dg.resource(description="dbt, called for this project.")
def configured_dbt(context: dg.InitResourceContext) -> Iterator[DbtCliResource]:
    """The resource without config: nobody sets where the project is, and the Launchpad shows no paths of a machine."""
    with dbt_resource.yield_for_execution(context) as resource:
        yield resource
