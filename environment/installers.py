"""Installs into an environment: by uv, which is many times as fast, or else by pip."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment.index import NotUvsError, uv_settings

_PIP_INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location")
# What pip does: the best of all indexes. uv would take the first that has the package in any version.
_UV_INSTALL = ("pip", "install", "--quiet", "--index-strategy", "unsafe-best-match")


class InstallError(Exception):
    """A command that installs failed, and said why on its own."""


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run a command whose troubles are the user's to see. Raises InstallError if it fails."""
    status = subprocess.run(command, env=environment, check=False).returncode
    if status:
        shown = " ".join(map(str, command))
        raise InstallError(f"expected a command to end well, but it ended with {status}: {shown}")


def make_venv(folder: Path, *options: str) -> None:
    """Make a virtual environment, or mend the one that is there."""
    run([sys.executable, "-m", "venv", *options, folder])


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def find_uv(tools: Path, version: str, pip: Path) -> Path | None:
    """The uv on the path, or one that is installed among the tools; nothing if the index has none.

    `pip` is a Python that has it.
    """
    own = tools / "bin" / "uv"
    if own.exists():
        return own
    found = shutil.which("uv")
    # It may stand for one that is not there, as those of managers of Pythons do.
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return Path(found)
    command = [*_pip_for(tools, pip), *_PIP_INSTALL, f"uv=={version}"]
    return own if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


def _pip_for(folder: Path, pip: Path) -> list[str | Path]:
    return [pip, "-m", "pip", "--python", python_of(folder)]


@dataclass
class Installer:
    """Installs into environments. After uv has failed once, only pip is asked: that of the Python `pip`."""

    uv: Path | None
    pip: Path

    def __post_init__(self) -> None:
        if self.uv is None:
            self._by_pip("uv is not on the path, and could not be installed")
        self.environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        command = [str(self.pip), "-m", "pip", "config", "list"]
        config = subprocess.run(command, capture_output=True, text=True, check=False)
        if config.returncode:
            raise InstallError(f"expected pip in .venv, got: {config.stderr.strip()}. Run: make clean, then make setup")
        try:
            settings = uv_settings(config.stdout)
        except NotUvsError as error:
            self._by_pip(f"uv would not honour pip's setting {error}")
            return
        if "UV_INDEX_URL" in settings:
            # Newer names of the same, which would come first.
            self.environment = {k: v for k, v in self.environment.items() if k not in {"UV_DEFAULT_INDEX", "UV_INDEX"}}
        self.environment |= settings | {"UV_PYTHON_DOWNLOADS": "never"}

    def install(self, folder: Path, *requirements: str | Path, is_again: bool = False) -> None:
        """Install what pip's words say, such as `-r FILE`; without bytecode. `is_again`: also what seems to be there.

        Raises InstallError if pip fails, too.
        """
        if self.uv is not None:
            again = ("--reinstall",) if is_again else ()
            command: list[str | Path] = [self.uv, *_UV_INSTALL, *again, "--python", python_of(folder), *requirements]
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            self._by_pip(f"uv failed: {done.stderr.strip()}")
        again = ("--force-reinstall",) if is_again else ()
        run([*_pip_for(folder, self.pip), *_PIP_INSTALL, "--no-compile", *again, *requirements])

    def _by_pip(self, why: str) -> None:
        self.uv = None
        print(f"make setup: installing by pip, which takes longer, because {why}", file=sys.stderr)


def compile_bytecode(folder: Path) -> None:
    """Compile on all cores what can be imported, but no package's own tests. A file that cannot be compiled is left."""
    options = ["-qq", "-j", "0", "-x", "/site-packages/.*/tests?/"]
    command: list[str | Path] = [python_of(folder), "-m", "compileall", *options, *folder.glob("lib/*/site-packages")]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
