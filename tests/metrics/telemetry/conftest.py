"""Random events and profiles written by hand, built and published."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import duckdb
import pytest

from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.dbt.telemetry.pipeline_runs import bring_files, random_files
from tests.metrics.telemetry.definitions import VIEWS
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import open_release

HOURS = [datetime(2026, 3, 2) + timedelta(days=day, hours=hour) for day in range(4) for hour in (0, 23)]
# An hour of lines, some of which have other words for a status, and two of which cannot be events.
ODD_HOUR = datetime(2026, 3, 5, 10)
_RUN = {"workspace": "shop", "pipeline": "odd", "file_name": "odd.jsonl", "line_number": 1}
ODD_LINES = [
    {
        "event_id": "o1",
        "status": "completed",
        "started_at": "2026-03-05T10:00:00",
        "finished_at": "2026-03-05T10:00:07",
    },
    {"event_id": "o2", "status": "error", "started_at": "2026-03-05T10:01:00", "error": "no kind"},
    {"event_id": "o3", "status": "success", "started_at": "2026-03-05T10:02:00", "finished_at": "2026-03-05T10:01:00"},
    {"problem": "half_line", "line": '{"event_id": "o4"'},
]

PROFILES = [
    (date(2026, 3, 2), "ann", 900, 80, 400, "false", "2024-03-02", "2026-03-02T10:00:00"),
    (date(2026, 3, 4), "ann", 1000, 90, 450, "true", "2024-03-02", "2026-03-04T10:00:00"),
    (date(2026, 3, 4), "bob", 12_000_000, None, 10, "true", "2026-03-04T08:00:00", "2026-03-04T10:00:00"),
    (date(2026, 3, 4), "cid", None, 5, 90_000, None, "2026-02-04T08:00:00", "2026-03-04T11:00:00"),
    (date(2026, 3, 5), "dan", 3, 7, 5, "false", None, "2026-03-05T01:00:00"),
    (date(2026, 3, 5), "eve", 3, 7, 5, "false", "2026-03-06T01:00:00", "2026-03-05T01:00:00"),
]
_NAMES = ("user_name", "followers", "following", "posts", "verified", "created_at", "crawled_at")


def load_telemetry(warehouse: Warehouse) -> None:
    """Load events and profiles into a warehouse."""
    warehouse.create_raw_tables()
    bring_files(warehouse, random_files(HOURS, 1_500, seed=8))
    warehouse.load("pipeline_events", ODD_HOUR, [{**_RUN, **line} for line in ODD_LINES])
    for day in {row[0] for row in PROFILES}:
        profiles = [dict(zip(_NAMES, row[1:], strict=True)) for row in PROFILES if row[0] == day]
        warehouse.load(
            "crawler_results", day, [{**profile, "file_name": "p.jsonl", "line_number": 1} for profile in profiles]
        )


@pytest.fixture(scope="session")
def _built_telemetry(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    scratch = tmp_path_factory.mktemp("metrics_of_telemetry")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        patch.setenv(LOG_FOLDER_VARIABLE, str(scratch / "logs"))
        patch.setenv("DBT_TARGET_PATH", str(scratch / "target"))
        load_telemetry(warehouse)
        result = warehouse.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        assert result.success, warehouse.said
        publish()
    return warehouse


@pytest.fixture
def release(_built_telemetry: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release, which metrics are asked of."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(_built_telemetry.path))
    monkeypatch.setenv("DBT_TARGET_PATH", str(_built_telemetry.scratch / "target"))
    with open_release() as opened:
        yield opened


@pytest.fixture
def raw_data(_built_telemetry: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was published, with the views that the plain definitions are of."""
    with duckdb.connect(str(_built_telemetry.path), read_only=True) as connection:
        connection.execute(VIEWS)
        yield connection
