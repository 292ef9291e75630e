"""What becomes of the runs of a job: whether one is on its way, and how the last one ended."""

import dagster as dg

_WAITING = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED)
_RUNNING = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.MANAGED,
)


def run_on_its_way(instance: dg.DagsterInstance, job_name: str, *, waiting_only: bool = False) -> dg.DagsterRun | None:
    """A run of the job that is queued or, unless only those that wait are meant, running; None if there is none."""
    statuses = [*_WAITING, *(() if waiting_only else _RUNNING)]
    runs = instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=statuses), limit=1)
    return runs[0] if runs else None


def described(run: dg.DagsterRun) -> str:
    """A run that is on its way, in words."""
    state = "queued" if run.status in _WAITING else "running"
    return f"run {run.run_id[:8]} of {run.job_name} is {state}"


def last_failure(instance: dg.DagsterInstance, job_name: str) -> dg.RunRecord | None:
    """The record of the job's last run, if that failed."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    return records[0] if records and records[0].dagster_run.status is dg.DagsterRunStatus.FAILURE else None
