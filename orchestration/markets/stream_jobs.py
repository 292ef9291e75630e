"""The jobs that build silver, gold and dimensions from the exchange's streams and the reference files.

Silver is built again and again while messages come in, and gold with it: whoever publishes meanwhile, also of another
subject, gets tables that fit together. The other jobs build what is left of their subject, check, and publish.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.gap_survey import without_unpublished
from ingestion.markets.trading_days import TRADING_DAYS, trading_days
from ingestion.partitions import partitions_between
from ingestion.pipeline import Result, Status, ingest
from orchestration.assets.partitions import partitions_definition
from orchestration.assets.published import publish_op
from orchestration.assets.raw_assets import materialization, raise_on_failure, started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.checks.quality import check_op
from orchestration.dbt_cli.integration import DbtCliResource
from orchestration.execution.retries import DIMENSION_RETRIES, GOLD_RETRIES, RETRIES, SILVER_RETRIES
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion import Loaded, LoadedPeriod, SharedOps
from orchestration.markets.stream_models import DIMENSIONS, GOLD, REFERENCE_FEEDS, SILVER, STREAMS, build_layer
from orchestration.markets.waiting import read_waiting
from warehouse.connection import WarehouseError
from warehouse.periods import Grain, Period

SILVER_JOB, GOLD_JOB, MONTHLY_JOB = "silver_micro_batch_job", "gold_daily_aggregation_job", "gold_monthly_backfill_job"
DIMENSION_JOB = "dimension_refresh_job"
MONTH_OP = "build_gold_of_month"

# The tag of a run that a sensor requests after another run, with that one's id.
TRIGGERED_BY = "triggered_by"


def trading_day_partitions(catalog: Catalog) -> dg.TimeWindowPartitionsDefinition:
    """The trading days, from the first day of the streams to today."""
    return partitions_definition(replace(catalog.feeds[STREAMS[0]], calendar=TRADING_DAYS))


def silver_job(shared: SharedOps) -> dg.JobDefinition:
    """The job that builds silver from what is new."""

    @dg.op(
        name="build_silver",
        description="dbt build of the streams' silver tables, and of gold from them: each event day of which a message "
        "has come since.",
        out=dg.Out(dg.Nothing),
        pool=WRITER_POOL,
    )
    def build(context: dg.OpExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        # Several runs of bronze may end together, and each requests one of these.
        if TRIGGERED_BY in context.run.tags and _is_all_built():
            context.log.info("Nothing is built: no messages were loaded since silver was built.")
        else:
            yield from build_layer(context, dbt, (*SILVER, *GOLD))
        yield dg.Output(None)

    @dg.job(
        name=SILVER_JOB,
        description="Build the streams' silver tables from the messages that have come since the last build, and gold.",
        tags={**_tags(shared, STREAMS), "layer": "silver"},
    )
    def job() -> None:
        build.with_retry_policy(SILVER_RETRIES.dbt)()

    return job


def _is_all_built() -> bool:
    try:
        return not read_waiting(SILVER, STREAMS)
    except WarehouseError:
        return False


def gold_job(shared: SharedOps) -> dg.JobDefinition:
    """The job that builds gold of a trading day, which is its partition."""

    @dg.op(
        name="build_gold",
        description="dbt build of the streams' gold tables and all they read: the day, and days that have changed.",
        out=dg.Out(Loaded),
        pool=WRITER_POOL,
    )
    def build(context: dg.OpExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        day = date.fromisoformat(context.partition_key)
        yield from build_layer(context, dbt, GOLD, _window(day, day))
        yield dg.Output(_of_streams(day))

    @dg.job(
        name=GOLD_JOB,
        description="Build gold of a trading day anew, then what is left of the subject, check, publish.",
        tags={**_tags(shared, STREAMS), "layer": "gold"},
        partitions_def=trading_day_partitions(shared.catalog),
    )
    def job() -> None:
        _build_the_rest_and_publish(shared, build.with_retry_policy(GOLD_RETRIES.dbt)())

    return job


def monthly_job(shared: SharedOps) -> dg.JobDefinition:
    """The job that builds gold of a month's trading days anew, in one run."""
    build = _month_op(shared.catalog)
    last_month = Period(Grain.MONTH, datetime.now(UTC).replace(tzinfo=None)).previous()

    @dg.job(
        name=MONTHLY_JOB,
        description="Build gold of all trading days of a month anew, in one build; then what is left of the subject, "
        "check, publish.",
        config={"ops": {MONTH_OP: {"config": {"month": last_month.key}}}},
        tags={**_tags(shared, STREAMS), "layer": "gold"},
    )
    def job() -> None:
        _build_the_rest_and_publish(shared, build.with_retry_policy(GOLD_RETRIES.dbt)())

    return job


class MonthToBuild(dg.Config):
    """The month, as 2026-01."""

    month: str


def _month_op(catalog: Catalog) -> dg.OpDefinition:
    @dg.op(name="build_month", pool=WRITER_POOL, out=dg.Out(Loaded))
    def build(context: dg.OpExecutionContext, config: MonthToBuild, dbt: DbtCliResource) -> Iterator[Any]:
        days = _days_of(Period.parse(Grain.MONTH, config.month))
        yield from build_layer(context, dbt, GOLD, _window(days[0], days[-1]))
        yield dg.Output(_of_streams(days[-1]), metadata={"trading days": len(days)})

    # Dagster calls this when a run is asked for: wrong values are refused before there is a run.
    @dg.configured(
        build,
        config_schema={"month": dg.Field(str, description="The month, such as 2026-01.")},
        name=MONTH_OP,
        description="dbt build of the streams' gold tables and all they read: every day of the month.",
    )
    def build_what_is_asked_for(asked: dict[str, Any]) -> dict[str, Any]:
        try:
            month = Period.parse(Grain.MONTH, asked["month"])
            first = catalog.feeds[STREAMS[0]].first_day
            if month.last_day < first or not month.has_begun(datetime.now(UTC).replace(tzinfo=None)):
                raise ValueError(f"month: expected a month from {first:%Y-%m} until today, but got {month}")
        except ValueError as error:
            refusal = dg.DagsterInvalidConfigError(f"No run was started: {error}", [], asked)  # type: ignore[no-untyped-call]
            raise refusal from None
        return dict(asked)

    return build_what_is_asked_for


def dimension_job(shared: SharedOps) -> dg.JobDefinition:
    """The job that loads new reference files and builds the dimensions."""
    load = _load_reference_files_op(shared.catalog)

    @dg.op(
        name="build_dimensions",
        description="dbt build of the dimensions, from all reference files that are loaded.",
        out=dg.Out(Loaded),
        pool=WRITER_POOL,
    )
    def build(context: dg.OpExecutionContext, loaded: Loaded, dbt: DbtCliResource) -> Iterator[Any]:
        yield from build_layer(context, dbt, DIMENSIONS)
        yield dg.Output(loaded)

    @dg.job(
        name=DIMENSION_JOB,
        description="Load reference files that are new or replaced, build the dimensions and what reads them, check, "
        "publish.",
        tags={**_tags(shared, REFERENCE_FEEDS), "layer": "dimensions"},
    )
    def job() -> None:
        loaded = load.with_retry_policy(RETRIES.ingestion)()
        _build_the_rest_and_publish(shared, build.with_retry_policy(DIMENSION_RETRIES.dbt)(loaded))

    return job


def _load_reference_files_op(catalog: Catalog) -> dg.OpDefinition:
    feeds = [catalog.feeds[name] for name in REFERENCE_FEEDS]

    @dg.op(
        name="load_reference_files",
        description="Load the reference files of the bucket that are not loaded as they are.",
        out=dg.Out(Loaded),
        pool=WRITER_POOL,
    )
    def load(context: dg.OpExecutionContext) -> list[LoadedPeriod]:
        today = Period(Grain.DAY, datetime.now(UTC).replace(tzinfo=None))
        first = min(feed.first_period for feed in feeds)
        published, unreachable = without_unpublished(partitions_between(feeds, first, today))
        if unreachable:
            raise dg.Failure("; ".join(f"{name} could not be asked: {why}" for name, why in unreachable.items()))
        _tell(context, ingest(published, started=started(context)), catalog)
        return [LoadedPeriod(today, REFERENCE_FEEDS)]

    return load


def _tell(context: dg.OpExecutionContext, results: list[Result], catalog: Catalog) -> None:
    for result in results:
        if result.status is not Status.UNCHANGED:
            context.log.info("%s: %s", result.partition, result.error or result.status)
        if result.status is Status.LOADED:
            context.log_event(materialization(result, catalog))
    raise_on_failure(results)
    context.add_output_metadata(
        {"files": len(results), "loaded": sum(result.status is Status.LOADED for result in results)}
    )


def _build_the_rest_and_publish(shared: SharedOps, built: Any) -> None:
    """The steps after a layer is built. A release holds all of a subject, so all of it has to be built."""
    publish_op(check_op(shared.build.with_retry_policy(RETRIES.dbt)(built)))


def _of_streams(day: date) -> list[LoadedPeriod]:
    return [LoadedPeriod(Period.parse(Grain.DAY, f"{day}"), STREAMS)]


def _window(first: date, last: date) -> dict[str, object]:
    return {"backfill_start_date": f"{first}", "backfill_end_date": f"{last}"}


def _days_of(month: Period) -> list[date]:
    return sorted(trading_days(month.first_day, month.last_day))


def _tags(shared: SharedOps, names: tuple[str, ...]) -> dict[str, str]:
    return tags_of_feeds(shared.catalog, [shared.catalog.feeds[name] for name in names])
