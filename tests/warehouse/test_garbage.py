"""Commands and processes of Dagster seldom look for garbage, whoever starts them."""

import subprocess
import sys

import pytest

from warehouse.garbage import THRESHOLDS
from warehouse.paths import PROJECT_ROOT


@pytest.mark.parametrize("package", ["cli", "orchestration"])
def test_a_process_of_the_platform_seldom_looks_for_garbage(package: str) -> None:
    asked = f"import gc, {package}; print(gc.get_threshold())"
    said = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(THRESHOLDS)
