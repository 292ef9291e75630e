"""Where dlt has its settings from, in a process of its own, as a load is."""

import os
import subprocess
import sys
from pathlib import Path

from warehouse.paths import PROJECT_ROOT

ASKED = """
import sys
from ingestion.fetch.settings import setting
print(setting("tlc", "base_url", "nothing"), "streamlit" in sys.modules)
"""


def _said(folder: Path, **environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DLT_", "SOURCES__"))}
    settings = inherited | {"PYTHONPATH": str(PROJECT_ROOT)} | environment
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=folder, env=settings, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_load_does_not_wait_for_streamlit(tmp_path: Path) -> None:
    assert _said(tmp_path) == ["nothing", "False"]
    assert _said(tmp_path, SOURCES__TLC__BASE_URL="http://set") == ["http://set", "False"]


def test_a_folder_of_settings_where_the_command_is_run_counts(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text('[sources.tlc]\nbase_url = "http://kept"\n')
    assert _said(tmp_path)[0] == "http://kept"
