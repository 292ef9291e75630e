"""Bronze, silver, gold, a month anew, and the exports: real runs of Dagster, from a broker to files."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from metrics.exports import EXPORTS_VARIABLE
from orchestration import defs
from sandbox.kafka_broker import Broker
from sandbox.markets.exchange.messages import Encoder, sent_between
from sandbox.schema_registry import SchemaRegistry
from tests.orchestration.streams.conftest import STREAMS
from tests.orchestration.streams.ledger import add_batch
from warehouse.paths import LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import check_publication

FIRST, LAST = date(2026, 1, 14), date(2026, 1, 16)


@pytest.fixture
def sent(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Three trading days of messages with the publisher's quirks: how many there are in each topic."""
    with SchemaRegistry() as registry:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry.url)
        encoder = Encoder(registry.register)
        messages = [replace(encoder.message(one), timestamp_ms=0) for one in sent_between(FIRST, LAST, happening=300)]
        broker.produce(messages)
        topics = [message.topic for message in messages]
        yield {topic: topics.count(topic) for topic in topics}


def _run(instance: dg.DagsterInstance, job: str, **arguments: Any) -> dg.ExecuteInProcessResult:
    run = defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **arguments)
    assert run.success, [event.message for event in run.get_step_failure_events()]
    return run


def _query(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _bronze(instance: dg.DagsterInstance, sent: dict[str, int]) -> None:
    for feed in STREAMS:
        assert feed.stream
        run = _run(instance, f"bronze_{feed.name}_ingestion")
        (event,) = run.asset_materializations_for_node(f"raw_data__{feed.raw_table}")
        shown: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
        count = sent[feed.stream.topic]
        assert (shown["messages"], shown["lag"]) == (count, 0)
        assert sum(shown["offsets"].values()) == count
        assert 0 < shown["rejects"] < count
        assert shown["load_id"]


def _look(instance: dg.DagsterInstance, name: str, cursor: str | None = None) -> Any:
    context = dg.build_sensor_context(instance, cursor=cursor, repository_def=defs.get_repository_def())
    return defs.get_repository_def().get_sensor_def(name).evaluate_tick(context)


@pytest.fixture
def everything_else(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files go."""
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    monkeypatch.setenv(EXPORTS_VARIABLE, str(tmp_path / "exports"))
    return tmp_path / "exports"


def test_from_the_broker_to_the_files_of_the_last_trading_day(
    sent: dict[str, int], database: Path, everything_else: Path, instance: dg.DagsterInstance
) -> None:
    _bronze(instance, sent)
    assert _look(instance, "kafka_trades_sensor").skip_message.startswith("no new messages in raw.trades")
    told = {event.asset_key.path[-1] for event in _look(instance, "ledger_sensor").asset_events}
    assert not told & {feed.raw_table for feed in STREAMS}, "Dagster was told by the runs"

    _run(instance, "silver_micro_batch_job")
    assert _query(database, "select count(*) > 0 from core_markets.silver_trades") == [(True,)]
    before = _query(database, "select max(started_at) from meta.ingestion_runs")
    _run(instance, "silver_micro_batch_job", tags={"triggered_by": "a run of bronze"})
    assert _query(database, "select max(started_at) from meta.ingestion_runs") == before, "nothing was new"

    _run(instance, "gold_daily_aggregation_job", partition_key=f"{LAST}")
    summary = "select * from core_markets.gold_daily_trading_summary"
    by_day = _query(database, f"select trading_date, count(*) from ({summary}) group by all order by all")
    assert {FIRST, LAST} <= {day for day, _ in by_day}

    _recompute_the_month(instance, database, summary)
    _export(instance, database, everything_else, summary)

    # Messages go on coming, of this day and of others. They keep nobody from publishing what is built.
    add_batch("trades", f"{LAST}")
    add_batch("trades", "2026-01-20")
    check_publication()


def _recompute_the_month(instance: dg.DagsterInstance, database: Path, summary: str) -> None:
    """Rows that somebody has changed by hand are right again, by one build for the whole month."""
    rows = _query(database, f"{summary} order by all")
    with duckdb.connect(str(database)) as connection:
        connection.execute("update core_markets.gold_daily_trading_summary set close_price = -1")
    run = _run(
        instance,
        "gold_monthly_backfill_job",
        run_config={"ops": {"build_gold_of_month": {"config": {"month": "2026-01"}}}},
    )
    assert _query(database, f"{summary} order by all") == rows
    windows = _query(
        database,
        "select count(*) from meta.ingestion_runs where arguments::varchar like '%backfill_end_date%2026-01-30%'"
        f" and dagster_run_id = '{run.run_id}'",
    )
    assert windows == [(1,)], "one build for all days"


def _export(instance: dg.DagsterInstance, database: Path, folder: Path, summary: str) -> None:
    names = ("gold_daily_trading_summary", "gold_trader_performance")
    selection = [dg.AssetKey(["exports", name]) for name in names]
    _run(instance, "export_job", asset_selection=selection)
    ((newest,),) = _query(database, f"select max(trading_date) from ({summary})")
    found = list(csv.DictReader((folder / names[0] / f"{names[0]}_{newest}.csv").read_text().splitlines()))
    expected = _query(
        database,
        f"select symbol, trade_count from ({summary}) where trading_date = date '{newest}' order by symbol",
    )
    assert sorted((row["symbol"], int(row["trade_count"])) for row in found) == expected
    (file,) = (folder / names[1]).glob("*.parquet")
    table = pq.read_table(file)
    ((rows, trades),) = _query(
        database, "select count(*), sum(trade_count)::bigint from core_markets.gold_trader_performance"
    )
    assert (table.num_rows, sum(table["trade_count"].to_pylist())) == (rows, trades)
