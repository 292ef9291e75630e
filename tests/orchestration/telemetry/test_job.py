"""The job of telemetry in process, from files in a folder to the layers."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import defs
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample


def test_it_goes_from_files_to_layers(
    tmp_path: Path, database: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, name in (
        ("SOURCES__EVENT_FILES__URL", "files"),
        ("LAYERS_URL", "layers"),
        ("PUBLISHED_FOLDER", "releases"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / name))
    write_event_files(tmp_path / "files", Sample(datetime(2026, 1, 5, 8), hours=6, events=30, profiles=5))

    result = defs.resolve_job_def("telemetry_job").execute_in_process(raise_on_error=False)

    assert result.success, [event.message for event in result.get_step_failure_events()]
    shown_of = {tuple(event.asset_key.path): event for event in _materialized(result) if event.asset_key}
    layers = {path[1:]: event for path, event in shown_of.items() if path[0] == "layers"}
    assert len(layers) == 6
    with duckdb.connect(str(database), read_only=True) as connection:
        for table, query in {
            ("bronze", "raw_pipeline_events"): "select count(*) from raw_data.pipeline_events",
            ("gold", "user_profiles"): "select count(*) from core_telemetry.gold_user_profiles",
        }.items():
            shown = layers[table].materialization.metadata["dagster/row_count"].value
            assert [(shown,)] == connection.execute(query).fetchall()
            assert shown
        assert (tmp_path / "layers/silver/pipeline_events/_delta_log").is_dir()


def _materialized(result: dg.ExecuteInProcessResult) -> list[dg.DagsterEvent]:
    return [event for event in result.get_asset_materialization_events() if event.asset_key]
