"""What the ledger says decides whether what is built may be published, and what forbids it is named."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, JANUARY, Warehouse, citibike_month, yellow_month
from warehouse.ledger import Check, Ledger, RunAsset, RunStatus, utc_now
from warehouse.publishing.audit import AuditError
from warehouse.publishing.publish import check_publication


@pytest.fixture
def built(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse that may be published."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    check_publication()
    return warehouse


def _objections(path: Path) -> tuple[str, ...]:
    assert path.exists()
    try:
        check_publication()
    except AuditError as error:
        return error.objections
    return ()


class _Runs:
    """Records runs one after the other, each a minute after the one before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._now = utc_now()

    def record(
        self,
        kind: str,
        arguments: dict[str, Any],
        *,
        checks: Sequence[Check] = (),
        assets: Sequence[RunAsset] = (),
        status: RunStatus = "success",
        error: str | None = None,
    ) -> None:
        self._now += timedelta(minutes=1)
        with duckdb.connect(str(self._path)) as connection:
            ledger = Ledger(connection)
            run_id = ledger.start_run(kind, arguments, started_by="terminal", started_at=self._now)
            ledger.record_checks(run_id, checks)
            # The clock of these runs runs ahead of the real one.
            connection.execute("update meta.asset_checks set checked_at = ? where run_id = ?", [self._now, run_id])
            for asset in assets:
                ledger.record_asset(run_id, asset)
            ledger.finish_run(run_id, status, error, finished_at=self._now)


@pytest.fixture
def runs(built: Warehouse) -> _Runs:
    return _Runs(built.path)


def _check(
    name: str, *, passed: bool, severity: Literal["error", "warn"] = "error", partition_key: str | None = None
) -> Check:
    return Check("fct_trips", name, "great_expectations", severity, passed, "3 rows", "none", partition_key)


def test_what_is_loaded_but_not_built_is_named(built: Warehouse) -> None:
    built.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    built.load("yellow", JANUARY, yellow_month(JANUARY, total=7))
    built.load("citibike", FEBRUARY, citibike_month(FEBRUARY))
    assert _objections(built.path) == (
        "citibike 2025-02: loaded, but not built. Build: nyc build",
        "yellow 2025-01 \u2026 2025-02: loaded, but not built. Build: nyc build",
    )


def test_a_dimension_left_behind_by_a_partial_build_is_named(built: Warehouse) -> None:
    built.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    built.build("--select", "fct_trips quarantined_trips fct_hourly_mobility int_daily_trips")
    (objection,) = _objections(built.path)
    assert "dim_date" in objection
    assert "last built before the last load of mobility (yellow, " in objection
    built.build()
    assert _objections(built.path) == ()


def test_a_model_that_was_built_before_what_it_reads_changed_is_named(built: Warehouse) -> None:
    window = '{"backfill_start_date": "2025-01-01", "backfill_end_date": "2025-01-31"}'
    built.build("--select", "fct_trips", "--vars", window)
    objections = _objections(built.path)
    assert any(
        each.startswith("fct_hourly_mobility: last built before fct_trips, which it reads, changed")
        for each in objections
    )
    assert not any(each.startswith("fct_trips:") for each in objections)
    built.build()
    assert _objections(built.path) == ()


def test_lost_rows_are_named(built: Warehouse) -> None:
    built.execute("delete from core_core.fct_trips where feed = 'yellow' and total_amount = 12.5")
    assert next(each for each in _objections(built.path) if "lost" in each).startswith(
        "yellow 2025-01: expected all 4 published rows to be kept or quarantined, but 1 are lost"
    )


def test_a_model_that_is_not_there_is_named(built: Warehouse) -> None:
    built.execute("drop table core_core.dim_time")
    assert _objections(built.path) == ("core_core.dim_time: not built. Build everything: nyc build",)


def test_a_failed_model_stands_until_it_is_built(runs: _Runs, built: Warehouse) -> None:
    runs.record("dbt build", {}, assets=[RunAsset("dim_time", None, "failed", error="no such column")], status="failed")
    (objection,) = _objections(built.path)
    assert objection.startswith("dim_time: failed: no such column (dbt, ")
    runs.record("dbt build", {"select": ["dim_date"]}, assets=[RunAsset("dim_date", None, "built")])
    assert _objections(built.path) == (objection,)
    runs.record("dbt run", {"select": ["dim_time"]}, assets=[RunAsset("dim_time", None, "built")])
    assert _objections(built.path) == ()


def test_a_failed_model_that_was_removed_is_forgotten(runs: _Runs, built: Warehouse) -> None:
    runs.record("dbt build", {}, assets=[RunAsset("old_model", None, "failed")], status="failed")
    assert len(_objections(built.path)) == 1
    runs.record("dbt build", {"full_refresh": True}, assets=[RunAsset("dim_time", None, "built")])
    assert _objections(built.path) == ()


def test_a_build_that_was_killed_stands_until_the_next(runs: _Runs, built: Warehouse) -> None:
    runs.record("dbt build", {}, status="failed", error="the run ended without finishing")
    (objection,) = _objections(built.path)
    assert objection.startswith("dbt build: the run ended without finishing (dbt, ")
    runs.record("dbt build", {}, assets=[RunAsset("dim_time", None, "built")])
    assert _objections(built.path) == ()


def test_a_failed_expectation_forbids_it_and_a_warning_does_not(runs: _Runs, built: Warehouse) -> None:
    failed = _check("sane", passed=False, partition_key="green/2025-01")
    warned = _check("odd", passed=False, severity="warn")
    runs.record("quality", {"select": None}, checks=[failed, warned])
    (objection,) = _objections(built.path)
    assert objection.startswith("fct_trips.sane of green/2025-01 failed: observed 3 rows, expected none (great_exp")
    runs.record("quality", {"select": "other"}, checks=[_check("other", passed=True)])
    assert _objections(built.path) == (objection,)
    runs.record("quality", {"select": "fct_trips"}, checks=[_check("sane", passed=True)])
    assert _objections(built.path) == ()


def test_a_check_that_only_warns_by_now_forbids_nothing(runs: _Runs, built: Warehouse) -> None:
    runs.record("quality", {"select": None}, checks=[_check("sane", passed=False)])
    runs.record("quality", {"select": None}, checks=[_check("sane", passed=False, severity="warn")])
    assert _objections(built.path) == ()


@pytest.mark.parametrize("first", [None, "fct_trips"])
@pytest.mark.parametrize("second", [None, "fct_trips"])
def test_a_check_that_was_removed_is_forgotten(
    runs: _Runs, built: Warehouse, first: str | None, second: str | None
) -> None:
    runs.record("quality", {"select": first}, checks=[_check("old", passed=False), _check("sane", passed=True)])
    assert len(_objections(built.path)) == 1
    runs.record("quality", {"select": second}, checks=[_check("sane", passed=True)])
    # A run of a part says nothing of what a run of everything found.
    assert len(_objections(built.path)) == (1 if (first, second) == (None, "fct_trips") else 0)


def test_what_fails_on_spark_forbids_nothing(runs: _Runs, built: Warehouse) -> None:
    failed = Check("fct_trips", "unique", "spark", "error", False, "3 rows", "none")
    lost = RunAsset("fct_trips", None, "failed", error="no")
    runs.record("spark build", {}, checks=[failed], assets=[lost], status="failed", error="it broke")
    runs.record("spark build", {}, status="failed", error="the run ended without finishing")
    assert _objections(built.path) == ()


def test_a_failed_dbt_test_forbids_it(built: Warehouse) -> None:
    built.execute("insert into core_core.dim_time select * from core_core.dim_time limit 1")
    assert not built.dbt("test", "--select", "dim_time").success
    assert any(each.startswith("dim_time.unique_dim_time") for each in _objections(built.path))
    built.build("--select", "dim_time")
    assert built.dbt("test", "--select", "dim_time").success
    assert _objections(built.path) == ()


def test_many_objections_are_shortened(runs: _Runs, built: Warehouse) -> None:
    runs.record("quality", {}, checks=[_check(f"check_{n}", passed=False) for n in range(30)])
    with pytest.raises(AuditError) as raised:
        check_publication()
    assert str(raised.value).endswith("and 20 more")
    assert len(raised.value.objections) == 30
