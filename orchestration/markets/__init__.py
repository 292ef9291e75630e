"""What markets have in Dagster beside what is made for every feed, under the names that their users know."""

from collections.abc import Sequence

import dagster as dg

from orchestration.jobs.ingestion import SharedOps
from orchestration.markets.backfills import backfill_jobs
from orchestration.markets.sensor import minute_aggs_sensor
from orchestration.markets.silver import silver_ticker_job
from orchestration.own import OwnDefinitions


def own_definitions(shared: SharedOps, jobs: Sequence[dg.JobDefinition]) -> OwnDefinitions:
    """The backfills by prefix, the rebuild of one ticker's day, and the sensor of the bucket."""
    return OwnDefinitions(
        jobs=(*backfill_jobs(shared), silver_ticker_job(shared)), sensors=(minute_aggs_sensor(shared.catalog, jobs),)
    )
