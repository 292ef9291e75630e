"""The Dockerfile and the dev container agree with the Makefile and the project."""

import json
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch

import pytest
import yaml

from warehouse.paths import PROJECT_ROOT

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()
MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())


def test_hadolint_has_nothing_to_say() -> None:
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed")
    run = subprocess.run([program, "Dockerfile"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("name", ["POETRY_VERSION", "POETRY_EXPORT_VERSION"])
def test_poetry_is_the_makefiles(name: str) -> None:
    def pinned(pattern: str, text: str) -> list[str]:
        return re.findall(rf"^{pattern} *([\d.]+)$", text, re.MULTILINE)

    assert pinned(f"ARG {name}=", DOCKERFILE) == pinned(f"{name} :=", MAKEFILE) != []


def test_the_image_has_every_extra_but_spark_and_nothing_of_development() -> None:
    [extras] = re.findall(r"--extras '([^']+)'", DOCKERFILE)
    spark = {"spark", "spark-thrift"}
    assert set(extras.split()) == PROJECT["project"]["optional-dependencies"].keys() - spark
    assert re.findall(r"^EXTRAS := (.+)$", MAKEFILE, re.MULTILINE) == [extras]
    assert "--with" not in DOCKERFILE


def test_the_image_is_one_version_everywhere() -> None:
    code = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["services"]["code"]
    assert code["image"] == f"${{NYC_IMAGE:-nyc-mobility:{PROJECT['project']['version']}}}"


def test_it_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    assert "--uid 10001" in DOCKERFILE


def _is_sent(path: str) -> bool:
    """Whether .dockerignore lets this path into the image: the last rule that matches it or a folder of it decides."""
    sent = True
    parts = path.split("/")
    below = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines():
        rule = line.removeprefix("!")
        if not rule or rule.startswith("#"):
            continue
        names = parts if rule.startswith("**/") else below
        if any(fnmatch(name, rule.removeprefix("**/")) and (rule.count("/") or "/" not in name) for name in names):
            sent = line.startswith("!")
    return sent


def test_every_package_of_the_project_is_in_the_image() -> None:
    for package in PROJECT["tool"]["poetry"]["packages"]:
        assert _is_sent(f"{package['include']}/__init__.py"), package


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "compose.override.yaml",
        "data/nyc_mobility.duckdb",
        "dbt/.user.yml",
        "dbt/target/manifest.json",
        "deploy/secrets/postgres_password",
        "deploy/settings.env",
        "ingestion/.env",
        "logs/ingestion.log",
        "tests/test_names.py",
    ],
)
def test_no_secret_data_or_setting_is_in_the_image(path: str) -> None:
    assert not _is_sent(path)


def test_the_dev_container_is_set_up_by_make() -> None:
    text = (PROJECT_ROOT / ".devcontainer/devcontainer.json").read_text()
    settings = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:\d+-3\.1[1-3]-[a-z]+", settings["image"])
    assert settings["postCreateCommand"].startswith("make setup")
