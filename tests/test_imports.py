"""Imports go one way, and everything but orchestration runs with Dagster absent."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.paths import PROJECT_ROOT

# What each package may import of the others.
ALLOWED = {
    "warehouse": set[str](),
    "ingestion": {"warehouse"},
    "metrics": {"warehouse"},
    "quality": {"warehouse"},
    "sandbox": {"warehouse", "ingestion"},
    "orchestration": {"warehouse", "ingestion", "metrics", "quality"},
}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    for path in (PROJECT_ROOT / package).rglob("*.py"):
        assert _imported(path) & set(ALLOWED) <= ALLOWED[package] | {package}, path


WITHOUT_DAGSTER = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith("dagster"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
for package in ("warehouse", "ingestion", "metrics", "quality", "sandbox"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
from ingestion.run_pipeline import main
sys.exit(main(["--year", "2025", "--months", "1", "--dry-run"]))
"""


def test_everything_but_orchestration_runs_with_dagster_absent() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_DAGSTER], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert done.returncode == 0, done.stderr
    assert "yellow_tripdata_2025-01.parquet" in done.stdout


def test_nobody_waits_for_dlt_but_who_asks_for_files() -> None:
    imports = "import sys, ingestion.gaps, ingestion.run_pipeline; sys.exit('dlt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert done.returncode == 0, done.stderr
