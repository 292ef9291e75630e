"""Ledgers of three years of random runs: builds of everything or a part, checks, loads, failures, kills."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.ledger import Fingerprint, Ledger, Watermark

NOW = datetime(2026, 6, 1)
LONG_AGO = NOW - timedelta(days=550)
MODELS = ("fct_one", "fct_two", "dim_one", "removed")
TESTS = ("unique_one", "not_null_one", "removed_test")
PARTS: tuple[dict[str, object], ...] = ({"select": ["fct_one"]}, {"select": ["fct_two+"], "empty": True})
KINDS = ("dbt build", "dbt run", "dbt test", "spark build", "quality", "ingestion", "publish")
SOURCES = {"dbt": "dbt", "spark": "spark", "quality": "great_expectations"}

Row = dict[str, Any]


def fill(connection: duckdb.DuckDBPyConnection, seed: int, *, runs: int = 120, feed: str = "green") -> None:
    """Write random runs into the ledger. With an odd seed nothing was ever built as a whole, and failures last."""
    chance = random.Random(seed)
    ledger = Ledger(connection)
    times = sorted(NOW - timedelta(days=chance.uniform(0, 1000)) for _ in range(runs))
    made = [_run(chance, number, at, is_last=number > runs - 3, seed=seed) for number, at in enumerate(times)]
    assets = [row for run in made for row in _assets(chance, run, feed)]
    checks = [row for run in made for row in _checks(chance, run)]
    for table, rows in (("ingestion_runs", made), ("ingestion_run_assets", assets), ("asset_checks", checks)):
        connection.register("rows_to_insert", pa.Table.from_pylist(rows))
        connection.execute(f"insert into meta.{table} by name from rows_to_insert")
    started = {run["run_id"]: run["started_at"] for run in made}
    for row in (row for row in assets if row["load_id"]):
        mark = Watermark(row["load_id"], 1, None, None, Fingerprint("https://example.org/f"))
        ledger.set_watermark(row["asset"], row["partition_key"], mark)
        at = [started[row["run_id"]], row["partition_key"]]
        connection.execute("update meta.asset_watermarks set updated_at = ? where partition_key = ?", at)


def _run(chance: random.Random, number: int, at: datetime, *, is_last: bool, seed: int) -> Row:
    kind = chance.choice(KINDS)
    status = chance.choice(("success", "success", "failed", "running" if is_last else "failed"))
    dagster_run_id = chance.choice((None, f"dagster {number}"))
    selection = chance.choice(PARTS if seed % 2 else ({}, *PARTS))
    if at < LONG_AGO and chance.random() < 0.3:
        selection = {"select": ["removed"]}
    return {
        "run_id": f"run {number}",
        "kind": kind,
        "started_by": "dagster" if dagster_run_id else "terminal",
        "started_at": at,
        "finished_at": None if status == "running" else at + timedelta(minutes=1),
        "status": status,
        "arguments": json.dumps({} if kind == "ingestion" else selection),
        "dagster_run_id": dagster_run_id,
    }


def _assets(chance: random.Random, run: Row, feed: str) -> Iterator[Row]:
    row = {"run_id": run["run_id"], "partition_key": None, "load_id": None, "seconds": 1.0}
    if run["kind"] == "ingestion":
        status = chance.choice(("loaded", "unchanged", "failed"))
        load_id = f"load of {run['run_id']}" if status == "loaded" else None
        key = f"2025-{chance.randint(1, 12):02}"
        yield {**row, "asset": feed, "partition_key": key, "status": status, "load_id": load_id}
    elif run["kind"] in ("dbt build", "dbt run", "spark build") and _has_results(chance, run):
        for model in MODELS:
            if _is_there(run, model) and chance.random() < 0.7:
                other = "failed" if "removed" in model else "built"
                yield {**row, "asset": model, "status": chance.choice(("built", other, "failed", "skipped"))}


def _checks(chance: random.Random, run: Row) -> Iterator[Row]:
    if run["kind"] not in ("dbt build", "dbt test", "spark build", "quality") or not _has_results(chance, run):
        return
    for test in TESTS:
        if not _is_there(run, test) or chance.random() < 0.2:
            continue
        for partition in chance.choice(([None], ["2025-01", "2025-02"])):
            yield {
                "run_id": run["run_id"],
                "asset": "fct_one",
                "check_name": test,
                "source": SOURCES[run["kind"].split()[0]],
                "partition_key": partition,
                "severity": chance.choice(("error", "error", "warn")),
                "passed": "removed" not in test and chance.random() < 0.6,
                "observed": "1",
                "expected": "0",
                "checked_at": run["started_at"] + timedelta(seconds=30),
            }


def _has_results(chance: random.Random, run: Row) -> bool:
    return run["status"] != "running" and chance.random() < 0.9


def _is_there(run: Row, name: str) -> bool:
    """What was removed from the project a year and a half ago, and was asked for by its name."""
    return "removed" not in name or "removed" in run["arguments"]
