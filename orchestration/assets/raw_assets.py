"""Raw tables as assets: one a feed, a partition a month, keyed as the dbt sources that read them."""

from datetime import date

import dagster as dg

from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Started, Status, ingest
from ingestion.raw_data import RAW_SCHEMA
from orchestration.assets.freshness import freshness_policy
from orchestration.assets.layers import BRONZE, OWNERS
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL

# The metadata by which the ledger sensor tells one load of a partition from another.
LOAD_ID = "load_id"


def asset_key(feed: Feed) -> dg.AssetKey:
    """The feed's asset: its raw table, as dbt names the source; the feed itself where it shares the table."""
    owners = [other for other in FEEDS.values() if other.raw_table == feed.raw_table]
    return dg.AssetKey([RAW_SCHEMA, feed.raw_table if owners[0] is feed else feed.name])


def started(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> Started:
    """What the ledger says of runs that Dagster starts."""
    return Started(by="dagster", dagster_run_id=context.run.run_id)


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


def materialization(result: Result) -> dg.AssetMaterialization:
    """What tells Dagster that a partition is loaded, from elsewhere than its asset's own step."""
    partition = result.partition
    return dg.AssetMaterialization(
        asset_key(partition.feed), partition=dagster_partition(partition), metadata=metadata(result)
    )


def dagster_partition(partition: Partition) -> str:
    """The key of a partition in Dagster: the first day of the month."""
    return f"{partition.period.first_day}"


def raise_on_failure(results: list[Result]) -> None:
    """Fail the step if a partition failed, with every partition's reason.

    Raises:
        dagster.Failure: one or more partitions failed. The step is retried if time may mend one of them; what was
            loaded is not loaded again.
    """
    failed = [result for result in results if result.status is Status.FAILED]
    if failed:
        raise dg.Failure(
            "\n".join(f"{result.partition}: {result.error}" for result in failed),
            allow_retries=any(result.is_transient for result in failed),
        )


def _raise_on_missing(results: list[Result]) -> None:
    missing = [str(result.partition) for result in results if result.status is Status.NOT_PUBLISHED]
    if missing:
        raise dg.Failure(
            f"not published (yet): {', '.join(missing)}. Materialize these months later.", allow_retries=False
        )


def _raw_columns(feed: Feed) -> dg.TableSchema:
    """The registry's columns, which the raw table has whatever a month's file says."""
    return dg.TableSchema(columns=[dg.TableColumn(column.name, column.type.value) for column in feed.raw_columns])


def _raw_asset(feed: Feed, retry_policy: dg.RetryPolicy) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(feed),
        description=f"What {feed.publisher} publishes as feed `{feed.name}`, a month a partition, as published.",
        group_name=BRONZE,
        owners=OWNERS,
        kinds={"dlt", "duckdb"},
        metadata={"dagster/column_schema": _raw_columns(feed)},
        partitions_def=dg.MonthlyPartitionsDefinition(start_date=f"{feed.first_period.first_day}", end_offset=1),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=retry_policy,
        pool=WRITER_POOL,
        freshness_policy=freshness_policy(feed),
    )
    def load(context: dg.AssetExecutionContext) -> None:
        partitions = [Partition(feed, feed.period_of(date.fromisoformat(key))) for key in context.partition_keys]
        results = ingest(partitions, started=started(context))
        loaded = [result for result in results if result.status in (Status.LOADED, Status.UNCHANGED)]
        if len(loaded) < len(results):
            # The step fails, and with it Dagster's word that the whole range is there; these months are.
            for result in loaded:
                context.log_event(materialization(result))
        raise_on_failure(results)
        _raise_on_missing(results)
        for result in loaded:
            context.add_asset_metadata(metadata(result), partition_key=dagster_partition(result.partition))

    return load


def raw_assets_with(retry_policy: dg.RetryPolicy) -> list[dg.AssetsDefinition]:
    """An asset a feed, its step retried by this policy."""
    return [_raw_asset(feed, retry_policy) for feed in FEEDS.values()]


raw_assets = raw_assets_with(RETRIES.ingestion)
