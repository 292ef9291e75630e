"""The sensor of conditions, with a real publisher and channel: what it tells, and that no secret is anywhere."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import ingest
from monitoring.alerts.command import main
from monitoring.alerts.delivery import AlertNotDeliveredError
from monitoring.alerts.store import state_path
from orchestration.assets.raw_assets import raise_on_failure
from orchestration.sensors.alerts import alert_sensor
from orchestration.sensors.conditions import condition_alert_sensor, look_once
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.orchestration.sensors.sinks import WebhookSink, serving
from tests.partitions import partition_of

MARCH, MAY = date(2025, 3, 1), date(2025, 5, 1)
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISK_FLOOR_GB", "0")
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    monkeypatch.delenv("ALERT_SLACK_WEBHOOK_URL", raising=False)
    monkeypatch.delenv("ALERT_SMTP_HOST", raising=False)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookSink]:
    with serving(sink := WebhookSink()):
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", f"{sink.url}/services/{SECRET}")
        yield sink


def _tick(instance: dg.DagsterInstance, now: datetime | None = None) -> str:
    context = dg.build_sensor_context(instance)
    result = look_once(context, now) if now else condition_alert_sensor(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def _headlines(slack: WebhookSink) -> list[str]:
    return [text.splitlines()[0].strip("*") for _, text in slack.posted]


def test_a_fresh_install_and_no_settings_are_reasons_to_skip(
    database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _tick(instance) == "nothing is loaded yet"
    database.touch()
    assert _tick(instance).startswith("no alerts are configured")


@dg.op
def load_green() -> None:
    raise_on_failure(ingest([partition_of(FEEDS["green"], month) for month in (MARCH, MAY)]))


@dg.job
def load_green_job() -> None:
    load_green()


def test_a_feed_with_a_hole_and_a_new_column_is_told_once(
    database: Path, slack: WebhookSink, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SamplePublisher(MARCH, MAY, rows=200) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        publisher.break_("green", MAY, Fault.EXTRA_COLUMN)
        assert load_green_job.execute_in_process(instance=instance).success
    with held_by_another_process(database):
        assert "is in use by" in _tick(instance)
    assert _tick(instance) == "told: Schema drift: 1 new column published"
    now = datetime.now(UTC).replace(tzinfo=None)
    for hours in (2, 3, 30):
        _tick(instance, now + timedelta(hours=hours))
    told = _headlines(slack)
    assert [headline.partition(":")[0] for headline in sorted(told)] == ["Freshness missed", "Gap", "Schema drift"]
    (gap,) = [text for _, text in slack.posted if "*Gap" in text]
    assert "- green: 2025-04, due since" in gap


def test_secrets_in_the_errors_of_a_failing_publisher_are_nowhere(
    database: Path,
    tmp_path: Path,
    slack: WebhookSink,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    runs = dg.build_sensor_context(instance)
    cursor = alert_sensor.evaluate_tick(runs).cursor
    monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "logs"))
    monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"http://loader:{SECRET}@127.0.0.1:9/x?token={SECRET}")
    failed = load_green_job.execute_in_process(instance=instance, raise_on_error=False)
    assert not failed.success
    # A library's error that nobody has put into words is told, too.
    broken = breaking_job.execute_in_process(instance=instance, raise_on_error=False)
    assert not broken.success
    shown = [str(alert_sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor)))]
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=2)
    shown.append(_tick(instance, later))
    assert {headline.partition(":")[0] for headline in _headlines(slack)} == {
        "Job load_green_job failed",
        "Job breaking_job failed",
        "Gap",
    }
    slack.status = 500
    _break_a_disk(monkeypatch)
    with pytest.raises(AlertNotDeliveredError) as raised:
        _tick(instance, later)
    shown += [str(raised.value), repr(raised.getrepr())]
    shown += [str(main([])), str(main(["--json"])), str(main(["--dry-run"]))]
    with duckdb.connect(str(database), read_only=True) as connection:
        for table in ("ingestion_runs", "ingestion_run_assets", "asset_watermarks"):
            shown.append(str(connection.execute(f"from meta.{table}").fetchall()))
    events = instance.all_logs(failed.run_id)
    assert events
    shown += [str(event) for event in events]
    shown += [text for _, text in slack.posted]
    shown += [state_path().read_text(), *(file.read_text() for file in (tmp_path / "logs").glob("*"))]
    # Dagster itself logs the broken job's error, as the library wrote it.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("dagster")]
    shown += ours
    assert not [text[:2000] for text in shown if SECRET in text.replace(f"/services/{SECRET}", "")]
    assert not [text[:2000] for text in shown if f"/services/{SECRET}" in text]


def _break_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISK_FLOOR_GB", "1000000")


@dg.op
def breaks() -> None:
    raise OSError(f"Max retries exceeded with url: http://loader:{SECRET}@host/data?token={SECRET}&page=1")


@dg.job
def breaking_job() -> None:
    breaks()
