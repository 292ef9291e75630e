"""What markets have in Dagster beside what is made for every feed, under the names that their users know."""

from collections.abc import Sequence

from orchestration.jobs.ingestion import SharedOps
from orchestration.jobs.ingestion_config import stream_job_name
from orchestration.jobs.streams import Job
from orchestration.markets.backfills import backfill_jobs
from orchestration.markets.freshness_alert import freshness_alert_sensor
from orchestration.markets.options_day import options_assets, options_daily_job, options_daily_schedule
from orchestration.markets.quality import data_quality_job
from orchestration.markets.sensor import minute_aggs_sensor
from orchestration.markets.silver import silver_ticker_job
from orchestration.markets.stream_jobs import dimension_job, gold_job, monthly_job, silver_job
from orchestration.markets.stream_models import STREAMS
from orchestration.markets.stream_schedules import stream_schedules
from orchestration.markets.stream_sensors import quality_after_gold, reference_file_sensor, silver_after_bronze
from orchestration.own import OwnDefinitions


def own_definitions(shared: SharedOps, jobs: Sequence[Job]) -> OwnDefinitions:
    """Minute files: backfills by prefix, a ticker's day, the sensor of the bucket; the day of options; the streams."""
    of_options = options_daily_job(shared)
    of_streams = _of_streams(shared, jobs)
    return OwnDefinitions(
        assets=options_assets(shared.catalog),
        jobs=(*backfill_jobs(shared), silver_ticker_job(shared), of_options, *of_streams.jobs),
        schedules=(options_daily_schedule(shared.catalog, of_options), *of_streams.schedules),
        sensors=(minute_aggs_sensor(shared.catalog, jobs), *of_streams.sensors),
    )


def _of_streams(shared: SharedOps, jobs: Sequence[Job]) -> OwnDefinitions:
    """Silver, gold and dimensions, their quality, and what starts them."""
    of_bronze = {stream_job_name(shared.catalog.feeds[name]) for name in STREAMS}
    bronze = [job for job in jobs if job.name in of_bronze]
    silver, gold, monthly = silver_job(shared), gold_job(shared), monthly_job(shared)
    dimensions, quality = dimension_job(shared), data_quality_job(shared.catalog)
    return OwnDefinitions(
        jobs=(silver, gold, monthly, dimensions, quality),
        schedules=stream_schedules((silver, gold, monthly, dimensions), quality),
        sensors=(
            silver_after_bronze(bronze, silver),
            quality_after_gold([gold], quality),
            reference_file_sensor(shared.catalog, dimensions),
            freshness_alert_sensor(),
        ),
    )
