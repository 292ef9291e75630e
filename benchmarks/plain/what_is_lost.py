"""What the plain way loses of each published file, and what it keeps of files that were replaced."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class PartitionRows:
    """Rows of a feed's month.

    `raw` is what is published, of which the plain `fct_trips` holds `plain`. `stale` rows are in there, too, from a
    file that another has replaced. (The platform holds every published row in a fact or in quarantine, and tests it.)
    """

    feed: str
    month: date
    raw: int
    plain: int
    stale: int

    @property
    def lost(self) -> int:
        """Published rows that the plain way holds nowhere."""
        return self.raw - self.plain


def rows_by_partition(database: Path) -> list[PartitionRows]:
    """The rows of every feed of trips and month, sorted by these."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return [PartitionRows(*row) for row in connection.execute(_QUERY).fetchall()]


_RAW_TABLES = ("yellow_taxi", "fhv_taxi", "citibike_trips")
_RAW = " union all ".join(f"select feed, source_month, _dlt_load_id as load_id from raw_data.{t}" for t in _RAW_TABLES)

_QUERY = f"""
    with
    raw as ({_RAW}),
    loads as (select distinct load_id from raw),
    held as (
        select 'raw' as place, feed, source_month, load_id from raw
        union all
        select 'plain', feed, source_month, load_id from plain.fct_trips
    ),
    told as (select *, load_id in (from loads) as is_published from held)
    select
        feed,
        source_month,
        count(*) filter (place = 'raw'),
        count(*) filter (place = 'plain' and is_published),
        count(*) filter (place = 'plain' and not is_published)
    from told
    group by all
    order by all
"""
