"""The jobs of a month: load it, build on it, check that nothing of it is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from ingestion.pipeline import Status, ingest, partitions_of
from orchestration.assets.raw_assets import materialization, raise_on_failure, started
from orchestration.assets.translator import TRANSLATOR
from orchestration.jobs.monthly_config import MonthlyIngestionConfig
from orchestration.jobs.validation import rows_of_month, what_is_wrong
from orchestration.resources.dbt_commands import dbt_build_arguments
from orchestration.resources.dbt_runs import run_dbt
from orchestration.resources.retries import RETRIES, Retries
from orchestration.resources.writer_pool import WRITER_POOL
from warehouse.connection import open_for_reading


@dataclass(frozen=True)
class LoadedMonth:
    """A month, and its feeds that are in raw data."""

    month: date
    feeds: tuple[str, ...]


@dg.op(pool=WRITER_POOL)
def load_month(context: dg.OpExecutionContext, config: MonthlyIngestionConfig) -> LoadedMonth:
    """Load the configured month, and fail if a file could not be loaded or none is published."""
    month = config.first_day
    results = ingest(partitions_of(config.feeds, [month]), started=started(context))
    for result in results:
        context.log.info("%s: %s", result.partition, result.error or result.status)
        if result.status is Status.LOADED:
            context.log_event(materialization(result))
    raise_on_failure(results)
    feeds = tuple(result.partition.feed.name for result in results if result.status is not Status.NOT_PUBLISHED)
    if not feeds:
        raise dg.Failure(
            f"{month:%Y-%m}: expected files of {config.sources}, but none is published (yet). Run the job again later.",
            allow_retries=False,
        )
    return LoadedMonth(month, feeds)


# Dagster checks an op's own config when the op starts; this function it calls when a run is asked for, so that wrong
# values are refused before there is a run.
@dg.configured(load_month, description="Load a month of published files into raw_data.")
def monthly_dlt_ingestion(config: MonthlyIngestionConfig) -> MonthlyIngestionConfig:
    """The config, which was validated when it was made."""
    return config


def _dbt_op(name: str, *, full_refresh: bool) -> dg.OpDefinition:
    arguments = dbt_build_arguments(full_refresh=full_refresh)

    @dg.op(
        name=name,
        pool=WRITER_POOL,
        out=dg.Out(LoadedMonth),
        description=f"dbt {' '.join(arguments)}: all models and tests.",
    )
    def build(context: dg.OpExecutionContext, loaded: LoadedMonth, dbt: DbtCliResource) -> Iterator[Any]:
        yield from run_dbt(context, dbt, arguments, TRANSLATOR)
        yield dg.Output(loaded)

    return build


# Rebuilds the months whose file changed, whichever they are.
dbt_build = _dbt_op("dbt_build", full_refresh=False)
# Rebuilds every model from all of raw data.
dbt_full_refresh = _dbt_op("dbt_full_refresh", full_refresh=True)


@dg.op(description="Check that every row that was loaded is in the facts, or in quarantine.")
def validate_month(context: dg.OpExecutionContext, loaded: LoadedMonth) -> None:
    """Fail if rows of a loaded feed are missing, or too many, downstream of it."""
    with open_for_reading() as connection:
        counts = [rows_of_month(connection, feed, loaded.month) for feed in loaded.feeds]
    wrong = what_is_wrong(counts, loaded.month)
    if wrong:
        raise dg.Failure(wrong, allow_retries=False)
    context.add_output_metadata({count.feed: count.found for count in counts})


def monthly_job(name: str, description: str, build: dg.OpDefinition, retries: Retries = RETRIES) -> dg.JobDefinition:
    """A job that loads a month, builds on it with this op, and validates it."""

    @dg.job(name=name, description=description)
    def job() -> None:
        loaded = monthly_dlt_ingestion.with_retry_policy(retries.ingestion)()
        validate_month(build.with_retry_policy(retries.dbt)(loaded))

    return job


backfill_monthly_data = monthly_job(
    "backfill_monthly_data", "Load a month, rebuild every model from all of raw data, validate.", dbt_full_refresh
)
monthly_ingestion = monthly_job(
    "monthly_ingestion", "Load a month, in any order, rebuild what it changes, validate.", dbt_build
)
