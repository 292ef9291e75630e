"""The maintenance job: give back the space of what nobody needs any more."""

from collections.abc import Sequence

import dagster as dg

from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.maintenance import all_items
from warehouse.maintenance import Outcome, maintain

_COLUMNS = ("item", "status", "said", "bytes")


# In the pool, so that it does not have to skip what another run of Dagster has in use.
@dg.op(
    name="maintain",
    description="What `nyc maintain` does. Each item is done whether another fails or not; then the step fails.",
    pool=WRITER_POOL,
)
def maintain_op(context: dg.OpExecutionContext) -> None:
    """Work on all items, and show what each gave back.

    Raises:
        dagster.Failure: items failed; it names them.
    """
    outcomes = maintain(all_items(context.instance))
    shown: dict[str, dg.MetadataValue] = {
        "bytes given back": dg.MetadataValue.int(sum(outcome.bytes for outcome in outcomes)),
        "items": _table(outcomes),
    }
    failed = [f"{outcome.item}: {outcome.said}" for outcome in outcomes if outcome.status == "failed"]
    if failed:
        raise dg.Failure("\n".join(failed), metadata=shown, allow_retries=False)
    context.add_output_metadata(shown)


def _table(outcomes: Sequence[Outcome]) -> dg.TableMetadataValue:
    records = [dg.TableRecord({name: getattr(outcome, name) for name in _COLUMNS}) for outcome in outcomes]
    types = {"bytes": "int"}
    return dg.MetadataValue.table(
        records, dg.TableSchema([dg.TableColumn(name, types.get(name, "string")) for name in _COLUMNS])
    )


@dg.job(
    description="Compact the working file if it is worth it; remove old releases, snapshots, orphaned files, runs and "
    "logs. What readers and writers need stays."
)
def maintenance_job() -> None:
    """One step, as `nyc maintain` is one command."""
    maintain_op()
