"""Backfill of a month: load it, rebuild the facts from all of raw data, check that it is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from pydantic import Field

from ingestion.feeds import DEFAULT_SOURCES, resolve_sources
from ingestion.pipeline import Result, Status, ingest, partitions_of
from orchestration.assets.raw_assets import asset_key, metadata, raise_on_failure, started
from orchestration.resources.dbt import dbt_project
from orchestration.resources.writer_pool import WRITER_POOL
from warehouse.connection import open_for_reading


class MonthlyIngestionConfig(dg.Config):
    """The month to load, and of which sources."""

    year: int = Field(ge=2009, description="The year of the files, such as 2025.")
    month: int = Field(ge=1, le=12, description="The month of the files, 1 to 12.")
    sources: str = Field(
        default=DEFAULT_SOURCES, description="Comma-separated feeds; taxi stands for yellow,green,fhv."
    )


@dataclass(frozen=True)
class LoadedMonth:
    """A month, and its feeds that are in raw data."""

    month: date
    feeds: tuple[str, ...]


@dg.op(pool=WRITER_POOL, description="Load a month of published files into raw_data.")
def monthly_dlt_ingestion(context: dg.OpExecutionContext, config: MonthlyIngestionConfig) -> LoadedMonth:
    """Load the configured month, and fail if a file could not be loaded or none is published."""
    month = date(config.year, config.month, 1)
    results = ingest(partitions_of(resolve_sources(config.sources), [month]), started=started(context))
    for result in results:
        context.log.info("%s: %s", result.partition, result.error or result.status)
        if result.status is Status.LOADED:
            context.log_event(_materialization(result))
    raise_on_failure(results)
    feeds = tuple(result.partition.feed.name for result in results if result.status is not Status.NOT_PUBLISHED)
    if not feeds:
        raise dg.Failure(
            f"{month:%Y-%m}: expected files of {config.sources}, but none is published (yet). Run the job again later."
        )
    return LoadedMonth(month, feeds)


def _materialization(result: Result) -> dg.AssetMaterialization:
    partition = result.partition
    return dg.AssetMaterialization(
        asset_key(partition.feed), partition=f"{partition.month:%Y-%m-%d}", metadata=metadata(result)
    )


@dg.op(pool=WRITER_POOL, out=dg.Out(LoadedMonth), description="dbt build --full-refresh: all models and tests.")
def dbt_full_refresh(context: dg.OpExecutionContext, loaded: LoadedMonth, dbt: DbtCliResource) -> Iterator[Any]:
    """Rebuild every model from all of raw data, and run every test."""
    build = dbt.cli(["build", "--full-refresh"], manifest=dbt_project.manifest_path, context=context)
    yield from build.stream()
    yield dg.Output(loaded)


@dg.op(pool=WRITER_POOL, out=dg.Out(LoadedMonth), description="dbt build: what changed, and all tests.")
def dbt_build(context: dg.OpExecutionContext, loaded: LoadedMonth, dbt: DbtCliResource) -> Iterator[Any]:
    """Rebuild what changed of every model, and run every test."""
    yield from dbt.cli(["build"], manifest=dbt_project.manifest_path, context=context).stream()
    yield dg.Output(loaded)


@dg.op(description="Check that the month is in the facts.")
def validate_month(context: dg.OpExecutionContext, loaded: LoadedMonth) -> None:
    """Fail if a feed that was loaded has no rows of the month downstream of it."""
    rows = _rows_downstream(loaded.month)
    missing = [feed for feed in loaded.feeds if not rows.get(feed)]
    if missing:
        raise dg.Failure(
            f"{loaded.month:%Y-%m}: expected rows of {', '.join(missing)} in core_core.fct_trips (or dim_weather), "
            "but there are none. The reasons in core_core.quarantined_trips say why rows were rejected. "
            "If the file was broken, load the month again with --force and run the job once more."
        )
    context.add_output_metadata({feed: rows[feed] for feed in loaded.feeds})


def _rows_downstream(month: date) -> dict[str, int]:
    """How many rows of each feed's month the star schema holds."""
    with open_for_reading() as connection:
        return dict(
            connection.execute(
                """
                select feed, count(*) from core_core.fct_trips where source_month = $month group by feed
                union all
                select 'weather', count(*) from core_core.dim_weather
                where hour_timestamp >= $month and hour_timestamp < $month + interval 1 month
                having count(*) > 0
                """,
                {"month": month},
            ).fetchall()
        )


@dg.job(description=__doc__)
def backfill_monthly_data() -> None:
    """Load a month, rebuild the facts, check that the month is there."""
    validate_month(dbt_full_refresh(monthly_dlt_ingestion()))


@dg.job(description="Load a month, rebuild what changed, check that the month is there.")
def monthly_ingestion() -> None:
    """The same without full refresh."""
    validate_month(dbt_build(monthly_dlt_ingestion()))
