"""Raw tables of streams as assets: a step reads what is new in a topic, to its present end."""

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.errors import DownloadError, SettingError
from ingestion.feeds import Feed
from ingestion.streams.lag import lag
from ingestion.streams.results import StreamResult
from orchestration.assets.layers import BRONZE, OWNERS
from orchestration.assets.raw_assets import LOAD_ID, asset_key, raw_columns, started
from orchestration.assets.subjects import tags_of_feeds
from orchestration.execution.retries import RETRIES
from orchestration.execution.writer_pool import WRITER_POOL

Metadata = dict[str, dg.MetadataValue]


def streams_of(catalog: Catalog) -> list[Feed]:
    """The feeds of a catalog that come as messages."""
    return [feed for feed in catalog.feeds.values() if feed.is_stream]


def stream_asset(feed: Feed, catalog: Catalog, retry_policy: dg.RetryPolicy) -> dg.AssetsDefinition:
    """The asset of a stream, whose step is retried by this policy. It has no partitions: a topic is read in order."""
    assert feed.stream is not None
    topic = feed.stream.topic

    @dg.asset(
        key=asset_key(feed, catalog),
        description=f"The messages of {feed.publisher}'s topic `{topic}`, unchanged and each once. "
        "A run reads on from where the ledger says, to the present end.",
        group_name=BRONZE,
        owners=OWNERS,
        tags=tags_of_feeds(catalog, [feed]),
        kinds={"kafka", "duckdb"},
        metadata={"dagster/column_schema": raw_columns(feed), "topic": topic},
        retry_policy=retry_policy,
        pool=WRITER_POOL,
    )
    def read(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        # Imported here because the libraries of Kafka are an extra.
        from ingestion.streams.consume import stream

        try:
            (result,) = stream([feed], once=True, started=started(context))
        except DownloadError as error:
            # Not from the error: Dagster would keep what libraries wrote, addresses with their secrets, too.
            raise dg.Failure(str(error), allow_retries=not isinstance(error, SettingError)) from None
        if result.is_missing:
            raise dg.Failure(
                f"expected the topic {topic} at the broker, but it is not there. Make it, or produce into it.",
                allow_retries=False,
            )
        if result.error:
            # What was read before is loaded, and is not read again.
            raise dg.Failure(result.error, allow_retries=result.is_transient)
        return dg.MaterializeResult(metadata={**_metadata(result), **_how_far(feed, context)})

    return read


def stream_assets_of(catalog: Catalog, retry_policy: dg.RetryPolicy = RETRIES.ingestion) -> list[dg.AssetsDefinition]:
    """An asset for each stream of a catalog."""
    return [stream_asset(feed, catalog, retry_policy) for feed in streams_of(catalog)]


def _metadata(result: StreamResult) -> Metadata:
    """What Dagster shows of a run."""
    shown: Metadata = {
        "messages": dg.MetadataValue.int(result.rows + result.rejected),
        "rejects": dg.MetadataValue.int(result.rejected),
        "batches": dg.MetadataValue.int(result.batches),
    }
    if result.last_load_id:
        shown[LOAD_ID] = dg.MetadataValue.text(result.last_load_id)
    return shown


def _how_far(feed: Feed, context: dg.AssetExecutionContext) -> Metadata:
    """How far the topic is read by now: the next offset of each partition, and how many messages are behind."""
    try:
        found = lag([feed])
    except DownloadError as error:
        context.log.warning("How far the topic goes is not shown: %s", error)
        return {}
    return {
        "offsets": dg.MetadataValue.json({str(one.kafka_partition): one.next_offset for one in found}),
        "lag": dg.MetadataValue.int(sum(one.messages for one in found)),
    }
