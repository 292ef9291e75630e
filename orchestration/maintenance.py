"""What there is to maintain where Dagster is."""

import dagster as dg

from ingestion.maintenance import ingestion_items
from orchestration.retention import dagster_item
from quality.maintenance import quality_items
from warehouse.maintenance import Item, warehouse_items


def all_items(instance: dg.DagsterInstance | None = None) -> list[Item]:
    """All items, with those of an instance of Dagster, by default that of `DAGSTER_HOME`.

    What loads have left is first: its end in the ledger comes before old rows of the ledger are deleted.
    """
    return [*ingestion_items(), *warehouse_items(), *quality_items(), dagster_item(instance)]
