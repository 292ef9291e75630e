"""Where every published row is: what `core_checks.reconciliation`, a view that dbt makes, says of each partition."""

from dataclasses import dataclass, fields
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class PartitionRows:
    """The rows of a feed's period. Where it is not built yet, `kept` and `quarantined` are of the load before.

    `kept_in` and `quarantined_in` are the tables that hold the rows; missing where no build has made the view, or the
    feed has no quarantine. `not_built` and `lost` are rows, too.
    """

    feed: str
    partition_key: str
    subject: str | None = None
    kind: str | None = None
    period_start: datetime | None = None
    kept_in: str | None = None
    quarantined_in: str | None = None
    published: int = 0
    in_raw_data: int = 0
    kept: int = 0
    quarantined: int = 0
    not_built: int = 0
    lost: int = 0
    is_built: bool = False
    is_stream: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it waits to be built. Streams never end, so a day of one that was built before does not wait."""
        return not self.is_built and not (self.is_stream and self.kept + self.quarantined > 0)

    @property
    def is_complete(self) -> bool:
        """Whether something is loaded, and all of it is where it belongs."""
        return 0 < self.published == self.in_raw_data and self.is_built and self.lost == 0


_NAMES = {field.name for field in fields(PartitionRows)}
RECONCILIATION = "core_checks.reconciliation"
_LOADED = """
    select asset, partition_key, rows
    from meta.asset_watermarks
    where source_url is not null
    order by asset, partition_key
"""


def reconcile(connection: duckdb.DuckDBPyConnection, relation: str = RECONCILIATION) -> list[PartitionRows]:
    """Every partition that is loaded or built; before the first build, those that are loaded, as not built.

    `relation` is the view, or a table with its rows.
    """
    try:
        found = connection.execute(f"select * from {relation} order by subject, kind, feed, period_start")
        # A release of an earlier version has not all columns.
        names = [name for name, *_ in found.description]
        return [
            PartitionRows(**{name: value for name, value in zip(names, row, strict=True) if name in _NAMES})
            for row in found.fetchall()
        ]
    except duckdb.CatalogException:
        pass  # There is no view before the first build.
    try:
        loaded = connection.execute(_LOADED).fetchall()
    except duckdb.CatalogException:
        return []  # There is no ledger before the first load.
    return [PartitionRows(feed, key, published=count, not_built=count) for feed, key, count in loaded]
