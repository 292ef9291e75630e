"""What a subject has in Dagster beside what is made for every feed: `own_definitions` in `orchestration/<subject>/`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

import dagster as dg

from orchestration.jobs.ingestion import SharedOps
from orchestration.jobs.streams import Job


@dataclass(frozen=True)
class OwnDefinitions:
    """Assets, jobs, schedules and sensors of one subject. A sensor requests runs of these jobs or of those for all."""

    assets: Sequence[dg.AssetsDefinition] = field(default=())
    jobs: Sequence[Job] = field(default=())
    schedules: Sequence[dg.ScheduleDefinition] = field(default=())
    sensors: Sequence[dg.SensorDefinition] = field(default=())


def own_definitions(shared: SharedOps, jobs: Sequence[Job]) -> list[OwnDefinitions]:
    """What each subject of the catalog brings along. `jobs` are those that are made for all."""
    return [
        import_module(f"orchestration.{name}").own_definitions(shared, jobs)
        for name in shared.catalog.subjects
        if find_spec(f"orchestration.{name}")
    ]
