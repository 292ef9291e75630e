"""The job that checks silver and gold with their suites."""

import dagster as dg

from ingestion.catalog import Catalog
from orchestration.assets.subjects import subject_tags
from orchestration.checks.quality import quality_checks
from orchestration.jobs.streams import Job
from orchestration.markets.stream_models import STREAMS

QUALITY_JOB = "data_quality_job"
_LAYERS = ("silver_", "gold_", "quarantined_stream_")


def data_quality_job(catalog: Catalog) -> Job:
    """The job: each suite on a model of silver or gold is a step, which is checked whether others fail or not."""
    checks = [check for check in quality_checks if _is_of_layer(check)]
    subject = catalog.subject_of(catalog.feeds[STREAMS[0]])
    return dg.define_asset_job(
        QUALITY_JOB,
        selection=dg.AssetSelection.checks(*checks),
        description="Great Expectations: the suites of silver and gold, on the latest build.",
        tags={**subject_tags([subject.name]), "layer": "quality"},
    )


def _is_of_layer(check: dg.AssetChecksDefinition) -> bool:
    return all(key.asset_key.path[-1].startswith(_LAYERS) for key in check.check_keys)
