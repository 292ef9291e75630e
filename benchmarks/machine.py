"""The machine, the programs and the settings that figures are of."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "dagster", "great-expectations")


def describe(trips: int, runs: int, memory_limit: str) -> dict[str, Any]:
    """What a reader needs to know of a run of the benchmark; `load_before` is the load of the minute before."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "trips": trips,
        "turns": runs,
        "memory_limit": memory_limit,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(psutil.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor()


def sentence(about: dict[str, Any], kind: str = "trips") -> str:
    """The description in words. `kind` is what the rows are."""
    return (
        f"{about['date']}: {about['trips']:,} {kind}, DuckDB {about['duckdb']} with a memory limit of "
        f"{about['memory_limit']}, {about['cores']} cores ({about['processor']}), {about['memory_gb']} GB, "
        f"{about['system']}, Python {about['python']}, load before {about['load_before']}; medians of up to "
        f"{about['turns']} turns"
    )
