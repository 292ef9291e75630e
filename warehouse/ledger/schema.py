"""The tables of the ledger, as they are today. Changes of what earlier versions wrote are in `migrations`."""

LEDGER_SCHEMA = "meta"

# What a run of dbt or Great Expectations was asked for, as SQL on ingestion_runs: empty text where that was everything.
# A later run of everything, or of the same again, is over earlier failures.
RUN_SELECTION = """concat_ws(
    ' ',
    arguments ->> 'select',
    arguments ->> 'exclude',
    arguments ->> 'selector',
    arguments ->> 'resource_types',
    arguments ->> 'exclude_resource_types',
    arguments ->> 'empty'
)"""

# Changes of what earlier versions wrote, each made once.
MIGRATIONS = """
create schema if not exists meta;

create table if not exists meta.migrations (
    name varchar primary key,
    applied_at timestamp not null
);
"""

WATERMARKS = """
create table if not exists meta.asset_watermarks (
    asset varchar not null,          -- a feed, or a model that dbt builds by partitions
    partition_key varchar not null,  -- for people: 2025-01, FEED/2025-01
    feed varchar,                    -- whose rows they are; missing where the partitions of a model are not of feeds
    grain varchar not null,          -- month, day, hour
    period_start timestamp not null, -- the first moment of the period
    period_end timestamp not null,   -- the first moment after it
    version varchar not null,        -- what the partition was built from; of a feed: its load
    load_id varchar,                 -- the load that the rows are of; missing where they are of several
    rows bigint not null,
    min_event_time timestamp,
    max_event_time timestamp,
    source_url varchar,              -- missing where dbt built the partition
    etag varchar,
    last_modified varchar,
    content_length bigint,
    content_hash varchar,
    updated_at timestamp not null,
    primary key (asset, partition_key)
);
"""

# Of what Spark has built. Apart from the others, so that nothing that is said of DuckDB's tables is said of Spark's.
SPARK_WATERMARKS = """
create table if not exists meta.spark_watermarks (
    asset varchar not null,          -- a model that dbt builds by partitions
    partition_key varchar not null,  -- as in asset_watermarks, as are the others
    feed varchar,
    grain varchar not null,
    period_start timestamp not null,
    period_end timestamp not null,
    version varchar not null,
    load_id varchar,
    rows bigint not null,
    min_event_time timestamp,
    max_event_time timestamp,
    updated_at timestamp not null,
    primary key (asset, partition_key)
);
"""

PUBLISHED_VERSIONS = """
create table if not exists meta.published_versions (
    release_id varchar primary key,
    published_at timestamp not null,
    published_by varchar not null,   -- terminal, dagster
    run_id varchar not null,         -- in ingestion_runs
    rows bigint not null,            -- of all tables
    parts_written bigint not null,   -- partitions or tables written anew; the others are as in the release before
    bytes_written bigint not null,   -- of Parquet files
    content varchar not null         -- a checksum: releases with the same hold the same rows
);
"""

STREAMS = """
-- How far each partition of a topic was read. Written in the transaction that writes the rows.
create table if not exists meta.stream_offsets (
    feed varchar not null,
    topic varchar not null,
    kafka_partition integer not null,
    topic_id varchar,                -- the broker's; another one means that the topic was deleted and made anew
    first_offset bigint not null,    -- the first one that was read
    next_offset bigint not null,     -- the one to read next
    end_offset bigint not null,      -- the one after the newest message, when the broker was last asked
    rows bigint not null,            -- messages in the raw table
    rejected bigint not null,        -- messages in raw_data.stream_rejects
    skipped bigint not null,         -- offsets without a message: of transactions, compacted, or deleted by the broker
    last_message_at timestamp,       -- when the broker got the newest message that was read
    updated_at timestamp not null,
    primary key (feed, topic, kafka_partition)
);

-- Messages that cannot be read, whole.
create schema if not exists raw_data;
create table if not exists raw_data.stream_rejects (
    feed varchar not null,
    topic varchar not null,
    kafka_partition integer not null,
    kafka_offset bigint not null,
    kafka_timestamp timestamp,
    schema_id integer,               -- of the registry; missing where the message does not say
    reason varchar not null,         -- a short word, such as unknown_schema
    explanation varchar not null,    -- what was expected, and what came
    message_key blob,
    message_value blob,              -- missing for a tombstone
    headers varchar,                 -- a JSON list of [name, value in base64]
    _dlt_load_id varchar not null,
    primary key (feed, topic, kafka_partition, kafka_offset)
);
"""

SOURCE_FILES = """
-- The files that a partition was loaded from, where its feed has several a period. Written with its rows.
create table if not exists meta.source_files (
    feed varchar not null,
    partition_key varchar not null,
    file_name varchar not null,      -- below the publisher's address
    state varchar not null,          -- whole; incomplete: its last line is half a line; broken: no line can be read
    rows bigint not null,            -- its lines, whether or not they can be read
    unreadable_rows bigint not null, -- those that cannot be read
    bytes bigint not null,
    etag varchar,                    -- of a folder: when the file was changed
    last_modified timestamp,
    load_id varchar not null,
    loaded_at timestamp not null,
    primary key (feed, partition_key, file_name)
);
"""

TABLES = f"""
create table if not exists meta.ingestion_runs (
    run_id varchar primary key,      -- of dbt: its invocation_id
    kind varchar not null,           -- ingestion, dbt build, quality, publish, …
    started_by varchar not null,     -- terminal, dagster
    started_at timestamp not null,
    finished_at timestamp,
    status varchar not null,         -- running, success, failed
    arguments json,
    error varchar,
    dagster_run_id varchar
);

create table if not exists meta.ingestion_run_assets (
    run_id varchar not null,
    asset varchar not null,          -- a feed, or a model or seed of dbt
    partition_key varchar,
    grain varchar,
    period_start timestamp,
    period_end timestamp,
    status varchar not null,         -- of a feed's period as ingestion.pipeline.Status; of dbt: built, failed, skipped
    rows bigint,                     -- that the partition or table holds now; a view has none
    bytes bigint,
    seconds double,
    source_url varchar,
    etag varchar,
    last_modified varchar,
    load_id varchar,
    error varchar,
    note varchar
);

{WATERMARKS}
{SPARK_WATERMARKS}
{PUBLISHED_VERSIONS}
{STREAMS}
{SOURCE_FILES}

create table if not exists meta.asset_checks (
    run_id varchar not null,
    asset varchar not null,
    check_name varchar not null,
    source varchar not null,         -- dbt, great_expectations, dagster
    partition_key varchar,           -- missing where the check is of the whole asset
    feed varchar,
    grain varchar,
    period_start timestamp,
    period_end timestamp,
    severity varchar,                -- error, warn
    passed boolean not null,         -- false also where it only warned
    observed varchar,
    expected varchar,
    checked_at timestamp not null
);

-- What a person has accepted as it is, for one state of the file; see warehouse/accepted_gaps.py.
create table if not exists meta.accepted_gaps (
    asset varchar not null,
    partition_key varchar not null,
    state varchar not null,          -- missing, refused, replaced, overdue, thin
    reason varchar not null,
    accepted_by varchar not null,    -- the user's name on the machine
    accepted_at timestamp not null,
    load_id varchar,                 -- what was loaded then
    etag varchar,                    -- of the file: the loaded one if thin, else the publisher's
    last_modified varchar,
    content_length bigint,
    content_hash varchar,
    primary key (asset, partition_key, state)
);
"""
