"""What dbt writes into the ledger when Dagster runs it."""

import os
from pathlib import Path

import dagster as dg
import pytest

from orchestration import defs
from tests.dbt.small_warehouse import Warehouse


def test_a_build_of_dbt_assets_is_kept_with_the_run_of_dagster(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_RUN_ID", raising=False)
    warehouse = Warehouse(database, tmp_path)
    warehouse.create_raw_tables()
    staging = dg.AssetKey(["staging", "stg_tlc__green_taxi"])
    result = defs.resolve_job_def("daily_dbt_build_job").execute_in_process(asset_selection=[staging])
    assert result.success
    assert warehouse.execute("select kind, started_by, dagster_run_id, status from meta.ingestion_runs") == [
        ("dbt build", "dagster", result.run_id, "success")
    ]
    assert warehouse.execute("select asset, status from meta.ingestion_run_assets") == [
        ("stg_tlc__green_taxi", "built")
    ]
    assert "DAGSTER_RUN_ID" not in os.environ, "what runs in this process next is another's"
