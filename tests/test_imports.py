"""Imports go one way, engines know no subject, and everything but orchestration runs without Dagster and Spark."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.catalog import SUBJECTS
from warehouse.paths import PROJECT_ROOT

# What each package may import of the others.
ALLOWED = {
    "warehouse": set[str](),
    "metrics": {"warehouse"},
    "quality": {"warehouse"},
    "ingestion": {"warehouse"},
    "sandbox": {"warehouse", "ingestion"},
    "briefings": {"warehouse", "ingestion", "metrics"},
    "monitoring": {"warehouse", "ingestion", "metrics", "quality"},
    "orchestration": {"warehouse", "ingestion", "metrics", "quality", "briefings", "monitoring"},
    "portal": {"warehouse", "ingestion", "metrics", "quality", "briefings"},
    "cli": {
        "briefings",
        "warehouse",
        "ingestion",
        "metrics",
        "monitoring",
        "quality",
        "sandbox",
        "orchestration",
        "portal",
    },
}

# The folder of each engine that holds the subjects' folders.
HOMES_OF_SUBJECTS = {
    "briefings": "briefings",
    "ingestion": "ingestion",
    "orchestration": "orchestration",
    "quality": "quality.suites",
    "sandbox": "sandbox",
    "portal": "portal",
}

# The one module of each engine that finds subjects by their folders.
FINDS_SUBJECTS = {
    "briefings/subjects.py",
    "ingestion/catalog.py",
    "orchestration/own.py",
    "quality/suites/__init__.py",
    "sandbox/catalog.py",
    "portal/page.py",
}


def _modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in (PROJECT_ROOT / package).rglob("*.py"):
        yield path, ast.parse(path.read_text())


def _imported(tree: ast.Module) -> set[str]:
    """Every module that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


def _is_of_a_subject(path: Path, package: str) -> bool:
    home = PROJECT_ROOT.joinpath(*HOMES_OF_SUBJECTS[package].split("."))
    return any(path.is_relative_to(home / subject) for subject in SUBJECTS)


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    for path, tree in _modules(package):
        packages = {name.partition(".")[0] for name in _imported(tree)} & set(ALLOWED)
        assert packages <= ALLOWED[package] | {package}, path


@pytest.mark.parametrize("package", HOMES_OF_SUBJECTS)
def test_engines_import_no_subject(package: str) -> None:
    folders = {f"{HOMES_OF_SUBJECTS[package]}.{subject}" for subject in SUBJECTS}
    engine = [(path, tree) for path, tree in _modules(package) if not _is_of_a_subject(path, package)]
    assert engine
    for path, tree in engine:
        assert {
            name for name in _imported(tree) for folder in folders if f"{name}.".startswith(f"{folder}.")
        } == set(), path


@pytest.mark.parametrize("package", ["metrics", "monitoring", "warehouse", "cli"])
def test_others_import_no_subject_either(package: str) -> None:
    folders = {f"{home}.{subject}" for home in HOMES_OF_SUBJECTS.values() for subject in SUBJECTS}
    for path, tree in _modules(package):
        assert {
            name for name in _imported(tree) for folder in folders if f"{name}.".startswith(f"{folder}.")
        } == set(), path


def test_one_module_of_each_engine_finds_subjects() -> None:
    finding = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for package in ALLOWED
        for path, tree in _modules(package)
        if "importlib" in _imported(tree)
    }
    assert finding == FINDS_SUBJECTS


@pytest.mark.parametrize("package", HOMES_OF_SUBJECTS)
def test_a_subject_imports_no_other_subject(package: str) -> None:
    home = HOMES_OF_SUBJECTS[package]
    for subject in SUBJECTS:
        others = {f"{home}.{other}" for other in SUBJECTS if other != subject}
        for path in PROJECT_ROOT.joinpath(*home.split("."), subject).rglob("*.py"):
            imported = _imported(ast.parse(path.read_text()))
            assert not {name for name in imported for other in others if f"{name}.".startswith(f"{other}.")}, path


# Two modules are for Spark alone, and imported when it is asked for.
WITHOUT_DAGSTER_AND_SPARK = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith(("dagster", "pyspark", "py4j")) or name.startswith("dbt.adapters.spark"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
for package in ("warehouse", "ingestion", "metrics", "quality", "briefings", "monitoring", "sandbox", "cli", "portal"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        # The portal's app is drawn where it is imported.
        if not module.name.endswith(("__main__", "portal.app", "warehouse.spark.adapter", "warehouse.spark.errors")):
            importlib.import_module(module.name)
from ingestion.run_pipeline import main
from cli.app import app
assert main(["--year", "2025", "--months", "1", "--dry-run"]) == 0
for of_days in ("minute_aggs", "options_snapshots"):
    assert main(["--from", "2026-01-05", "--to", "2026-01-05", "--sources", of_days, "--dry-run"]) == 0
app(["load", "--year", "2025", "--months", "1", "--dry-run"], prog_name="nyc")
"""


def test_everything_but_orchestration_runs_with_dagster_and_spark_absent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DAGSTER_AND_SPARK], capture_output=True, text=True, cwd=PROJECT_ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("yellow_tripdata_2025-01.parquet") == 2
    assert done.stdout.count("minute_aggs_v1/2026/01/2026-01-05.csv.gz") == 1


def test_nobody_waits_for_dlt_but_who_asks_for_files() -> None:
    imports = "import sys, ingestion.gaps, ingestion.run_pipeline; sys.exit('dlt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert done.returncode == 0, done.stderr
