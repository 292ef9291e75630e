"""The ledger (`meta`): every run, what it did to each asset, what was checked, and what is loaded now.

Whoever does the work writes it, so that a run from cron, the terminal or Dagster looks the same:
ingestion through the class below, dbt through the hooks in `dbt/macros/ledger`. All times are UTC.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from warehouse.secrets import scrubbed, without_secrets

LEDGER_SCHEMA = "meta"

RunStatus = Literal["running", "success", "failed"]

# What the ledger says of a run that its process did not live to finish; dbt's hooks say the same.
ABANDONED = "the run ended without finishing: it was killed, or the machine went down"
TERMINATED = "terminated in Dagster"

_SCHEMA = """
create schema if not exists meta;

create table if not exists meta.ingestion_runs (
    run_id varchar primary key,      -- of dbt: its invocation_id
    kind varchar not null,           -- ingestion, dbt build, dbt run, …
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
    status varchar not null,         -- of a feed's month as ingestion.pipeline.Status; of dbt: built, failed, skipped
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

-- Ledgers of before this column was there.
alter table meta.ingestion_run_assets add column if not exists note varchar;

create table if not exists meta.asset_watermarks (
    asset varchar not null,
    partition_key varchar not null,
    load_id varchar not null,
    rows bigint not null,
    min_event_time timestamp,
    max_event_time timestamp,
    source_url varchar,
    etag varchar,
    last_modified varchar,
    content_length bigint,
    content_hash varchar,
    updated_at timestamp not null,
    primary key (asset, partition_key)
);

create table if not exists meta.asset_checks (
    run_id varchar not null,
    asset varchar not null,
    check_name varchar not null,
    source varchar not null,         -- dbt, great_expectations, dagster
    partition_key varchar,
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
    state varchar not null,          -- missing, replaced, overdue, thin
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

-- Changes of what earlier versions wrote, each made once.
create table if not exists meta.migrations (
    name varchar primary key,
    applied_at timestamp not null
);
"""

_SECRETS_REMOVED = "secrets_removed"

# What has no such mark has no secret.
_MAY_HOLD_SECRETS = r"(?i)@|[?&;][^=&]*(?:token|secret|pass|pwd|sig|credential|key|auth)[^=&]*="

# Where an address or a library's error may stand, and what is done to it.
_CLEANED = {
    ("ingestion_runs", "error"): scrubbed,
    ("ingestion_runs", "arguments"): scrubbed,
    ("ingestion_run_assets", "source_url"): without_secrets,
    ("ingestion_run_assets", "error"): scrubbed,
    ("ingestion_run_assets", "note"): scrubbed,
    ("asset_watermarks", "source_url"): without_secrets,
}


@dataclass(frozen=True)
class Fingerprint:
    """What tells one state of a published file from another.

    The address is kept without its secrets, so that the file is the same whoever asks for it.
    `content_hash` is kept for publishers that answer without ETag and Last-Modified.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    content_length: int | None = None
    content_hash: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", without_secrets(self.url))


@dataclass(frozen=True)
class Watermark:
    """What the ledger knows of a partition's current rows."""

    load_id: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None
    fingerprint: Fingerprint


@dataclass(frozen=True)
class RunAsset:
    """What one run did to one asset, or one partition of it."""

    asset: str
    partition_key: str | None
    status: str
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    fingerprint: Fingerprint | None = None
    load_id: str | None = None
    error: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Check:
    """What a check observed of an asset; `passed` is false also where it only warns.

    `partition_key` is the partition that it is of, missing where it is of the whole asset.
    """

    asset: str
    check_name: str
    source: Literal["dbt", "great_expectations", "dagster"]
    severity: Literal["error", "warn"]
    passed: bool
    observed: str
    expected: str
    partition_key: str | None = None


def utc_now() -> datetime:
    """The present as the ledger keeps it: UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Ledger:
    """Reads and writes `meta` on an open connection; creates its tables where they are missing.

    Nothing that it keeps has a password or key of an address in it; what earlier versions kept is cleaned.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(_SCHEMA)
        self._remove_secrets()

    def start_run(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        started_by: str,
        dagster_run_id: str | None = None,
        started_at: datetime | None = None,
        run_id: str | None = None,
    ) -> str:
        """Record that a run of this kind (`ingestion`, …) has begun, and return its run id: that given, or a new one.

        `started_at` (UTC, without zone) is for runs that tell of their beginning later; by default it is now.
        """
        run_id = run_id or str(uuid.uuid4())
        self._connection.execute(
            "insert into meta.ingestion_runs (run_id, kind, started_by, started_at, status, arguments, dagster_run_id)"
            " values (?, ?, ?, ?, 'running', ?, ?)",
            [run_id, kind, started_by, started_at or utc_now(), scrubbed(json.dumps(arguments)), dagster_run_id],
        )
        return run_id

    def finish_run(
        self, run_id: str, status: RunStatus, error: str | None = None, *, finished_at: datetime | None = None
    ) -> None:
        """Record how a run ended, and when if that was not now (UTC, without zone)."""
        self._connection.execute(
            "update meta.ingestion_runs set finished_at = ?, status = ?, error = ? where run_id = ?",
            [finished_at or utc_now(), status, error and scrubbed(error), run_id],
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that is recorded in the `with` block is there together, or not at all."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def running(self, kind: str) -> list[str]:
        """The runs of a kind that have not said how they ended."""
        found = self._connection.execute(
            "select run_id from meta.ingestion_runs where kind = ? and status = 'running'", [kind]
        ).fetchall()
        return [run_id for (run_id,) in found]

    def _remove_secrets(self) -> None:
        """Clean what versions before wrote that kept addresses as they were; once, for it reads the whole ledger."""
        if self._connection.execute("from meta.migrations where name = ?", [_SECRETS_REMOVED]).fetchone():
            return
        for (table, column), clean in _CLEANED.items():
            found = self._connection.execute(
                f"select distinct {column}::varchar from meta.{table} where regexp_matches({column}::varchar, ?)",
                [_MAY_HOLD_SECRETS],
            ).fetchall()
            for (text,) in found:
                if (cleaned := clean(text)) != text:
                    self._connection.execute(
                        f"update meta.{table} set {column} = ? where {column}::varchar = ?", [cleaned, text]
                    )
        self._connection.execute("insert into meta.migrations values (?, ?)", [_SECRETS_REMOVED, utc_now()])

    def finish_terminated_runs(self, dagster_run_id: str) -> None:
        """Record as failed whatever this run of Dagster, which was terminated, has begun and not finished."""
        self._connection.execute(
            "update meta.ingestion_runs set finished_at = ?, status = 'failed', error = ?"
            " where dagster_run_id = ? and status = 'running'",
            [utc_now(), TERMINATED, dagster_run_id],
        )

    def record_asset(self, run_id: str, done: RunAsset) -> None:
        """Record what a run did to one asset or partition."""
        source = done.fingerprint or Fingerprint(url="")
        self._connection.execute(
            "insert into meta.ingestion_run_assets values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run_id,
                done.asset,
                done.partition_key,
                done.status,
                done.rows,
                done.bytes,
                done.seconds,
                source.url or None,
                source.etag,
                source.last_modified,
                done.load_id,
                done.error and scrubbed(done.error),
                done.note and scrubbed(done.note),
            ],
        )

    def record_checks(self, run_id: str, checks: Iterable[Check]) -> None:
        """Record what a run checked, all of it or none."""
        columns = "run_id, asset, check_name, source, partition_key, severity, passed, observed, expected, checked_at"
        checked_at = utc_now()
        rows = [
            [
                run_id,
                check.asset,
                check.check_name,
                check.source,
                check.partition_key,
                check.severity,
                check.passed,
                check.observed,
                check.expected,
                checked_at,
            ]
            for check in checks
        ]
        if rows:
            marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
            self._connection.execute(
                f"insert into meta.asset_checks ({columns}) values {marks}", [value for row in rows for value in row]
            )

    def watermarks(self) -> dict[tuple[str, str], Watermark]:
        """The watermark of every partition loaded from a publisher, by (asset, partition key)."""
        return read_watermarks(self._connection)

    def set_watermark(self, asset: str, partition_key: str, watermark: Watermark) -> None:
        """Record what a partition holds now, in place of what was known of it."""
        source = watermark.fingerprint
        self._connection.execute(
            "insert or replace into meta.asset_watermarks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                asset,
                partition_key,
                watermark.load_id,
                watermark.rows,
                watermark.min_event_time,
                watermark.max_event_time,
                source.url,
                source.etag,
                source.last_modified,
                source.content_length,
                source.content_hash,
                utc_now(),
            ],
        )


def read_watermarks(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Watermark]:
    """The watermark of every partition loaded from a publisher, by (asset, partition key); none without a ledger.

    dbt has watermarks of the facts there, too, which have no source.
    """
    try:
        rows = connection.execute(
            "select asset, partition_key, load_id, rows, min_event_time, max_event_time,"
            " source_url, etag, last_modified, content_length, content_hash from meta.asset_watermarks"
            " where source_url is not null"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {(row[0], row[1]): Watermark(row[2], row[3], row[4], row[5], Fingerprint(*row[6:])) for row in rows}
