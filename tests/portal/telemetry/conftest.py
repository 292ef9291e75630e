"""A day of ordinary use of the platform, and what others dropped as files, as a release."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from ingestion.run_pipeline import main as load
from quality.run import main as check
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample
from tests.dbt.small_warehouse import MARCH, Warehouse, parsed_project
from tests.portal.telemetry.by_hand import load_event_files
from warehouse.ledger import utc_now
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import open_release

FIRST_HOUR = datetime(2025, 3, 5, 8)

# In every text that a file can have. The last part is wider than any page.
HOSTILE = (
    "<img src=/ran.png onerror=window.ran=1><script>window.ran=1</script><b id=ran>{{ 7 * 7 }}'; drop table t; --"
    "![x](/ran.png) [x](javascript:alert(1)) $x^2$ :red[x] " + "9" * 300
)


def settings(scratch: Path) -> dict[str, str]:
    """Where the files of the day are, as environment variables."""
    return {
        DATABASE_VARIABLE: str(scratch / "nyc_mobility.duckdb"),
        LOG_FOLDER_VARIABLE: str(scratch / "logs"),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "SOURCES__EVENT_FILES__URL": str(scratch / "events"),
    }


@pytest.fixture(scope="session")
def _day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.getbasetemp()
    # Several workers of one run share what one of them makes.
    scratch = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "telemetry"
    with FileLock(f"{scratch}.lock"):
        if not (scratch / "done").exists():
            scratch.mkdir(exist_ok=True)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in settings(scratch).items():
                    patch.setenv(name, value)
                _make(scratch, patch)
            (scratch / "done").touch()
    return scratch


def _make(scratch: Path, patch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    _use_the_platform(warehouse, patch)
    write_event_files(scratch / "events", Sample(FIRST_HOUR, hours=40, events=3000, profiles=300))
    _write_hostile_files(scratch / "events")
    today = f"{utc_now():%Y-%m-%d}"
    assert load(["--from", today, "--to", today, "--sources", "platform_runs"]) == 0
    load_event_files(warehouse, scratch / "events")
    _build(warehouse)
    publish()


def _write_hostile_files(folder: Path) -> None:
    """A file of events and one of profiles whose every text is hostile, beside those of the sample."""
    # Hours before that of the file: it comes late.
    times = {"started_at": "2025-03-05T03:00:00Z", "finished_at": "2025-03-05T03:05:00Z"}
    texts = dict.fromkeys(("event_id", "workspace", "pipeline", "run_id", "error", "payload", HOSTILE[:40]), HOSTILE)
    profile = {"user_name": HOSTILE, "display_name": HOSTILE, "followers": 10**9, "crawled_at": "2025-03-05T09:00:00Z"}
    for place, line in (
        ("events/2025/03/05/09", texts | times | {"status": "failed"}),
        ("profiles/2025/03/05", profile),
    ):
        # Its last line is half a line.
        text = f"{json.dumps(line)}\n{json.dumps({HOSTILE: HOSTILE})[:-2]}"
        (folder / place / "<b id=ran>[x](x).jsonl").write_text(text)


def _use_the_platform(warehouse: Warehouse, patch: pytest.MonkeyPatch) -> None:
    """Loads, of which two fail until the file is mended, a build, checks and a publication."""
    month = ["--from", f"{MARCH:%Y-%m}", "--to", f"{MARCH:%Y-%m}", "--sources"]
    with SamplePublisher(MARCH, MARCH, rows=300) as publisher:
        for name, value in publisher.environment.items():
            patch.setenv(name, value)
        assert load([*month, "taxi_zones"]) == 0
        publisher.break_("green", MARCH, Fault.HTML)
        for _ in range(2):
            assert load([*month, "green"]) == 1
        publisher.mend("green", MARCH)
        assert load([*month, "green"]) == 0
    _build(warehouse)
    check(["--select", "fct_trips"])
    publish()


def _build(warehouse: Warehouse) -> None:
    built = warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    assert built.success, [line for line in warehouse.said if "rror" in line or "FAIL" in line]


@pytest.fixture
def day(_day: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the day, as what the portal shows."""
    for name, value in settings(_day).items():
        monkeypatch.setenv(name, value)
    return _day


@pytest.fixture
def connection(day: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release, open for SQL that what a page shows is compared with."""
    with open_release() as opened:
        yield opened
