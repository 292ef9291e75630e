"""The monthly jobs: load one or more months, build on them once, check that nothing of them is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from ingestion.catalog import resolve_sources
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from orchestration.assets.raw_assets import materialization, raise_on_failure, started
from orchestration.assets.translator import TRANSLATOR
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.runs import run_dbt
from orchestration.execution.retries import RETRIES, Retries
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.monthly_config import ASKED, MonthsToLoad, months_to_load, newest_due_month
from orchestration.jobs.validation import rows_of_month, what_is_wrong
from warehouse.connection import open_for_reading
from warehouse.periods import Period


@dataclass(frozen=True)
class LoadedMonth:
    """A month, and its feeds that are in raw data; none where nothing of it is published."""

    month: Period
    feeds: tuple[str, ...]


Loaded = list[LoadedMonth]


@dg.op(pool=WRITER_POOL)
def load_months(context: dg.OpExecutionContext, config: MonthsToLoad) -> Loaded:
    """Load the configured months, and fail if a file could not be loaded or none at all is published."""
    feeds = resolve_sources(config.sources)
    partitions = [Partition(feed, month) for month in config.periods for feed in feeds]
    results = ingest(partitions, started=started(context))
    for result in results:
        context.log.info("%s: %s", result.partition, result.error or result.status)
        if result.status is Status.LOADED:
            context.log_event(materialization(result))
    raise_on_failure(results)
    there = [result.partition for result in results if result.status is not Status.NOT_PUBLISHED]
    loaded = [
        LoadedMonth(month, tuple(partition.feed.name for partition in there if partition.period == month))
        for month in config.periods
    ]
    if not there:
        raise dg.Failure(_nothing_published(loaded, config.sources), allow_retries=False)
    return loaded


def _nothing_published(months: Loaded, sources: str) -> str:
    named = ", ".join(loaded.month.key for loaded in months)
    return f"{named}: expected files of {sources}, but none is published (yet). Run the job again later."


# Dagster checks an op's own config when the op starts; this function it calls when a run is asked for, so that wrong
# values are refused before there is a run.
@dg.configured(load_months, config_schema=ASKED, description="Load months of published files into raw_data.")
def monthly_dlt_ingestion(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the op, from what was asked for."""
    return dict(months_to_load(asked))


def _dbt_op(name: str, *, full_refresh: bool) -> dg.OpDefinition:
    arguments = dbt_build_arguments(full_refresh=full_refresh)

    @dg.op(
        name=name,
        pool=WRITER_POOL,
        out=dg.Out(Loaded),
        description=f"dbt {' '.join(arguments)}: all models and data tests.",
    )
    def build(context: dg.OpExecutionContext, loaded: Loaded, dbt: DbtCliResource) -> Iterator[Any]:
        yield from run_dbt(context, dbt, arguments, TRANSLATOR)
        yield dg.Output(loaded)

    return build


# Rebuilds the months whose file changed, whichever they are.
dbt_build = _dbt_op("dbt_build", full_refresh=False)
# Rebuilds every model from all of raw data.
dbt_full_refresh = _dbt_op("dbt_full_refresh", full_refresh=True)


@dg.op(description="Check that every row that was loaded is in the facts, or in quarantine.")
def validate_month(context: dg.OpExecutionContext, loaded: Loaded) -> None:
    """Fail if rows of a loaded feed are missing, or too many, downstream of it, or a month is not published at all."""
    with open_for_reading() as connection:
        counts = {
            one.month: [rows_of_month(connection, feed, one.month) for feed in one.feeds] for one in loaded if one.feeds
        }
    wrong = [said for month, of_month in counts.items() if (said := what_is_wrong(of_month, month))]
    missing = [one for one in loaded if not one.feeds]
    if missing:
        wrong.append(_nothing_published(missing, "the sources"))
    if wrong:
        raise dg.Failure("\n".join(wrong), allow_retries=False)
    context.add_output_metadata(
        {f"{count.feed} {month}": count.kept for month, of_month in counts.items() for count in of_month}
    )


def monthly_job(name: str, description: str, build: dg.OpDefinition, retries: Retries = RETRIES) -> dg.JobDefinition:
    """A job that loads months, builds on them once with this op, and validates each."""
    month = newest_due_month()
    prefilled = {"config": {"year": month.start.year, "month": month.start.month}}

    @dg.job(name=name, description=description, config={"ops": {monthly_dlt_ingestion.name: prefilled}})
    def job() -> None:
        loaded = monthly_dlt_ingestion.with_retry_policy(retries.ingestion)()
        validate_month(build.with_retry_policy(retries.dbt)(loaded))

    return job


backfill_monthly_data = monthly_job(
    "backfill_monthly_data", "Load months, rebuild every model from all of raw data once, validate.", dbt_full_refresh
)
monthly_ingestion = monthly_job(
    "monthly_ingestion", "Load months, in any order, rebuild what they change, validate.", dbt_build
)
