"""Load and check the definitions, as `dagster definitions validate` does, and print what there is.

Run it from the project root: `python orchestration/validate_definitions.py`.
"""

import sys

import dagster as dg

from orchestration.definitions import defs
from warehouse.terminal import quiet_on_broken_pipe


@quiet_on_broken_pipe
def main() -> int:
    """Return 0 if every definition loads and fits the others. Otherwise Dagster's error is raised."""
    dg.Definitions.validate_loadable(defs)
    repository = defs.get_repository_def()
    print(f"assets    {len(repository.asset_graph.get_all_asset_keys())}")
    print(f"checks    {len(repository.asset_graph.asset_check_keys)}")
    print(
        f"jobs      {', '.join(sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith('__')))}"
    )
    print(f"schedules {', '.join(sorted(schedule.name for schedule in repository.schedule_defs))}")
    print(f"sensors   {', '.join(sorted(sensor.name for sensor in repository.sensor_defs))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
