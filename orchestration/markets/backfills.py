"""The backfills of minute files by prefix: one file after the other, or many together."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.partitions import Partition
from ingestion.pipeline import Result, ingest
from orchestration.assets.raw_assets import started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.execution.retries import SILVER_RETRIES
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion import Loaded, LoadedPeriod, SharedOps, job_of_load, what_is_loaded
from orchestration.markets.prefixes import EXAMPLE, FEED, FOLDER, days_of, listed_besides
from warehouse.periods import Grain


class FilesToLoad(dg.Config):
    """Which files to load, how many together (0 for all), and whether to load those again that are loaded already."""

    prefix: str
    batch_size: int
    overwrite: bool


_PREFIX = dg.Field(str, description=f"The beginning of the keys of the files, such as {EXAMPLE}.")
_OVERWRITE = dg.Field(
    bool, default_value=False, description="Load files again whose edition is the one that is loaded already."
)
_BATCH_SIZE = dg.Field(int, default_value=0, description="How many files to load together; 0 for all at once.")


def backfill_jobs(shared: SharedOps) -> list[dg.JobDefinition]:
    """The sequential and the parallel backfill."""
    sequential = {"prefix": _PREFIX, "overwrite": _OVERWRITE}
    return [
        _job(
            "backfill_sequential",
            "Load minute files one at a time, rebuild what they change, validate, check, publish. "
            "backfill_parallel_job is faster.",
            _load_op(shared.catalog, "backfill_sequential", sequential, files_together=1),
            shared,
        ),
        _job(
            "backfill_parallel",
            "Load minute files together, rebuild what they change, validate, check, publish.",
            _load_op(shared.catalog, "backfill_parallel", {**sequential, "batch_size": _BATCH_SIZE}),
            shared,
        ),
    ]


def _job(name: str, description: str, load: dg.OpDefinition, shared: SharedOps) -> dg.JobDefinition:
    prefilled = {"config": {"prefix": f"{FOLDER}{datetime.now(UTC):%Y/%m}/"}}
    after = (shared.by_grain[Grain.DAY].validate, shared.build)
    tags = tags_of_feeds(shared.catalog, [shared.catalog.feeds[FEED]])
    return job_of_load(f"{name}_job", description, load, prefilled, after, tags, SILVER_RETRIES)


def _load_op(
    catalog: Catalog, name: str, schema: Mapping[str, dg.Field], files_together: int | None = None
) -> dg.OpDefinition:
    @dg.op(name=f"load_{name}", pool=WRITER_POOL, out=dg.Out(Loaded))
    def load(context: dg.OpExecutionContext, config: FilesToLoad) -> list[LoadedPeriod]:
        partitions = [*days_of(config.prefix, catalog), *listed_besides(config.prefix, catalog)]
        results: list[Result] = []
        for batch in _batches(partitions, config.batch_size):
            results += ingest(batch, force=config.overwrite, started=started(context))
        # A prefix stands for the keys that are there. Its last days may not be published yet.
        return [one for one in what_is_loaded(context, results, catalog, FEED) if one.feeds]

    # As the ops that load periods: wrong values are refused before there is a run.
    @dg.configured(load, config_schema=dict(schema), name=name, description="Load minute files into raw_data.")
    def load_what_is_asked_for(asked: Mapping[str, Any]) -> dict[str, Any]:
        config = {"batch_size": files_together or 0, **asked}
        try:
            days_of(config["prefix"], catalog)
            if config["batch_size"] < 0:
                raise ValueError(f"batch_size: expected 0 or more files, but got {config['batch_size']}")
        except ValueError as error:
            refusal = dg.DagsterInvalidConfigError(f"No run was started: {error}", [], asked)  # type: ignore[no-untyped-call]
            raise refusal from None
        return config

    return load_what_is_asked_for


def _batches(partitions: Sequence[Partition], size: int) -> Iterator[Sequence[Partition]]:
    size = size or len(partitions)
    for start in range(0, len(partitions), size):
        yield partitions[start : start + size]
