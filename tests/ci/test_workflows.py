"""The workflows are valid, ask for no more rights than they need, and run what works on every machine."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.paths import PROJECT_ROOT

GITHUB = PROJECT_ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def said_by(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.dependabot", [GITHUB / "dependabot.yml"])]
)
def test_the_files_fit_their_schema(schema: str, files: list[Path]) -> None:
    status, said = said_by("check-jsonschema", "--builtin-schema", schema, *map(str, files))
    assert status == 0, said


def test_zizmor_finds_nothing() -> None:
    status, said = said_by("zizmor", "--offline", "--no-progress", str(GITHUB))
    assert status == 0, said


@every_workflow
def test_each_command_is_a_target_of_make(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [step["run"] for step in steps(read(path)) if "run" in step]
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert (program, len(arguments)) == ("make", 1), f"{command}: expected `make` and one target"
        assert arguments[0] in targets, f"{command}: the Makefile has no such target"


@every_workflow
def test_actions_are_those_of_a_commit(path: Path) -> None:
    used = re.findall(r"uses: *(.+)", path.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@every_workflow
def test_a_workflow_only_reads_and_ends(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert "secrets." not in path.read_text()
    # YAML takes `on` for true.
    assert "pull_request_target" not in workflow[True]
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 90, name
        assert "permissions" not in job, name


def test_pull_requests_get_what_the_night_keeps() -> None:
    (kept,) = (step["with"] for step in _using("nightly", "actions/cache/save"))
    (restored,) = (step["with"] for step in _using("pull-request", "actions/cache/restore"))
    assert restored["path"] == kept["path"]
    assert kept["key"].startswith(restored["restore-keys"])
    # Never that of a night itself, so that the newest of the prefix is taken.
    assert "${{" not in restored["key"]


def _using(workflow: str, action: str) -> list[dict[str, Any]]:
    return [step for step in steps(read(GITHUB / "workflows" / f"{workflow}.yml")) if action in step.get("uses", "")]


def test_the_parts_are_all_tests_and_none_is_in_two() -> None:
    matrix = read(GITHUB / "workflows/pull-request.yml")["jobs"]["tests"]["strategy"]["matrix"]
    parts = {each["part"]: each["tests"].split() for each in matrix["include"]}
    assert set(matrix["part"]) == set(parts)
    (rest,) = (words for words in parts.values() if "tests" in words)
    named = [word for words in parts.values() if words is not rest for word in words]
    assert len(named) == len(set(named))
    assert all((PROJECT_ROOT / name).is_dir() for name in named)
    assert sorted(rest) == sorted(["tests", *(f"--ignore={name}" for name in named)])


def test_the_tests_of_spark_run_with_spark() -> None:
    # Without it they are skipped.
    for workflow in ("pull-request", "nightly"):
        jobs = read(GITHUB / "workflows" / f"{workflow}.yml")["jobs"]
        commands = [step.get("run") for step in jobs["tests"]["steps"]]
        assert commands.index("make spark-setup") < commands.index(commands[-2])
    (setup,) = (step for step in steps(read(GITHUB / "workflows/pull-request.yml")) if "spark" in step.get("run", ""))
    assert setup["if"] == "matrix.part == 'spark'"
    commands = (PROJECT_ROOT / ".ci/run").read_text().splitlines()
    assert commands.index("make spark-setup") < commands.index("make test")


def test_dependabot_leaves_what_cannot_be_updated() -> None:
    updates = {each["package-ecosystem"]: each for each in read(GITHUB / "dependabot.yml")["updates"]}
    assert updates["pip"]["versioning-strategy"] == "lockfile-only"
    assert {each["dependency-name"]: each["versions"] for each in updates["pip"]["ignore"]} == {
        "dbt-core": [">=1.12"],
        "mypy": [">=2"],
    }
    assert {each["schedule"]["interval"] for each in updates.values()} == {"weekly"}
