"""What dbt says of the project: the manifest that it writes when it parses it."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.paths import PROJECT_ROOT, dbt_target_folder

TARGET_VARIABLE = "DBT_TARGET_PATH"
# Apart from where builds write theirs, so that the site can be made beside them.
_TARGET = "target/docs"


class ManifestError(Exception):
    """dbt cannot parse the project. The message says why."""


@cache
def manifest() -> dict[str, Any]:
    """The manifest of the project as it is, parsed anew once a build.

    Raises:
        ManifestError: dbt cannot parse the project.
    """
    folder = _parsed()
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


@cache
def semantic_manifest() -> dict[str, Any]:
    """The semantic manifest: metrics, and what they are made of.

    Raises:
        ManifestError: dbt cannot parse the project.
    """
    found: dict[str, Any] = json.loads((_parsed() / "semantic_manifest.json").read_bytes())
    return found


def forget() -> None:
    """Parse again at the next question."""
    for question in (_parsed, manifest, semantic_manifest):
        question.cache_clear()


@cache
def _parsed() -> Path:
    os.environ.setdefault(TARGET_VARIABLE, _TARGET)
    folder = dbt_target_folder()
    dbt = Path(sys.executable).with_name("dbt")
    command: list[str | Path] = [dbt, "--quiet", "parse", "--target-path", folder, "--log-path", folder / "logs"]
    done = subprocess.run(command, cwd=PROJECT_ROOT / "dbt", capture_output=True, text=True)
    if done.returncode:
        raise ManifestError(f"expected a dbt project that can be parsed; try it in dbt/: dbt parse\n{done.stdout}")
    return folder
