"""An executor whose runs end when they are terminated. All steps of a run share one process.

Dagster itself retries a step even if it was interrupted. And after *Force termination* it leaves the run's process
alive. Here an interrupted step is never tried again, and a process that does not end by itself is killed.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.executor_definition import IN_PROC_CONFIG
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster_shared.error import SerializableErrorInfo

from orchestration.execution.launcher import LockWatchingRunLauncher, was_launched
from orchestration.execution.lost_runs import finish_lost_runs
from orchestration.execution.run_lock import hold
from warehouse.connection import open_for_writing
from warehouse.ledger import TERMINATED, Ledger

logger = logging.getLogger(__name__)

_ENDED_BY_OTHERS = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)
_SECONDS_FOR_THE_LEDGER = 3
_INTERRUPTS = (DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__)


@dataclass(frozen=True)
class Patience:
    """How long a terminated run may take to end.

    It is interrupted again every `reminder_seconds`. After `last_seconds` its process is killed.
    """

    poll_seconds: float = 2
    reminder_seconds: float = 10
    last_seconds: float = 30


def is_terminated(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether somebody terminated the run, or its record is gone."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.status in _ENDED_BY_OTHERS


def record_termination(run_id: str, timeout_seconds: float) -> None:
    """Record in the ledger that what the run has begun was terminated.

    Raises:
        WarehouseError: the file is not free within the timeout, or cannot be opened. The next run of the same kind
            records that this one is over.
    """
    with open_for_writing(timeout_seconds=timeout_seconds) as connection:
        Ledger(connection).finish_runs_of_dagster(run_id, TERMINATED)


class TerminableExecutor(InProcessExecutor):
    """Dagster's in-process executor, in which termination ends the run."""

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """Execute the plan, and yield what happens.

        Raises:
            DagsterExecutionInterruptedError: the run was terminated. Dagster then marks it as CANCELED.
            RunLockError: the run is executed by another process, or the daemon does not share its folder.
        """
        instance, run_id = plan_context.instance, plan_context.run_id
        if not instance.is_ephemeral:
            _show_that_it_lives(instance, plan_context.dagster_run)
        with _ended_when_terminated(instance, run_id):
            try:
                for event in _with_waits_that_can_be_interrupted(super().execute(plan_context, execution_plan)):
                    yield event
                    if event.is_step_up_for_retry and (
                        _is_of_interrupt(event.step_retry_data.error) or is_terminated(instance, run_id)
                    ):
                        raise DagsterExecutionInterruptedError("terminated: the step is not tried again")
            except Exception as error:
                if is_terminated(instance, run_id):
                    raise DagsterExecutionInterruptedError("terminated") from error
                raise
            if is_terminated(instance, run_id):
                raise DagsterExecutionInterruptedError("terminated when its steps were over")


def _show_that_it_lives(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Hold the run's lock until this process ends, so also while Dagster records that the run is over."""
    hold(
        instance,
        run.run_id,
        is_laid_out=was_launched(run) and isinstance(instance.run_launcher, LockWatchingRunLauncher),
    )
    if is_terminated(instance, run.run_id):
        # Taken for dead, because this process was paused before it had the lock. The run is started again elsewhere.
        raise DagsterExecutionInterruptedError("terminated before its first step")
    finish_lost_runs(instance)


def _with_waits_that_can_be_interrupted(events: Iterator[DagsterEvent]) -> Iterator[DagsterEvent]:
    """The events. Dagster holds interrupts back between steps. While it waits to retry a step, they are let through."""
    is_waiting = False
    while True:
        with dg.raise_execution_interrupts() if is_waiting else nullcontext():
            event = next(events, None)
        if event is None:
            return
        yield event
        is_waiting = event.is_step_up_for_retry


def _is_of_interrupt(error: SerializableErrorInfo | None) -> bool:
    while error:
        if error.cls_name in _INTERRUPTS:
            return True
        error = error.cause
    return False


@contextmanager
def _ended_when_terminated(
    instance: dg.DagsterInstance, run_id: str, patience: Patience = Patience()
) -> Iterator[None]:
    """Kill this process if the run is terminated and the block does not end by itself.

    An instance in memory belongs to this process alone: nobody else terminates its runs.
    """
    is_over = threading.Event()
    if not instance.is_ephemeral:
        arguments = (instance, run_id, is_over, patience)
        threading.Thread(target=_watch, args=arguments, name="termination-watch", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _watch(instance: dg.DagsterInstance, run_id: str, is_over: threading.Event, patience: Patience) -> None:
    while not is_over.wait(patience.poll_seconds):
        if not _is_known_to_be_terminated(instance, run_id):
            continue
        # Dagster has interrupted the process, too, unless its code server is gone. Give it time to clean up.
        deadline = time.monotonic() + patience.last_seconds
        while time.monotonic() < deadline:
            if is_over.wait(patience.reminder_seconds):
                return
            os.kill(os.getpid(), signal.SIGINT)
        _end_process(instance, run_id)


def _is_known_to_be_terminated(instance: dg.DagsterInstance, run_id: str) -> bool:
    try:
        return is_terminated(instance, run_id)
    except Exception:
        # Dagster's database may be locked for a moment. That must not end the watch.
        logger.warning("Could not read the run from Dagster's storage", exc_info=True)
        return False


def _end_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Kill this process now. If dbt runs, it ends as well (orchestration/bin/dbt)."""
    try:
        with suppress(Exception):
            record_termination(run_id, _SECONDS_FOR_THE_LEDGER)
        run = instance.get_run_by_id(run_id)
        if run and run.status is dg.DagsterRunStatus.CANCELING:
            # Otherwise Dagster takes this for a crash and starts the run again.
            instance.report_run_canceled(run, "The run did not end when it was interrupted, so its process was killed.")
    finally:
        os._exit(1)


@dg.executor(name="in_process", config_schema=IN_PROC_CONFIG)
def terminable_in_process_executor(context: dg.InitExecutorContext) -> TerminableExecutor:
    """Execute all steps in one process, and end that when the run is terminated."""
    config: Mapping[str, Any] = context.executor_config
    return TerminableExecutor(
        retries=RetryMode.from_config(config["retries"]) or RetryMode.ENABLED,
        marker_to_close=config.get("marker_to_close"),
    )
