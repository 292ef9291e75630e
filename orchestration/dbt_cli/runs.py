"""dbt as a step of a Dagster run.

A retry resumes where dbt failed. dbt's artifacts are kept until it succeeds. What it built is shown
with rows and columns.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dbt_cli.commands import RETRY_ARGUMENTS, is_transient, unfinished_nodes
from orchestration.dbt_cli.integration import (
    DagsterDbtCliRuntimeError,
    DagsterDbtTranslator,
    DbtCliInvocation,
    DbtCliResource,
)
from orchestration.dbt_cli.project import dbt_project
from orchestration.dbt_cli.table_metadata import Metadata, table_metadata
from orchestration.execution.executor import record_termination
from warehouse.connection import WarehouseError, open_for_reading
from warehouse.paths import log_folder

# How long dbt may take to end once it is interrupted, and how long to wait for the file to record that in the ledger.
_SECONDS_TO_END = 8

Event = Any  # what dagster-dbt makes of dbt's events; it exports no name for it


def run_dbt(
    context: dg.OpExecutionContext, dbt: DbtCliResource, arguments: list[str], translator: DagsterDbtTranslator
) -> Iterator[Event]:
    """Run dbt, and yield what it built and tested.

    A retry of the step has dbt execute only what failed and what was skipped because of it. If that is not known, as
    after a kill, it starts over. Events come once dbt has ended: only then is the DuckDB file free to count rows.

    Raises:
        DagsterDbtCliRuntimeError: dbt failed, and the step may be retried.
        dagster.Failure: dbt failed, and would fail again. The step is not retried.
    """
    folder = artifact_folder(context)
    remove_old(folder.parent)
    invocation = _invoke(context, dbt, arguments, translator, folder)
    try:
        events, error = _wait(invocation)
    except BaseException:
        # The run was terminated. dbt ends with it, and the ledger has it as failed.
        _end(invocation)
        _finish_in_ledger(context)
        raise
    yield from _described(context, events, invocation.manifest)
    if error:
        raise _permanent(error, folder) or error
    shutil.rmtree(folder)


def artifact_folder(context: dg.OpExecutionContext) -> Path:
    """The folder for dbt's log and results. Every attempt of a step has the same."""
    return log_folder() / "dbt" / f"{context.run_id}-{context.op.name}"


def _invoke(
    context: dg.OpExecutionContext,
    dbt: DbtCliResource,
    arguments: list[str],
    translator: DagsterDbtTranslator,
    folder: Path,
) -> DbtCliInvocation:
    manifest = dbt_project.manifest_path
    results = _run_results(folder) if context.retry_number else None
    unfinished = unfinished_nodes(results) if results else set()
    if unfinished:
        context.log.info(f"dbt resumes what the previous attempt left unfinished: {', '.join(sorted(unfinished))}")
        # Without the context, because dagster-dbt would add a selection then, and `dbt retry` takes none.
        invocation = dbt.cli(RETRY_ARGUMENTS, manifest=manifest, dagster_dbt_translator=translator, target_path=folder)
        invocation.context = context
    else:
        invocation = dbt.cli(
            arguments, manifest=manifest, dagster_dbt_translator=translator, context=context, target_path=folder
        )
    # dagster-dbt sets it for assets only, but code references need it here, too.
    invocation.project = dbt_project
    invocation.termination_timeout_seconds = _SECONDS_TO_END
    return invocation


def _wait(invocation: DbtCliInvocation) -> tuple[list[Event], DagsterDbtCliRuntimeError | None]:
    """The events of dbt until it ended, and its error if it failed."""
    events: list[Event] = []
    try:
        for event in invocation.stream():
            events.append(event)
    except DagsterDbtCliRuntimeError as error:
        return events, error
    return events, None


def _end(invocation: DbtCliInvocation) -> None:
    """Kill dbt's process group (orchestration/bin/dbt makes one) if the interrupt has not ended it."""
    process = invocation.process
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _finish_in_ledger(context: dg.OpExecutionContext) -> None:
    try:
        record_termination(context.run_id, _SECONDS_TO_END)
    except WarehouseError as error:
        context.log.warning(f"The ledger has the run of dbt as running until the next one: {error}")


def _described(context: dg.OpExecutionContext, events: list[Event], manifest: Mapping[str, Any]) -> Iterator[Event]:
    """The events, with rows and columns of what was built."""
    built = {_unique_id(event) for event in events if _is_built(event)}
    described = _table_metadata(context, {unique_id: manifest["nodes"][unique_id] for unique_id in built})
    for event in events:
        if _is_built(event):
            yield event.with_metadata({**event.metadata, **described.get(_unique_id(event), {})})
        else:
            yield event


def _is_built(event: Event) -> bool:
    return isinstance(event, dg.Output | dg.AssetMaterialization)


def _unique_id(event: Event) -> str:
    return str(event.metadata["unique_id"].value)


def _table_metadata(context: dg.OpExecutionContext, nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, Metadata]:
    if not nodes:
        return {}
    try:
        with open_for_reading() as connection:
            return table_metadata(connection, nodes)
    except WarehouseError as error:
        # The build itself succeeded: the run does not fail for lack of row counts.
        context.log.warning(f"Row counts and columns are not shown for this run: {error}")
        return {}


def _permanent(error: DagsterDbtCliRuntimeError, folder: Path) -> dg.Failure | None:
    """The failure to raise instead, if another try would fail the same way."""
    results = _run_results(folder)
    if results is None or is_transient(results):
        return None
    failed = sorted(result["unique_id"] for result in results["results"] if result["status"] == "fail")
    return dg.Failure(
        f"expected every dbt test to pass, but these failed: {', '.join(failed)}. Building again would not help: look "
        "at the rows that the test selects, correct their cause, and run the job again.",
        metadata={"dbt": dg.MetadataValue.md(str(error))},
        allow_retries=False,
    )


def _run_results(folder: Path) -> Mapping[str, Any] | None:
    """What the last call wrote into the folder at its end; None if it did not get that far."""
    path = folder / "run_results.json"
    if not path.exists():
        return None
    results: Mapping[str, Any] = json.loads(path.read_text())
    return results


def remove_old(folders: Path, kept_days: float = 30) -> None:
    """Remove what failed steps left in these folders more than so many days ago."""
    if not folders.exists():
        return
    limit = time.time() - kept_days * 24 * 3600
    for folder in folders.iterdir():
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder)
