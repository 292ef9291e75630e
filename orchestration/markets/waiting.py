"""Messages that are loaded and wait to be built: by the ledger, as compared with the last build of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.connection import open_for_reading

# A message that came while dbt was building may be in the model or not. It counts as waiting: building it again is
# cheap, and forgetting it is not.
_WAITING = """
    with builds as (
        select assets.asset, max(runs.started_at) as built_at
        from meta.ingestion_run_assets as assets
        inner join meta.ingestion_runs as runs using (run_id)
        where runs.kind like 'dbt %' and assets.status = 'built' and assets.asset in (select unnest($models))
        group by assets.asset
    )

    select models.model, builds.built_at, count(*), min(loads.updated_at)
    from (select unnest($models) as model) as models
    left join builds on builds.asset = models.model
    inner join meta.asset_watermarks as loads
        on loads.asset in (select unnest($feeds)) and loads.updated_at > coalesce(builds.built_at, '-infinity')
    where loads.source_url is not null
    group by all
    order by all
"""


@dataclass(frozen=True)
class Waiting:
    """Event days with messages that a model may lack. Times are UTC, without zone.

    `built_at` is when its last build began; None if it was never built. `loaded_at` is when the last batch of one of
    these days came: an earlier one may have come before it.
    """

    model: str
    built_at: datetime | None
    days: int
    loaded_at: datetime


def read_waiting(models: Sequence[str], feeds: Sequence[str]) -> list[Waiting]:
    """Of each of these models that is behind, what waits for it. The ledger is read without waiting for it.

    Raises:
        WarehouseBusyError: another process has the DuckDB file.
        NotThereYetError: there is no DuckDB file.
    """
    with open_for_reading(timeout_seconds=0) as connection:
        try:
            rows = connection.execute(_WAITING, {"models": list(models), "feeds": list(feeds)}).fetchall()
        except duckdb.CatalogException:
            return []  # There is no ledger before the first load.
    return [Waiting(*row) for row in rows]
