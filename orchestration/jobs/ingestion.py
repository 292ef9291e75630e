"""The ingestion jobs of each grain: load periods, build on them once, validate, check and publish."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.published import publish_op
from orchestration.assets.raw_assets import ingest_published, materialization, raise_on_failure, started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.assets.translator import TRANSLATOR
from orchestration.checks.quality import check_op
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.integration import DbtCliResource
from orchestration.dbt_cli.runs import run_dbt
from orchestration.dbt_cli.selection import selection_to_build
from orchestration.execution.retries import RETRIES, Retries
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion_config import ADVERBS, IngestionOptions, PeriodsToLoad
from orchestration.jobs.validation import rows_of, what_is_wrong
from warehouse.connection import open_for_reading
from warehouse.periods import Grain, Period, compress

# Of how many partitions a step shows the rows, or says what is wrong: of hours there may be thousands.
_MOST_SAID = 100


@dataclass(frozen=True)
class LoadedPeriod:
    """A period, and the names of its feeds that are in raw data: none if nothing of it is published."""

    period: Period
    feeds: tuple[str, ...]


Loaded = list[LoadedPeriod]


@dataclass(frozen=True)
class IngestionOps:
    """The ops that the jobs of one grain share."""

    options: IngestionOptions
    load: dg.OpDefinition
    validate: dg.OpDefinition


@dataclass(frozen=True)
class SharedOps:
    """The ops of which ingestion jobs are made, so that jobs of a subject's own are made of the same."""

    catalog: Catalog
    by_grain: Mapping[Grain, IngestionOps]
    build: dg.OpDefinition
    full_refresh: dg.OpDefinition


def shared_ops(catalog: Catalog) -> SharedOps:
    """The ops for the feeds of a catalog."""
    return SharedOps(
        catalog,
        {options.grain: ingestion_ops(options) for options in _options_of(catalog)},
        dbt_op(catalog, "dbt_build", full_refresh=False),
        dbt_op(catalog, "dbt_full_refresh", full_refresh=True),
    )


def _options_of(catalog: Catalog) -> list[IngestionOptions]:
    """The options of each grain that has feeds of files."""
    every = [IngestionOptions(catalog, grain) for grain in catalog.grains]
    return [options for options in every if options.feeds]


def ingestion_ops(options: IngestionOptions) -> IngestionOps:
    """The ops that load and validate periods of a grain."""
    return IngestionOps(options, _load_op(options), _validate_op(options))


def _load_op(options: IngestionOptions) -> dg.OpDefinition:
    @dg.op(name=f"load_{options.grain}s", pool=WRITER_POOL, out=dg.Out(Loaded))
    def load(context: dg.OpExecutionContext, config: PeriodsToLoad) -> Loaded:
        partitions = options.partitions(config)
        results = ingest_published(partitions, started(context))
        if not results:
            asked = dict.fromkeys(partition.period for partition in partitions)
            raise dg.Failure(_not_published(asked, config.sources), allow_retries=False)
        return what_is_loaded(context, results, options.catalog, config.sources)

    # Dagster checks an op's own config only when the op starts. This function it calls when a run is asked for, so
    # that wrong values are refused before there is a run.
    @dg.configured(
        load,
        config_schema=options.schema(),
        name=load_op_name(options.grain),
        description=f"Load {options.grain}s of published files into raw_data.",
    )
    def load_what_is_asked_for(asked: Mapping[str, Any]) -> dict[str, Any]:
        return dict(options.to_load(asked))

    return load_what_is_asked_for


def what_is_loaded(
    context: dg.OpExecutionContext, results: list[Result], catalog: Catalog, sources: str
) -> list[LoadedPeriod]:
    """Tell Dagster what a load did, and the steps after it what there is to build.

    Raises:
        dagster.Failure: a partition failed, or nothing of the sources is published.
    """
    for result in results:
        context.log.info("%s: %s", result.partition, result.error or result.status)
        if result.status is Status.LOADED:
            context.log_event(materialization(result, catalog))
    raise_on_failure(results)
    there = [result.partition for result in results if result.status is not Status.NOT_PUBLISHED]
    periods = dict.fromkeys(result.partition.period for result in results)
    if not there:
        raise dg.Failure(_not_published(periods, sources), allow_retries=False)
    return [
        LoadedPeriod(period, tuple(partition.feed.name for partition in there if partition.period == period))
        for period in periods
    ]


def _not_published(periods: Iterable[Period], sources: str) -> str:
    return f"{compress(periods)}: expected files of {sources}, but none is published (yet). Run the job again later."


def dbt_op(catalog: Catalog, name: str, *, full_refresh: bool = False, always: Sequence[Feed] = ()) -> dg.OpDefinition:
    """The op that has dbt build the subjects of what was loaded, with their tests; those of `always` in any case."""

    @dg.op(
        name=name,
        pool=WRITER_POOL,
        out=dg.Out(Loaded),
        description=f"dbt {' '.join(dbt_build_arguments(full_refresh=full_refresh))}: all models and data tests of the "
        "subjects that were loaded.",
    )
    def build(context: dg.OpExecutionContext, loaded: Loaded, dbt: DbtCliResource) -> Iterator[Any]:
        feeds = [*always, *(catalog.feeds[name] for one in loaded for name in one.feeds)]
        with open_for_reading() as connection:
            selection = selection_to_build(catalog, feeds, nodes_of_manifest().values(), connection)
        arguments = dbt_build_arguments(full_refresh=full_refresh, select=selection)
        yield from run_dbt(context, dbt, arguments, TRANSLATOR)
        yield dg.Output(loaded)

    return build


def _validate_op(options: IngestionOptions) -> dg.OpDefinition:
    @dg.op(
        name=f"validate_{options.grain}",
        description="Check that every row that was loaded is kept, or in quarantine. Fails if rows are missing, or too "
        f"many, or if a {options.grain} is not published at all.",
    )
    def validate(context: dg.OpExecutionContext, loaded: Loaded) -> None:
        validate_loaded(context, options.catalog, loaded)

    return validate


def validate_loaded(context: dg.OpExecutionContext, catalog: Catalog, loaded: Loaded) -> None:
    """Check that every row of these periods, which may be of several grains, is kept or in quarantine.

    Raises:
        dagster.Failure: rows are missing, or too many, or a period is not published at all.
    """
    partitions = [Partition(catalog.feeds[name], one.period) for one in loaded for name in one.feeds]
    with open_for_reading() as connection:
        rows = rows_of(connection, partitions)
    wrong = what_is_wrong(rows)
    missing = [one.period for one in loaded if not one.feeds]
    if missing:
        wrong.append(_not_published(missing, "the sources"))
    if wrong:
        raise dg.Failure("\n".join(wrong[:_MOST_SAID]), allow_retries=False)
    shown = {str(partition): counts.kept for partition, counts in list(rows.items())[:_MOST_SAID]}
    context.add_output_metadata({**shown, "partitions": len(rows)})


def ingestion_job(
    name: str, description: str, ops: IngestionOps, build: dg.OpDefinition, retries: Retries = RETRIES
) -> dg.JobDefinition:
    """A job that loads periods, builds on them once with this op, validates each, checks, and publishes."""
    prefilled = {"config": ops.options.prefilled()}
    tags = tags_of_feeds(ops.options.catalog, ops.options.feeds)
    return job_of_load(name, description, ops.load, prefilled, (ops.validate, build), tags, retries)


def job_of_load(
    name: str,
    description: str,
    load: dg.OpDefinition,
    prefilled: Mapping[str, Any],
    after: tuple[dg.OpDefinition, dg.OpDefinition],
    tags: Mapping[str, str],
    retries: Retries = RETRIES,
) -> dg.JobDefinition:
    """A job that loads with this op, builds, validates, checks, and publishes. `after` has the ops that validate and
    build; `prefilled` is what the Launchpad begins with.
    """
    validate, build = after

    @dg.job(name=name, description=description, config={"ops": {load.name: dict(prefilled)}}, tags=dict(tags))
    def job() -> None:
        loaded = load.with_retry_policy(retries.ingestion)()
        publish_op(check_op(validate(build.with_retry_policy(retries.dbt)(loaded))))

    return job


def load_op_name(grain: Grain) -> str:
    """The name of the op that loads periods of a grain, under which its config is given."""
    return f"{ADVERBS[grain]}_dlt_ingestion"


def ingestion_job_name(grain: Grain) -> str:
    """The name of the job that loads periods of a grain and rebuilds what they change."""
    return f"{ADVERBS[grain]}_ingestion"


def ingestion_jobs(shared: SharedOps) -> list[dg.JobDefinition]:
    """Two jobs for each grain that a feed has: one rebuilds what the load changes, the other rebuilds everything."""
    jobs = []
    for grain, ops in shared.by_grain.items():
        adverb = ADVERBS[grain]
        jobs += [
            ingestion_job(
                f"backfill_{adverb}_data",
                f"Load {grain}s, rebuild every model from all of raw data once, validate, check, publish.",
                ops,
                shared.full_refresh,
            ),
            ingestion_job(
                ingestion_job_name(grain),
                f"Load {grain}s, in any order, rebuild what they change, validate, check, publish.",
                ops,
                shared.build,
            ),
        ]
    return jobs
