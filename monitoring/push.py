"""Push figures to a Pushgateway, for a Prometheus that cannot reach this machine.

What is pushed stays at the gateway until it is pushed again. So it says nothing of a machine that is down: that is what
`nyc metrics-server` is for.
"""

import os
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote, urlsplit, urlunsplit

import duckdb
from prometheus_client import CollectorRegistry, pushadd_to_gateway
from prometheus_client.core import Metric
from prometheus_client.exposition import basic_auth_handler, default_handler
from prometheus_client.registry import Collector

from ingestion.catalog import FEEDS
from monitoring.families import Value, by, gauge
from monitoring.ledger_copy import ledger_now
from warehouse.secrets import scrubbed, without_secrets

GATEWAY_VARIABLE = "PROMETHEUS_PUSHGATEWAY_URL"
JOB = "dagster_pipeline"
_TIMEOUT_SECONDS = 10
_RAW = "raw_data"

_LOADED = """
    select asset, sum(rows)::double from meta.asset_watermarks where source_url is not null group by asset
"""

_BUILT = """
    select asset, rows::double
    from meta.ingestion_run_assets
    inner join meta.ingestion_runs using (run_id)
    where ingestion_run_assets.status = 'built' and kind like 'dbt %' and rows is not null
    qualify row_number() over (partition by asset order by started_at desc) = 1
    order by asset
"""

# What the last run of each feed, model or seed took, of all its partitions.
_ASSETS = """
    with done as (
        select asset, run_id, started_at, sum(seconds) as seconds
        from meta.ingestion_run_assets
        inner join meta.ingestion_runs using (run_id)
        where ingestion_run_assets.status in ('built', 'loaded') and kind not like 'spark %'
        group by all
    )

    select asset, seconds from done
    qualify row_number() over (partition by asset order by started_at desc) = 1
    order by asset
"""


class PushError(Exception):
    """The figures could not be pushed. The message says why and what to do, without the address's secrets."""


@dataclass(frozen=True)
class RunResult:
    """How a run of Dagster ended: its job, whether it was a success, its duration and its end in Unix seconds."""

    job: str
    is_success: bool
    seconds: float | None
    ended_at: float | None


@dataclass(frozen=True)
class Gateway:
    """A Pushgateway: its address without user and password, and these where it has some."""

    address: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def from_environment(cls) -> "Gateway | None":
        """The gateway of `PROMETHEUS_PUSHGATEWAY_URL`; None where it is not set.

        Raises:
            PushError: it is not an address.
        """
        text = os.environ.get(GATEWAY_VARIABLE, "").strip()
        if not text:
            return None
        try:
            found = urlsplit(text)
            is_valid = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
        except ValueError:
            is_valid = False
        if not is_valid:
            raise PushError(
                f"expected {GATEWAY_VARIABLE} to be an address such as http://localhost:9091, but got "
                f"{scrubbed(without_secrets(text))[:100]!r}. A password may need %-codes for its signs."
            )
        host = found.netloc.rpartition("@")[2]
        user = unquote(found.username) if found.username is not None else None
        password = unquote(found.password or "") if user is not None else None
        return cls(urlunsplit((found.scheme, host, found.path.rstrip("/"), "", "")), user, password)

    def push(self, figures: Collector, *, of: dict[str, str] | None = None) -> None:
        """Push figures of the job `dagster_pipeline`; `of` are further labels that they are kept by.

        Figures of other names that were pushed before stay.

        Raises:
            PushError: the gateway did not take them.
        """
        registry = CollectorRegistry()
        registry.register(figures)
        handler = default_handler
        if self.user is not None:
            handler = partial(basic_auth_handler, username=self.user, password=self.password)
        try:
            pushadd_to_gateway(
                self.address, job=JOB, registry=registry, grouping_key=of, timeout=_TIMEOUT_SECONDS, handler=handler
            )
        except (OSError, ValueError) as error:
            raise PushError(
                f"{self.address}: expected the Pushgateway to take the figures, but: {self._without_secrets(error)}. "
                f"See that it runs, and that {GATEWAY_VARIABLE} names it."
            ) from None

    def _without_secrets(self, error: Exception) -> str:
        said = scrubbed(" ".join(str(error).split()))[:300]
        return said.replace(self.password, "…") if self.password else said


class _Figures(Collector):
    def __init__(self, *figures: Metric) -> None:
        self._figures = figures

    def collect(self) -> tuple[Metric, ...]:
        return self._figures


def _rows_of_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Value]:
    """The rows of each table: a raw one by its name in DuckDB, since a model may have the name of a feed."""
    rows: dict[str, Value] = dict(connection.execute(_BUILT).fetchall())
    for feed, count in connection.execute(_LOADED).fetchall():
        if feed in FEEDS:
            table = f"{_RAW}.{FEEDS[feed].raw_table}"
            rows[table] = count + float(rows.get(table) or 0)  # type: ignore[arg-type]
    return rows


def _asset(name: str) -> str:
    return f"{_RAW}.{name}" if name in FEEDS else name


def ledger_gauges(connection: duckdb.DuckDBPyConnection) -> Collector:
    """The rows of every table and the duration of every asset, by the ledger."""
    return _Figures(
        by("table", "dagster_table_row_count", "Rows of a table.", _rows_of_tables(connection)),
        by(
            "asset",
            "dagster_asset_duration_seconds",
            "How long it took to make an asset the last time, in seconds.",
            {_asset(name): seconds for name, seconds in connection.execute(_ASSETS).fetchall()},
        ),
    )


def run_gauges(result: RunResult) -> Collector:
    """How a run ended. The label is not `job`, which at the gateway is the name of all that is pushed."""
    return _Figures(
        gauge("dagster_run_success", "1 if the last run of the job was a success, else 0.", [((), result.is_success)]),
        gauge("dagster_run_duration_seconds", "How long that run took, in seconds.", [((), result.seconds)]),
        gauge("dagster_run_end_timestamp_seconds", "When it ended, in Unix seconds.", [((), result.ended_at)]),
    )


def push_figures(gateway: Gateway, result: RunResult | None = None) -> bool:
    """Push what the ledger says, and how a run ended if there is one. Returns whether there was a ledger.

    Raises:
        PushError: the gateway did not take them.
        WarehouseError: the ledger cannot be read.
    """
    if result:
        gateway.push(run_gauges(result), of={"dagster_job": result.job})
    with ledger_now() as ledger:
        if ledger is None:
            return False
        gateway.push(ledger_gauges(ledger.connection))
    return True
