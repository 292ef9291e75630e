"""Raw tables of files as assets: one for each feed, partitioned by its periods, keyed as the dbt source reading it."""

from collections.abc import Iterable

import dagster as dg

from ingestion.catalog import CATALOG, Catalog
from ingestion.feeds import Feed
from ingestion.gap_survey import without_unpublished
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Started, Status, ingest
from ingestion.raw_data import RAW_SCHEMA
from orchestration.assets.freshness import freshness_of_feed
from orchestration.assets.layers import BRONZE, OWNERS
from orchestration.assets.partitions import dagster_key, has_partitions, partition_of, partitions_definition
from orchestration.assets.subjects import tags_of_feeds
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL
from warehouse.periods import compress

# The metadata by which the ledger sensor tells one load of a partition from another.
LOAD_ID = "load_id"


def asset_key(feed: Feed, catalog: Catalog = CATALOG) -> dg.AssetKey:
    """The key of a feed's asset.

    It is the raw table, as dbt names the source. Where several feeds share a table it is the asset of the first, and
    the others go by their own names.
    """
    first = next(other for other in catalog.feeds.values() if other.raw_table == feed.raw_table)
    return dg.AssetKey([RAW_SCHEMA, feed.raw_table if first.name == feed.name else feed.name])


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


def materialization(result: Result, catalog: Catalog = CATALOG) -> dg.AssetMaterialization:
    """The event that tells Dagster that a partition is loaded, if its asset's own step does not."""
    partition = result.partition
    return dg.AssetMaterialization(
        asset_key(partition.feed, catalog), partition=dagster_key(partition), metadata=metadata(result)
    )


def raise_on_failure(results: list[Result]) -> None:
    """Fail the step if a partition failed, with every partition's reason.

    Raises:
        dagster.Failure: one or more partitions failed. The step is retried if one of them may succeed later; what was
            loaded is not loaded again.
    """
    failed = [result for result in results if result.status.is_failure]
    if failed:
        raise dg.Failure(
            "\n".join(f"{result.partition}: {result.error}" for result in failed),
            allow_retries=any(result.is_transient for result in failed),
        )


def ingest_published(partitions: Iterable[Partition], started: Started) -> list[Result]:
    """Load these partitions; those of irregular periods only if their publishers list them.

    Nobody expects a file of an irregular period. Of a month of hours the ledger would have hundreds of failed attempts.

    Raises:
        dagster.Failure: a publisher could not say what it has. The step is retried.
    """
    published, unreachable = without_unpublished(partitions)
    if unreachable:
        raise dg.Failure("\n".join(f"{name} could not be asked: {why}" for name, why in unreachable.items()))
    return ingest(published, started=started) if published else []


def _raise_on_missing(feed: Feed, asked: list[Partition], results: list[Result]) -> None:
    missing = [result.partition for result in results if result.status is Status.NOT_PUBLISHED]
    # Of irregular periods nobody knows which have a file: those without are no failure, unless none has.
    missing = missing if results else asked
    if missing:
        periods = compress((partition.period for partition in missing), feed.calendar.expected)
        raise dg.Failure(f"not published (yet): {feed.name} {periods}. Materialize them later.", allow_retries=False)


def raw_columns(feed: Feed) -> dg.TableSchema:
    """The columns that the catalog declares. The raw table has them whatever is in a file."""
    return dg.TableSchema(columns=[dg.TableColumn(column.name, column.type.value) for column in feed.raw_columns])


def raw_asset(feed: Feed, catalog: Catalog, retry_policy: dg.RetryPolicy) -> dg.AssetsDefinition:
    """The asset of a feed, whose step is retried by this policy."""

    @dg.asset(
        key=asset_key(feed, catalog),
        description=f"What {feed.publisher} publishes as feed `{feed.name}`, unchanged. "
        + ("One file, which is of no time." if feed.is_reference else f"A partition is one {feed.grain}."),
        group_name=BRONZE,
        owners=OWNERS,
        tags=tags_of_feeds(catalog, [feed]),
        kinds={"dlt", "duckdb"},
        metadata={"dagster/column_schema": raw_columns(feed)},
        partitions_def=partitions_definition(feed),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=retry_policy,
        pool=WRITER_POOL,
        freshness_policy=freshness_of_feed(feed),
    )
    def load(context: dg.AssetExecutionContext) -> None:
        asked = [partition_of(feed, key) for key in context.partition_keys]
        results = ingest_published(asked, started(context))
        loaded = [result for result in results if result.status in (Status.LOADED, Status.UNCHANGED)]
        if len(loaded) < len(results):
            # The step fails, so Dagster does not record its partitions. These are loaded all the same.
            for result in loaded:
                context.log_event(materialization(result, catalog))
        raise_on_failure(results)
        _raise_on_missing(feed, asked, results)
        for result in loaded:
            context.add_asset_metadata(metadata(result), partition_key=dagster_key(result.partition))

    return load


def raw_assets_of(catalog: Catalog, retry_policy: dg.RetryPolicy = RETRIES.ingestion) -> list[dg.AssetsDefinition]:
    """An asset for each feed of files of a catalog. What the platform itself publishes is in `own_feeds`."""
    return [raw_asset(feed, catalog, retry_policy) for feed in catalog.feeds.values() if has_partitions(feed)]
