"""The daily job in Dagster, against the same from the terminal in the same turn: build, check, publish."""

from pathlib import Path

import yaml

from benchmarks.bench import Bench, Contest
from benchmarks.dbt_runs import Dbt
from benchmarks.processes import measure
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn
from warehouse.paths import PROJECT_ROOT

_JOB = ("dagster", "job", "execute", "-m", "orchestration", "-j", "daily_dbt_build_job")
_TERMINAL = "cd dbt && dbt build && cd .. && python -m quality.run --no-docs && python -m cli publish"
_GOAL = 2


def measure_orchestration(bench: Bench, database: Path) -> None:
    """Measure the job on a built database where dbt has nothing to do but its tests, and the release stays as it is."""
    dbt = Dbt(database, bench.memory_limit)
    settings = dbt.settings(dbt.target())
    home = _instance(bench.folder / "dagster")

    def turn(_: Measurement) -> Turn:
        floor = measure(("sh", "-c", _TERMINAL), PROJECT_ROOT, settings)[0]
        # Not in the project's folder, where .env names the project's instance.
        job = measure(_JOB, home, {**settings, "DAGSTER_HOME": str(home)})[0]
        return {FLOOR: floor, PLATFORM: job}

    stage = Stage("orchestrate", "daily job, nothing to do", 0, "build, check and publish from the terminal", _GOAL)
    bench.take_turns([Contest(stage, turn, most_turns=2)])


def _instance(folder: Path) -> Path:
    """A Dagster instance like the project's, in a folder of its own."""
    settings = yaml.safe_load((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    settings["storage"]["custom"]["config"]["base_dir"] = str(folder)
    settings["local_artifact_storage"]["config"]["base_dir"] = str(folder)
    settings["compute_logs"]["config"]["base_dir"] = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    return folder
