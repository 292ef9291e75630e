"""The job of telemetry: load what is new, build, validate, check, publish, write the layers."""

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from ingestion.pipeline import ingest
from orchestration.assets.layer_tables import layers_op
from orchestration.assets.own_feeds import what_is_new
from orchestration.assets.published import publish_op
from orchestration.assets.raw_assets import started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.checks.quality import check_op
from orchestration.execution.retries import RETRIES, Retries
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion import Loaded, LoadedPeriod, SharedOps, dbt_op, validate_loaded, what_is_loaded

SUBJECT = "telemetry"
JOB = "telemetry_job"


def feeds_of(catalog: Catalog) -> tuple[Feed, ...]:
    """The feeds of the subject."""
    return catalog.subjects[SUBJECT].feeds


def telemetry_job(shared: SharedOps, retries: Retries = RETRIES) -> dg.JobDefinition:
    """The job, whose steps are retried by these policies. It needs no config: it loads all that is new."""
    feeds = feeds_of(shared.catalog)
    load = _load_op(shared.catalog, feeds)
    build = dbt_op(shared.catalog, "build_telemetry", always=feeds)
    validate = _validate_op(shared.catalog)

    @dg.job(
        name=JOB,
        description="Load the hours and days of event files that are new or have grown, and the platform's own runs; "
        "build telemetry, validate, check, publish, write the layers.",
        tags=tags_of_feeds(shared.catalog, feeds),
    )
    def job() -> None:
        loaded = load.with_retry_policy(retries.ingestion)()
        layers_op(publish_op(check_op(validate(build.with_retry_policy(retries.dbt)(loaded)))))

    return job


def _load_op(catalog: Catalog, feeds: tuple[Feed, ...]) -> dg.OpDefinition:
    names = ",".join(feed.name for feed in feeds)

    @dg.op(
        name="load_new_telemetry",
        description="Load what has ended and is not loaded as it is: event files and the platform's own runs.",
        out=dg.Out(Loaded),
        pool=WRITER_POOL,
    )
    def load(context: dg.OpExecutionContext) -> list[LoadedPeriod]:
        new = what_is_new(feeds)
        context.log.info("%s periods are new or have grown", len(new))
        if not new:
            # What an earlier run loaded and did not build is built all the same.
            return []
        return what_is_loaded(context, ingest(new, started=started(context)), catalog, names)

    return load


def _validate_op(catalog: Catalog) -> dg.OpDefinition:
    @dg.op(
        name="validate_telemetry",
        description="Check that every row that was loaded is kept, or in quarantine.",
    )
    def validate(context: dg.OpExecutionContext, loaded: Loaded) -> None:
        validate_loaded(context, catalog, loaded)

    return validate
