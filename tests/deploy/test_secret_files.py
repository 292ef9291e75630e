"""`deploy/make_secrets.sh` writes what compose.yaml asks for, once."""

import shutil
import stat
import subprocess
from pathlib import Path

import yaml

from warehouse.paths import PROJECT_ROOT


def _make(root: Path) -> str:
    run = subprocess.run([root / "deploy/make_secrets.sh"], cwd="/", capture_output=True, text=True, check=True)
    assert not run.stderr
    return run.stdout


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_secret_is_made_and_none_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(PROJECT_ROOT / "deploy/make_secrets.sh", tmp_path / "deploy")
    said = _make(tmp_path)
    folder = tmp_path / "deploy/secrets"
    made = _contents(folder)
    asked_for = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["secrets"]
    assert {f"deploy/secrets/{name}" for name in made} == {secret["file"] for secret in asked_for.values()}
    assert len(set(made.values())) == len(made)
    assert all(len(content.strip()) == 32 for content in made.values())
    assert not any(content.decode().strip() in said for content in made.values())
    # Nobody else enters the folder, and the user of a container reads what is mounted from it.
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}

    (folder / "s3_secret_key").unlink()
    assert _make(tmp_path) == "wrote deploy/secrets/s3_secret_key\n"
    again = _contents(folder)
    assert again.pop("s3_secret_key") != made.pop("s3_secret_key")
    assert again == made
