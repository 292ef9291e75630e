"""Raw tables as assets: one a feed, a partition a month, keyed as the dbt sources that read them."""

import dagster as dg

from ingestion.feeds import FEEDS, Feed
from ingestion.partitions import Partition, parse_month
from ingestion.pipeline import Result, Started, Status, ingest
from ingestion.raw_loader import RAW_SCHEMA
from orchestration.checks.freshness import freshness_policy
from orchestration.resources.writer_pool import WRITER_POOL

# The metadata by which the ledger sensor tells one load of a partition from another.
LOAD_ID = "load_id"


def asset_key(feed: Feed) -> dg.AssetKey:
    """The feed's asset: its raw table, as dbt names the source; the feed itself where it shares the table."""
    owners = [other for other in FEEDS.values() if other.raw_table == feed.raw_table]
    return dg.AssetKey([RAW_SCHEMA, feed.raw_table if owners[0] is feed else feed.name])


def started(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> Started:
    """What the ledger says of runs that Dagster starts."""
    return Started(by="dagster", dagster_run_id=context.run_id)


def metadata(result: Result) -> dict[str, dg.MetadataValue]:
    """What Dagster shows of a loaded partition."""
    shown: dict[str, dg.MetadataValue] = {"status": dg.MetadataValue.text(result.status.value)}
    if result.rows is not None:
        shown["dagster/row_count"] = dg.MetadataValue.int(result.rows)
    if result.fingerprint:
        shown["published at"] = dg.MetadataValue.url(result.fingerprint.url)
    if result.load_id:
        shown[LOAD_ID] = dg.MetadataValue.text(result.load_id)
    return shown


def raise_on_failure(results: list[Result]) -> None:
    """Fail the step if a partition failed, with every partition's reason.

    Raises:
        dagster.Failure: one or more partitions failed.
    """
    errors = [f"{result.partition}: {result.error}" for result in results if result.status is Status.FAILED]
    if errors:
        raise dg.Failure("\n".join(errors))


def _raw_asset(feed: Feed) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(feed),
        description=f"What {feed.publisher} publishes as feed `{feed.name}`, a month a partition, as published.",
        group_name="raw",
        kinds={"dlt", "duckdb"},
        partitions_def=dg.MonthlyPartitionsDefinition(start_date=f"{feed.first_month:%Y-%m-%d}", end_offset=1),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WRITER_POOL,
        freshness_policy=freshness_policy(feed),
    )
    def load(context: dg.AssetExecutionContext) -> None:
        partitions = [Partition(feed, parse_month(key[:7])) for key in context.partition_keys]
        results = ingest(partitions, started=started(context))
        raise_on_failure(results)
        missing = [str(result.partition) for result in results if result.status is Status.NOT_PUBLISHED]
        if missing:
            raise dg.Failure(f"not published (yet): {', '.join(missing)}. Materialize these months later.")
        for result in results:
            context.add_asset_metadata(metadata(result), partition_key=f"{result.partition.month:%Y-%m-%d}")

    return load


raw_assets = [_raw_asset(feed) for feed in FEEDS.values()]
