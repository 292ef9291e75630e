"""What markets have in Dagster beside what is made for every feed, under the names that their users know."""

from collections.abc import Sequence

import dagster as dg

from orchestration.jobs.ingestion import SharedOps
from orchestration.markets.backfills import backfill_jobs
from orchestration.markets.options_day import options_assets, options_daily_job, options_daily_schedule
from orchestration.markets.sensor import minute_aggs_sensor
from orchestration.markets.silver import silver_ticker_job
from orchestration.own import OwnDefinitions


def own_definitions(shared: SharedOps, jobs: Sequence[dg.JobDefinition]) -> OwnDefinitions:
    """The backfills by prefix, the rebuild of one ticker's day, the day of options, and the sensor of the bucket."""
    of_options = options_daily_job(shared)
    return OwnDefinitions(
        assets=options_assets(shared.catalog),
        jobs=(*backfill_jobs(shared), silver_ticker_job(shared), of_options),
        schedules=(options_daily_schedule(shared.catalog, of_options),),
        sensors=(minute_aggs_sensor(shared.catalog, jobs),),
    )
