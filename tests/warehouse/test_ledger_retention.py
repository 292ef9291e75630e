"""Old rows of the ledger go, and no answer changes: neither of health, nor of the audit before publishing."""

from datetime import timedelta
from typing import Any

import duckdb
import pytest

from quality.health import latest_checks
from tests.warehouse.random_ledgers import NOW, fill
from warehouse.connection import WarehouseError
from warehouse.ledger import Ledger
from warehouse.maintenance import ledger as module
from warehouse.maintenance.items import retention_days
from warehouse.maintenance.ledger import count_expired, delete_expired
from warehouse.publishing import audit, staleness

WATERMARKS = "from meta.asset_watermarks order by all"
LOADERS = """
    select asset, partition_key, load_id, dagster_run_id
    from meta.ingestion_run_assets
    inner join meta.ingestion_runs using (run_id)
    inner join meta.asset_watermarks using (asset, partition_key, load_id)
    order by all
"""
RUNNING = "select run_id from meta.ingestion_runs where status = 'running' order by all"


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What others ask the ledger for."""

    def rows(query: str, **values: str) -> list[Any]:
        return connection.execute(query, values).fetchall()

    def failed_builds(tool: str) -> set[tuple[Any, Any]]:
        return {(asset, what) for asset, what, _ in rows(audit._FAILED_BUILDS, tool=tool)}

    return {
        "health": sorted(map(str, latest_checks(connection))),
        "failed checks": rows(audit._FAILED_CHECKS),
        # Of runs that ended without any result only the last of each kind is of interest.
        "failed builds": failed_builds("dbt"),
        "failed builds on Spark": failed_builds("spark"),
        "built at": sorted(rows(staleness._BUILT_AT)),
        "counts": audit.count_checks(connection),
        "watermarks": rows(WATERMARKS),
        "loaders": rows(LOADERS),
        "running": rows(RUNNING),
    }


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "utc_now", lambda: NOW)


@pytest.mark.parametrize("seed", range(8))
def test_no_answer_changes(seed: int) -> None:
    with duckdb.connect() as connection:
        fill(connection, seed)
        before, runs = answers(connection), connection.table("meta.ingestion_runs").shape[0]
        counted = count_expired(connection, 400)

        assert delete_expired(connection, 400) == counted

        assert answers(connection) == before
        assert counted[0] > 10
        assert connection.table("meta.ingestion_runs").shape[0] == runs - counted[0]
        orphans = "select count(*) from meta.{} where run_id not in (select run_id from meta.ingestion_runs)"
        for table in ("ingestion_run_assets", "asset_checks"):
            assert connection.execute(orphans.format(table)).fetchall() == [(0,)]
        recent = "select count(*) from meta.ingestion_runs where started_at >= ?"
        with duckdb.connect() as other:
            fill(other, seed)
            since = [NOW - timedelta(days=400)]
            assert connection.execute(recent, since).fetchall() == other.execute(recent, since).fetchall()
        assert delete_expired(connection, 400) == (0, 0)


def test_answers_would_change_without_what_is_kept() -> None:
    """The comparison above can fail."""
    changed = set()
    for seed in range(8):
        with duckdb.connect() as connection:
            fill(connection, seed)
            before = answers(connection)
            since = NOW - timedelta(days=400)
            for table in ("asset_checks", "ingestion_run_assets", "ingestion_runs"):
                connection.execute(
                    f"delete from meta.{table} where run_id in"
                    " (select run_id from meta.ingestion_runs where finished_at < ?)",
                    [since],
                )
            changed |= {name for name, answer in answers(connection).items() if answer != before[name]}
    of_builds = {"failed builds", "failed builds on Spark", "built at"}
    assert changed == {*of_builds, "health", "failed checks", "counts", "loaders"}


def test_runs_of_published_versions_stay() -> None:
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        for number in range(3):
            at = NOW - timedelta(days=900 - number)
            ledger.start_run("publish", {}, started_by="terminal", started_at=at, run_id=f"run {number}")
            ledger.finish_run(f"run {number}", "success", finished_at=at)
        connection.execute(
            "insert into meta.published_versions values ('a', ?, 'terminal', 'run 0', 1, 1, 1, 'x')", [NOW]
        )

        assert delete_expired(connection, 400) == (1, 0)

        assert connection.execute("select run_id from meta.ingestion_runs order by 1").fetchall() == [
            ("run 0",),
            ("run 2",),
        ]


@pytest.mark.parametrize("text", ["0", "-3", "a year", "1e3", "100001"])
def test_a_retention_that_is_no_number_of_days_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_RETENTION_DAYS", text)
    with pytest.raises(WarehouseError, match="LEDGER_RETENTION_DAYS to be a whole number of days"):
        retention_days("LEDGER_RETENTION_DAYS", 400)
