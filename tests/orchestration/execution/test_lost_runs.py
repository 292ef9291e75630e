"""What a lost run began is finished in the ledger by the next run, and the files of locks go."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.execution.executor import terminable_in_process_executor
from orchestration.execution.run_lock import lay_out, locks_folder
from tests.orchestration.sensors.conftest import held_by_another_process
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import ABANDONED, Ledger


@dg.op
def work() -> None:
    pass


@dg.job(executor_def=terminable_in_process_executor)
def _job() -> None:
    work()


def _repository() -> dg.JobDefinition:
    return _job


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def _ended(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> str:
    """A run whose process is gone, and which the ledger has as running."""
    run_id = instance.create_run_for_job(_job, status=status).run_id
    lay_out(instance, run_id)
    with open_for_writing() as connection:
        Ledger(connection).start_run("quality", {}, started_by="dagster", dagster_run_id=run_id)
    return run_id


def _runs_in_ledger(database: Path) -> dict[str, tuple[str, str | None]]:
    with open_for_reading(path=database) as connection:
        query = "select dagster_run_id, status, error from meta.ingestion_runs"
        return {run_id: (status, error) for run_id, status, error in connection.execute(query).fetchall()}


def _execute(instance: dg.DagsterInstance) -> str:
    """As a process of its own would: with the project's executor."""
    with dg.execute_job(dg.reconstructable(_repository), instance=instance) as result:
        assert result.success
        return result.run_id


def test_the_next_run_finishes_what_a_lost_one_began_and_leaves_one_that_is_not_known_to_be_lost(
    instance: dg.DagsterInstance, database: Path
) -> None:
    lost = _ended(instance, dg.DagsterRunStatus.FAILURE)
    not_known = _ended(instance, dg.DagsterRunStatus.STARTED)
    next_one = _execute(instance)
    assert _runs_in_ledger(database) == {lost: ("failed", ABANDONED), not_known: ("running", None)}
    assert {file.name for file in locks_folder(instance).iterdir()} == {not_known, next_one}


def test_a_run_that_succeeded_or_that_dagster_has_forgotten_leaves_no_file(
    instance: dg.DagsterInstance, database: Path
) -> None:
    succeeded = instance.create_run_for_job(_job, status=dg.DagsterRunStatus.SUCCESS).run_id
    for run_id in (succeeded, "forgotten"):
        lay_out(instance, run_id)
    next_one = _execute(instance)
    assert {file.name for file in locks_folder(instance).iterdir()} == {next_one}
    assert not database.exists()


def test_while_the_file_is_in_use_nothing_is_forgotten(
    instance: dg.DagsterInstance, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.execution.lost_runs._SECONDS_FOR_THE_LEDGER", 0)
    lost = _ended(instance, dg.DagsterRunStatus.FAILURE)
    with held_by_another_process(database):
        next_one = _execute(instance)
    assert _runs_in_ledger(database) == {lost: ("running", None)}
    assert {file.name for file in locks_folder(instance).iterdir()} == {lost, next_one}
    _execute(instance)
    assert _runs_in_ledger(database) == {lost: ("failed", ABANDONED)}


def test_a_run_that_was_taken_for_dead_before_it_had_its_lock_does_nothing(
    instance: dg.DagsterInstance, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(instance: dg.DagsterInstance, run_id: str, **_: object) -> None:
        run = instance.get_run_by_id(run_id)
        assert run
        instance.report_run_failed(run)

    monkeypatch.setattr("orchestration.execution.executor.hold", pause)
    with dg.execute_job(dg.reconstructable(_repository), instance=instance):
        (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE
    types = {entry.dagster_event.event_type for entry in instance.all_logs(run.run_id) if entry.dagster_event}
    assert dg.DagsterEventType.STEP_START not in types
