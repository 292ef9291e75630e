"""What the platform itself did, as raw tables: assets without partitions, which the daily build loads by itself."""

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from ingestion.new_files import new_partitions
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from orchestration.assets.freshness import MADE_DAILY
from orchestration.assets.layers import BRONZE, OWNERS
from orchestration.assets.raw_assets import LOAD_ID, asset_key, raise_on_failure, raw_columns, started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL

# The tag of assets that the daily build loads before it builds.
LOADED_BY_TAG = {"loaded_by": "daily_build"}


def what_is_new(feeds: Iterable[Feed]) -> list[Partition]:
    """The ended periods of these feeds that are published and not loaded as they are.

    Raises:
        dagster.Failure: a publisher could not say what it has. The step is retried.
    """
    found, unreachable = new_partitions(feeds, datetime.now(UTC).replace(tzinfo=None))
    if unreachable:
        raise dg.Failure("\n".join(f"{name} could not be asked: {why}" for name, why in unreachable.items()))
    return found


def own_asset(feed: Feed, catalog: Catalog, retry_policy: dg.RetryPolicy) -> dg.AssetsDefinition:
    """The asset of a feed of the platform itself, whose step is retried by this policy."""

    @dg.asset(
        key=asset_key(feed, catalog),
        description=f"The platform itself, as feed `{feed.name}`. A run loads every {feed.grain} that has ended and is "
        "not loaded as it is. The daily build does it before it builds: there is nothing to set up.",
        group_name=BRONZE,
        owners=OWNERS,
        tags={**tags_of_feeds(catalog, [feed]), **LOADED_BY_TAG},
        kinds={"dlt", "duckdb"},
        metadata={"dagster/column_schema": raw_columns(feed)},
        retry_policy=retry_policy,
        pool=WRITER_POOL,
        freshness_policy=MADE_DAILY,
    )
    def load(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        new = what_is_new([feed])
        results = ingest(new, started=started(context)) if new else []
        raise_on_failure(results)
        return dg.MaterializeResult(metadata=_metadata(results))

    return load


def own_assets_of(catalog: Catalog, retry_policy: dg.RetryPolicy = RETRIES.ingestion) -> list[dg.AssetsDefinition]:
    """An asset for each feed of a catalog that the platform itself publishes."""
    return [own_asset(feed, catalog, retry_policy) for feed in catalog.feeds.values() if feed.is_own]


def own_selection() -> dg.AssetSelection:
    """The assets that the daily build loads before it builds, whatever catalog they are of."""
    ((key, value),) = LOADED_BY_TAG.items()
    return dg.AssetSelection.tag(key, value)


def _metadata(results: list[Result]) -> dict[str, dg.MetadataValue]:
    loaded = [result for result in results if result.status is Status.LOADED]
    shown: dict[str, dg.MetadataValue] = {
        "partitions loaded": dg.MetadataValue.int(len(loaded)),
        "rows loaded": dg.MetadataValue.int(sum(result.rows or 0 for result in loaded)),
    }
    if load_ids := [result.load_id for result in loaded if result.load_id]:
        shown[LOAD_ID] = dg.MetadataValue.text(max(load_ids))
    return shown
