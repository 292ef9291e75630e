"""The resource `dbt`: how a step calls dbt for this project."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.dbt_cli.executable import DBT, PlainDbtCliResource
from orchestration.dbt_cli.integration import DbtCliResource
from orchestration.dbt_cli.project import dbt_project

# The ledger's hooks (dbt/macros/ledger) read this. dagster-dbt itself sets DAGSTER_DBT_CLI.
_RUN_ID_VARIABLE = "DAGSTER_RUN_ID"


class RecordedDbtCliResource(PlainDbtCliResource):
    """dbt that knows which Dagster run it is part of, and writes that into the ledger.

    The id goes through the environment: for a new `--vars` dbt would parse the project again.
    """

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
    project_dir=str(dbt_project.project_dir), profiles_dir=str(dbt_project.profiles_dir), dbt_executable=str(DBT)
)


@dg.resource(description="dbt, called for this project.")
def configured_dbt(context: dg.InitResourceContext) -> Iterator[DbtCliResource]:
    """The resource without config. Nobody has to set its paths, and the Launchpad shows none of this machine."""
    with dbt_resource.yield_for_execution(context) as resource:
        yield resource
