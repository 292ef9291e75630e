"""Bringing the ledger that an earlier version wrote up to date.

A migration is made once, when somebody opens the file for writing, and is then noted in `meta.migrations`. All that are
due are made in one transaction: a crash leaves the ledger as it was, and the next writer makes them.
"""

from collections.abc import Callable, Mapping

import duckdb

from warehouse.ledger.records import utc_now
from warehouse.ledger.schema import (
    MIGRATIONS,
    PUBLISHED_VERSIONS,
    SOURCE_FILES,
    SPARK_WATERMARKS,
    STREAMS,
    TABLES,
    WATERMARKS,
)
from warehouse.secrets import scrubbed, without_secrets

# Texts that do not match hold no secret.
_MAY_HOLD_SECRETS = r"(?i)@|[?&;][^=&]*(?:token|secret|pass|pwd|sig|credential|key|auth)[^=&]*="

# The columns in which an address or a library's error may stand, and what cleans them.
_CLEANED = {
    ("ingestion_runs", "error"): scrubbed,
    ("ingestion_runs", "arguments"): scrubbed,
    ("ingestion_run_assets", "source_url"): without_secrets,
    ("ingestion_run_assets", "error"): scrubbed,
    ("ingestion_run_assets", "note"): scrubbed,
    ("asset_watermarks", "source_url"): without_secrets,
}

# Before, a feed's partition had the key 2025-01 or 2025-01-03, a model's 2025-01-01 or FEED/2025-01-01, where the
# last part is a month. `load_id` of a model was what is now the version, and began with the load where the rows are of
# one. A row whose key is none of these was written by hand: its partition counts as not loaded.
_OLD_WATERMARKS = """
    with named as (
        select
            *,
            source_url is null as is_of_model,
            case when contains(partition_key, '/') then split_part(partition_key, '/', 1) end as feed_of_model,
            split_part(partition_key, '/', -1) as old_period
        from {old}
    ),

    dated as (
        select
            *,
            case when is_of_model or len(old_period) = 7 then 'month' else 'day' end as grain,
            coalesce(try_strptime(old_period, '%Y-%m-%d'), try_strptime(old_period, '%Y-%m')) as period_start
        from named
    )

    select
        * exclude (is_of_model, feed_of_model, old_period, load_id) replace (
            case
                when not is_of_model then partition_key
                else concat_ws('/', feed_of_model, strftime(period_start, '%Y-%m'))
            end as partition_key
        ),
        case when is_of_model then feed_of_model else asset end as feed,
        period_start + case grain when 'month' then interval 1 month else interval 1 day end as period_end,
        load_id as version,
        case
            when not is_of_model then load_id
            when feed_of_model is not null then split_part(load_id, ' ', 1)
        end as load_id
    from dated
    where period_start is not null
"""

_RUN_ASSETS_PERIODS = """
alter table meta.ingestion_run_assets add column if not exists grain varchar;
alter table meta.ingestion_run_assets add column if not exists period_start timestamp;
alter table meta.ingestion_run_assets add column if not exists period_end timestamp;

update meta.ingestion_run_assets
set
    grain = 'month',
    period_start = strptime(partition_key, '%Y-%m'),
    period_end = strptime(partition_key, '%Y-%m') + interval 1 month
where grain is null and regexp_full_match(partition_key, '\\d{4}-(0[1-9]|1[0-2])');
"""

# A check of one file had the key FEED/2025-01-01.
_CHECKS_PERIODS = """
alter table meta.asset_checks add column if not exists feed varchar;
alter table meta.asset_checks add column if not exists grain varchar;
alter table meta.asset_checks add column if not exists period_start timestamp;
alter table meta.asset_checks add column if not exists period_end timestamp;

update meta.asset_checks
set
    feed = split_part(partition_key, '/', 1),
    grain = 'month',
    period_start = strptime(split_part(partition_key, '/', 2), '%Y-%m-%d'),
    period_end = strptime(split_part(partition_key, '/', 2), '%Y-%m-%d') + interval 1 month,
    partition_key = left(partition_key, len(partition_key) - 3)
where grain is null and regexp_full_match(partition_key, '\\w+/\\d{4}-(0[1-9]|1[0-2])-01');
"""


def _add_notes(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table meta.ingestion_run_assets add column if not exists note varchar")


def _remove_secrets(connection: duckdb.DuckDBPyConnection) -> None:
    """Clean what versions before wrote that kept addresses as they were."""
    for (table, column), clean in _CLEANED.items():
        found = connection.execute(
            f"select distinct {column}::varchar from meta.{table} where regexp_matches({column}::varchar, ?)",
            [_MAY_HOLD_SECRETS],
        ).fetchall()
        for (text,) in found:
            if (cleaned := clean(text)) != text:
                connection.execute(f"update meta.{table} set {column} = ? where {column}::varchar = ?", [cleaned, text])


def _add_periods(connection: duckdb.DuckDBPyConnection) -> None:
    """Give watermarks, assets of runs and checks the period that they are of in columns of its own."""
    if not _has_periods(connection):
        # The key of a table, and that its columns are never null, are for good: so a new table takes its place.
        connection.execute("alter table meta.asset_watermarks rename to asset_watermarks_before_periods")
        connection.execute(WATERMARKS)
        old = _OLD_WATERMARKS.format(old="meta.asset_watermarks_before_periods")
        connection.execute(f"insert or replace into meta.asset_watermarks by name {old}")
        connection.execute("drop table meta.asset_watermarks_before_periods")
    connection.execute(_RUN_ASSETS_PERIODS)
    connection.execute(_CHECKS_PERIODS)


def _add_published_versions(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(PUBLISHED_VERSIONS)


def _add_streams(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(STREAMS)


def _add_source_files(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(SOURCE_FILES)


def _add_spark_watermarks(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(SPARK_WATERMARKS)


# In the order in which they were thought of; each leaves alone what is as it ought to be already.
_MIGRATIONS: Mapping[str, Callable[[duckdb.DuckDBPyConnection], None]] = {
    "notes_added": _add_notes,
    "secrets_removed": _remove_secrets,
    "periods_added": _add_periods,
    "published_versions_added": _add_published_versions,
    "streams_added": _add_streams,
    "source_files_added": _add_source_files,
    "spark_watermarks_added": _add_spark_watermarks,
}


def known_migrations() -> set[str]:
    """The names of all migrations that this version makes, or finds made."""
    return set(_MIGRATIONS)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the ledger's tables where they are missing, and bring old ones up to date.

    A new ledger may be made within a transaction of the caller's; an old one must be opened outside of any.
    """
    connection.execute(MIGRATIONS)
    if _applied(connection) >= _MIGRATIONS.keys():
        return
    if _tables(connection) == {"migrations"}:
        connection.execute(TABLES)
        _note(connection, _MIGRATIONS)
        return
    connection.begin()
    try:
        connection.execute(TABLES)
        due = [name for name in _MIGRATIONS if name not in _applied(connection)]
        for name in due:
            _MIGRATIONS[name](connection)
        _note(connection, due)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def is_outdated(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file has a ledger that an earlier version wrote, and nobody has opened it for writing since."""
    return "asset_watermarks" in _tables(connection) and not _has_periods(connection)


def _note(connection: duckdb.DuckDBPyConnection, names: Mapping[str, object] | list[str]) -> None:
    connection.executemany("insert or ignore into meta.migrations values (?, ?)", [[name, utc_now()] for name in names])


def _applied(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in connection.execute("select name from meta.migrations").fetchall()}


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'meta'"
    ).fetchall()
    return {name for (name,) in found}


def _has_periods(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select 1 from duckdb_columns() where database_name = current_database() and schema_name = 'meta'"
        " and table_name = 'asset_watermarks' and column_name = 'period_start'"
    ).fetchone()
    return found is not None
