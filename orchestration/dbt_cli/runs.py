"""dbt as a step of a Dagster run: started or resumed, its artifacts kept until it succeeds, its tables described."""

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
from dagster_dbt import DagsterDbtCliRuntimeError, DagsterDbtTranslator, DbtCliInvocation, DbtCliResource

from orchestration.dbt_cli.commands import RETRY_ARGUMENTS, may_pass_by_itself, unfinished_nodes
from orchestration.dbt_cli.project import dbt_project
from orchestration.dbt_cli.table_metadata import Metadata, table_metadata
from orchestration.execution.executor import record_termination
from warehouse.connection import WarehouseError, open_for_reading
from warehouse.paths import log_folder

# How long dbt has to end once it is interrupted, and to wait for the file to say so in the ledger.
_SECONDS_TO_END = 8

Event = Any  # what dagster-dbt makes of dbt's events; it exports no name for it


def run_dbt(
    context: dg.OpExecutionContext, dbt: DbtCliResource, arguments: list[str], translator: DagsterDbtTranslator
) -> Iterator[Event]:
    """Run dbt, and yield what it built and tested.

    A retry of the step has dbt execute only what failed, and what was skipped for it; where nothing of that is
    known, as after a kill, it starts over. Events come once dbt has ended: only then is the DuckDB file free to be
    asked for row counts.

    Raises:
        DagsterDbtCliRuntimeError: dbt failed; the step may be retried.
        dagster.Failure: dbt failed in a way that time does not mend; the step is not retried.
    """
    folder = artifact_folder(context)
    remove_old(folder.parent)
    invocation = _invoke(context, dbt, arguments, translator, folder)
    try:
        events, error = _wait(invocation)
    except BaseException:
        # The run was terminated, and dbt does not live on without it; its own record ends as that of a failed run.
        _end(invocation)
        _finish_in_ledger(context)
        raise
    yield from _described(context, events, invocation.manifest)
    if error:
        raise _lasting(error, folder) or error
    shutil.rmtree(folder)


def artifact_folder(context: dg.OpExecutionContext) -> Path:
    """Where dbt leaves its log and results, the same for every attempt of a step."""
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
        context.log.info(f"dbt resumes what the attempt before left unfinished: {', '.join(sorted(unfinished))}")
        # Without the context, for which dagster-dbt would add a selection: `dbt retry` has its own, and takes none.
        invocation = dbt.cli(RETRY_ARGUMENTS, manifest=manifest, dagster_dbt_translator=translator, target_path=folder)
        invocation.context = context
    else:
        invocation = dbt.cli(
            arguments, manifest=manifest, dagster_dbt_translator=translator, context=context, target_path=folder
        )
    # dagster-dbt knows it of assets only, but an asset's code references need it.
    invocation.project = dbt_project
    invocation.termination_timeout_seconds = _SECONDS_TO_END
    return invocation


def _wait(invocation: DbtCliInvocation) -> tuple[list[Event], DagsterDbtCliRuntimeError | None]:
    """What dbt did until it ended, and why it failed if it did."""
    events: list[Event] = []
    try:
        for event in invocation.stream():
            events.append(event)
    except DagsterDbtCliRuntimeError as error:
        return events, error
    return events, None


def _end(invocation: DbtCliInvocation) -> None:
    """End dbt's process group (orchestration/bin/dbt makes it one), whatever became of the interrupt."""
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
    """The events; those of what was built with its rows and columns."""
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
        # What was built is built: the run does not fail for want of its description.
        context.log.warning(f"Row counts and columns are not shown for this run: {error}")
        return {}


def _lasting(error: DagsterDbtCliRuntimeError, folder: Path) -> dg.Failure | None:
    """The failure to raise instead, if trying again would end the same."""
    results = _run_results(folder)
    if results is None or may_pass_by_itself(results):
        return None
    failed = sorted(result["unique_id"] for result in results["results"] if result["status"] == "fail")
    return dg.Failure(
        f"expected every dbt test to hold, but these failed: {', '.join(failed)}. What they found is not mended by "
        "building again: look at the rows that the test selects, mend their cause, and run the job again.",
        metadata={"dbt": dg.MetadataValue.md(str(error))},
        allow_retries=False,
    )


def _run_results(folder: Path) -> Mapping[str, Any] | None:
    """What the last call wrote into the folder when it ended; None if it did not come to that."""
    path = folder / "run_results.json"
    if not path.exists():
        return None
    results: Mapping[str, Any] = json.loads(path.read_text())
    return results


def remove_old(folders: Path, kept_days: float = 30) -> None:
    """Remove what failed steps left in these folders, once nobody will look at it any more."""
    if not folders.exists():
        return
    limit = time.time() - kept_days * 24 * 3600
    for folder in folders.iterdir():
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder)
