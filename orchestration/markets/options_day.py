"""The day of options: candles, option bars and chains are loaded, flow and derived metrics built, a briefing written.

It runs each trading day, when the day's bars are final. Minute files come on the next morning, by their own sensor.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.pipeline import ingest
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.layers import GOLD, OWNERS
from orchestration.assets.partitions import partitions_definition
from orchestration.assets.published import RELEASE, publish_op
from orchestration.assets.raw_assets import started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.checks.quality import check_op
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion import Loaded, LoadedPeriod, SharedOps, what_is_loaded
from orchestration.jobs.ingestion_config import IngestionOptions
from orchestration.markets.files_of_day import Metadata, write_briefing_file, write_snapshot_file
from warehouse.periods import Grain, Period

# In the order in which they are loaded. If one fails, the others are loaded all the same: a chain cannot be had later.
_FEEDS = ("candles_daily", "options_bars", "options_snapshots")
_CHAINS = "options_snapshots"

_NEW_YORK = "America/New_York"
# The bars of a day are final at 20:15, and its chains stand until the next session opens.
_CRON = "30 20 * * 1-5"

SNAPSHOT_FILE, BRIEFING = dg.AssetKey("options_snapshot_file"), dg.AssetKey("briefing_markdown")


class DayToLoad(dg.Config):
    """The trading day."""

    date: str


def options_assets(catalog: Catalog) -> list[dg.AssetsDefinition]:
    """The files of a day as assets, so that a person can have those of past days written again."""
    return [
        _file_asset(
            catalog,
            SNAPSHOT_FILE,
            "The chains of options of a day as a Parquet file, from the current release.",
            [_model("fct_options_snapshots"), RELEASE],
            "parquet",
            write_snapshot_file,
        ),
        _file_asset(
            catalog,
            BRIEFING,
            "What there is to know of a day, as a Markdown file, from the current release: `nyc briefing`.",
            [_model("derived_metrics"), _model("options_flow"), _model("fct_market_days"), RELEASE],
            "markdown",
            write_briefing_file,
        ),
    ]


def _model(name: str) -> dg.AssetKey:
    return next(key for key in dbt_analytics_assets.keys if key.path[-1] == name)


def _file_asset(
    catalog: Catalog,
    key: dg.AssetKey,
    description: str,
    deps: list[dg.AssetKey],
    kind: str,
    write_file: Callable[[date], Metadata],
) -> dg.AssetsDefinition:
    feed = catalog.feeds[_CHAINS]

    @dg.asset(
        key=key,
        deps=deps,
        description=description,
        group_name=GOLD,
        owners=OWNERS,
        tags=tags_of_feeds(catalog, [feed]),
        kinds={kind},
        partitions_def=partitions_definition(feed),
    )
    def write(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata=write_file(date.fromisoformat(context.partition_key)))

    return write


def options_daily_job(shared: SharedOps) -> dg.JobDefinition:
    """The job: load, build with flow and derived metrics, validate, check, publish, write the files of the day."""
    of_days = shared.by_grain[Grain.DAY]
    load = _load_op(shared.catalog, of_days.options)
    snapshot = _file_op(SNAPSHOT_FILE, "Write the day's chains of options as a file.", write_snapshot_file)
    briefing = _file_op(BRIEFING, "Write the day's briefing.", write_briefing_file)

    @dg.job(
        name="options_daily_job",
        description="The day of options: load candles, option bars and chains; build flow and derived metrics; "
        "validate, check, publish; write the chains and the briefing as files.",
        config={"ops": {load.name: {"config": {"date": of_days.options.prefilled()["date"]}}}},
        tags=tags_of_feeds(shared.catalog, [shared.catalog.feeds[name] for name in _FEEDS]),
    )
    def job() -> None:
        loaded = load.with_retry_policy(RETRIES.ingestion)()
        built = shared.build.with_retry_policy(RETRIES.dbt)(loaded)
        published = publish_op(check_op(of_days.validate(built)))
        briefing(loaded, after=snapshot(loaded, after=published))

    return job


def _load_op(catalog: Catalog, options: IngestionOptions) -> dg.OpDefinition:
    sources = ",".join(_FEEDS)

    @dg.op(name="load_day_of_options", pool=WRITER_POOL, out=dg.Out(Loaded))
    def load(context: dg.OpExecutionContext, config: DayToLoad) -> list[LoadedPeriod]:
        partitions = options.partitions(options.to_load({"date": config.date, "sources": sources}))
        in_order = sorted(partitions, key=lambda partition: _FEEDS.index(partition.feed.name))
        return what_is_loaded(context, ingest(in_order, started=started(context)), catalog, sources)

    # As the ops that load periods: wrong values are refused before there is a run.
    @dg.configured(
        load,
        config_schema={"date": dg.Field(str, description="The trading day, such as 2026-01-14.")},
        name="options_day",
        description="Load candles, option bars and chains of a day into raw_data.",
    )
    def load_what_is_asked_for(asked: Mapping[str, Any]) -> dict[str, Any]:
        options.to_load({**asked, "sources": sources})
        return dict(asked)

    return load_what_is_asked_for


def _file_op(key: dg.AssetKey, description: str, write_file: Callable[[date], Metadata]) -> dg.OpDefinition:
    """The step that writes a file of each day that was loaded, and tells Dagster of it as the file's asset."""

    @dg.op(
        name=f"write_{key.path[-1]}", description=description, ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing)
    )
    def write(context: dg.OpExecutionContext, loaded: Loaded) -> None:
        for one in loaded:
            if _CHAINS in one.feeds or key == BRIEFING:
                metadata = write_file(one.period.first_day)
                context.log_event(dg.AssetMaterialization(key, partition=one.period.key, metadata=metadata))

    return write


def options_daily_schedule(catalog: Catalog, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The schedule: 20:30 in New York, on trading days only."""
    feed = catalog.feeds[_CHAINS]

    @dg.schedule(
        name="options_daily",
        job=job,
        cron_schedule=_CRON,
        execution_timezone=_NEW_YORK,
        description="The day of options, at 20:30 in New York, on trading days.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(_NEW_YORK)).date()
        period = Period.parse(Grain.DAY, f"{day}")
        if not list(feed.calendar.expected(period, period)):
            return dg.SkipReason(f"{day} is no trading day.")
        config = {"ops": {"options_day": {"config": {"date": period.key}}}}
        return dg.RunRequest(run_key=period.key, run_config=config)

    return schedule
