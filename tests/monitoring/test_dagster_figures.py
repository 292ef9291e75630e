"""What Dagster's storage tells: with runs that really end, wait and fail, in a storage on disk."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.types import DaemonHeartbeat

from monitoring.dagster_figures import DagsterFigures
from monitoring.sources import Source, all_sources
from tests.monitoring.reading import of


@dg.op
def fails(context: dg.OpExecutionContext) -> None:
    if context.run.tags.get("breaks"):
        raise RuntimeError("s3cr3t of a run")


@dg.job
def nightly() -> None:
    fails()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as on_disk:
        yield on_disk


@pytest.fixture
def figures(instance: dg.DagsterInstance) -> DagsterFigures:
    return DagsterFigures(instance)


def _run(instance: dg.DagsterInstance, **tags: str) -> None:
    nightly.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def test_a_failed_run_shows_until_its_job_ends_well(instance: dg.DagsterInstance, figures: DagsterFigures) -> None:
    list(figures.read())
    _run(instance, breaks="yes")
    found = list(figures.read())
    assert of(found, "nyc_dagster_job_last_failed") == {("nightly",): 1}
    assert of(found, "nyc_dagster_runs")["failure",] == 1
    assert of(found, "nyc_dagster_runs_ended_total")["nightly", "failure"] == 1
    _run(instance)
    found = list(figures.read())
    assert of(found, "nyc_dagster_job_last_failed") == {("nightly",): 0}
    assert of(found, "nyc_dagster_job_last_success_duration_seconds")["nightly",] > 0
    ended = of(found, "nyc_dagster_runs_ended_total")
    assert (ended["nightly", "failure"], ended["nightly", "success"]) == (1, 1)
    # Nothing is counted twice.
    assert of(figures.read(), "nyc_dagster_runs_ended_total") == ended


def test_a_run_that_is_started_again_by_itself_has_not_failed(
    instance: dg.DagsterInstance, figures: DagsterFigures
) -> None:
    _run(instance, breaks="yes", **{"dagster/will_retry": "true"})
    assert of(figures.read(), "nyc_dagster_job_last_failed") == {("nightly",): 0}


def test_deleted_runs_take_nothing_from_a_counter(instance: dg.DagsterInstance, figures: DagsterFigures) -> None:
    list(figures.read())
    _run(instance)
    list(figures.read())
    instance.delete_run(instance.get_runs()[0].run_id)
    found = list(figures.read())
    assert of(found, "nyc_dagster_runs")["success",] == 0
    assert of(found, "nyc_dagster_runs_ended_total")["nightly", "success"] == 1


def _enqueue(instance: dg.DagsterInstance) -> None:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("location"), "repository")
    origin = RemoteJobOrigin(repository, "nightly")
    create_run_for_test(instance, job_name="nightly", status=DagsterRunStatus.QUEUED, remote_job_origin=origin)


def test_the_oldest_waiting_and_running_runs_tell_their_age(
    instance: dg.DagsterInstance, figures: DagsterFigures
) -> None:
    found = list(figures.read())
    assert of(found, "nyc_dagster_queue_oldest_seconds") == {(): 0}
    _enqueue(instance)
    time.sleep(1.1)
    _enqueue(instance)
    create_run_for_test(instance, job_name="nightly", status=DagsterRunStatus.STARTED)
    found = list(figures.read())
    assert of(found, "nyc_dagster_runs")["queued",] == 2
    assert of(found, "nyc_dagster_queue_oldest_seconds")[()] >= 1
    assert 0 < of(found, "nyc_dagster_running_longest_seconds")[()] < 60


def test_a_daemon_that_stopped_shows_by_its_heartbeat(instance: dg.DagsterInstance, figures: DagsterFigures) -> None:
    assert of(figures.read(), "nyc_dagster_daemon_heartbeat_age_seconds") == {}
    at = datetime.now(UTC) - timedelta(minutes=10)
    instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "x", []))
    age = of(figures.read(), "nyc_dagster_daemon_heartbeat_age_seconds")["SENSOR",]
    assert 600 <= age < 660


def test_no_label_has_what_there_is_without_end(instance: dg.DagsterInstance, figures: DagsterFigures) -> None:
    for _ in range(3):
        _run(instance, breaks="yes")
    said = "".join(str(metric) for metric in figures.read())
    assert not [run.run_id for run in instance.get_runs() if run.run_id in said]
    assert "s3cr3t" not in said


def test_a_storage_that_is_down_is_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    (home / "dagster.yaml").write_text(f"storage:\n  sqlite:\n    base_dir: {blocked}/storage\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    source = next(each for each in all_sources().sources if each.name == "dagster")
    source.refresh()
    assert source.is_up is False
    blocked.unlink()
    source.refresh()
    assert source.is_up is True


def test_without_a_home_there_is_no_such_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert [source.name for source in all_sources().sources] == ["ledger", "releases", "disks"]


def test_a_secret_in_an_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def read() -> None:
        raise RuntimeError("postgresql://ann:s3cr3t@db/dagster: no")

    Source("dagster", 1, read).refresh()
    assert "RuntimeError" in caplog.text
    assert "s3cr3t" not in caplog.text
