"""The resource `dbt`: how a step calls dbt for this project."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.dbt_cli.project import dbt_project
from warehouse.paths import PROJECT_ROOT

# The ledger's hooks (dbt/macros/ledger) read this. dagster-dbt itself sets DAGSTER_DBT_CLI.
_RUN_ID_VARIABLE = "DAGSTER_RUN_ID"

# Answers at once when dagster-dbt asks for its version, which it does before each command.
_DBT = PROJECT_ROOT / "orchestration" / "bin" / "dbt"


class RecordedDbtCliResource(DbtCliResource):
    """dbt that knows which Dagster run it is part of, and writes that into the ledger.

    The id goes through the environment: for a new `--vars` dbt would parse the project again.
    """

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """Make no dbt adapter in this process. dagster-dbt would make one before each command.

        That takes 1.5 CPU seconds and serves only row counts and columns, which `table_metadata` reads itself.
        """
        return None

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[DbtCliResource]:
        """Set the variable while a run lasts. Dagster calls this once for each process that runs a step."""
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


dbt_resource = RecordedDbtCliResource(
    project_dir=str(dbt_project.project_dir), profiles_dir=str(dbt_project.profiles_dir), dbt_executable=str(_DBT)
)


@dg.resource(description="dbt, called for this project.")
def configured_dbt(context: dg.InitResourceContext) -> Iterator[DbtCliResource]:
    """The resource without config. Nobody has to set its paths, and the Launchpad shows none of this machine."""
    with dbt_resource.yield_for_execution(context) as resource:
        yield resource
