"""The dbt manifest as assets: every model, seed and test."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.assets.translator import TRANSLATOR
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.integration import DbtCliResource, dbt_assets
from orchestration.dbt_cli.project import dbt_project, prepare_manifest
from orchestration.dbt_cli.runs import run_dbt
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL


def dbt_assets_with(retry_policy: dg.RetryPolicy) -> dg.AssetsDefinition:
    """Every model and seed of the dbt project, with tests as checks, in one step that this policy retries."""

    @dbt_assets(
        manifest=prepare_manifest(dbt_project),
        project=dbt_project,
        name="dbt_analytics_assets",
        dagster_dbt_translator=TRANSLATOR,
        pool=WRITER_POOL,
        retry_policy=retry_policy,
    )
    def build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        """Build what is selected, or everything, with its tests."""
        yield from run_dbt(context.op_execution_context, dbt, dbt_build_arguments(), TRANSLATOR)

    return build


dbt_analytics_assets = dbt_assets_with(RETRIES.dbt)
