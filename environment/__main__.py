"""`make setup`: .venv has what poetry.lock says, the project itself and Poetry.

    python -m environment --stamp FILE --extras NAME … --groups NAME … [--with-project --poetry REQUIREMENT …]

The stamp is written last and says what was installed: an installation that was interrupted does not count, and the next
one trusts nothing that it left. Several may run at once: one waits for the other, and then has nothing to do.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from environment.installers import Installer, InstallError, compile_bytecode, find_uv, make_venv, python_of, run
from environment.lock import LockError, requirements

PROJECT = Path(__file__).parents[1]
VENV = PROJECT / ".venv"
# Poetry and uv, apart from what they install.
TOOLS = PROJECT / ".poetry"


def main() -> int:
    arguments = _arguments()
    try:
        with _alone():
            _install(arguments)
    except (InstallError, LockError) as error:
        print(f"make setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m environment")
    parser.add_argument("--stamp", type=Path, required=True)
    parser.add_argument("--extras", nargs="*", default=[])
    parser.add_argument("--groups", nargs="*", default=["main"])
    parser.add_argument("--uv", default="", metavar="VERSION", help="of the uv to install where there is none")
    parser.add_argument("--with-project", action="store_true", help="make .venv, install the project and Poetry, too")
    parser.add_argument("--poetry", nargs="*", default=[], metavar="REQUIREMENT")
    return parser.parse_args()


@contextmanager
def _alone() -> Iterator[None]:
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(arguments: argparse.Namespace) -> None:
    """Install what the arguments say, unless the stamp says that it was."""
    stamp: Path = arguments.stamp
    wanted = requirements(tomllib.loads((PROJECT / "poetry.lock").read_text()), arguments.extras, arguments.groups)
    state = _state(wanted, arguments)
    if stamp.exists() and stamp.read_text() == state:
        stamp.touch()
        return
    name = stamp.name.lstrip(".")
    unfinished, file = VENV / f".unfinished-{name}", VENV / f"requirements-{name}.txt"
    is_again = unfinished.exists()
    if is_again and not unfinished.read_text() and arguments.with_project:
        # It never was whole, and half a package looks like a package to uv and to pip.
        for folder in (VENV / "lib", VENV / ".extras", TOOLS / "lib", TOOLS / "bin"):
            shutil.rmtree(folder, ignore_errors=True)
        (VENV / ".development").unlink(missing_ok=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    if stamp.exists():
        unfinished.write_text("whole before\n")
        stamp.unlink()
    elif not is_again:
        unfinished.touch()
    file.write_text(wanted)
    locked = ("--no-deps", "--require-hashes", "-r", file)
    if arguments.with_project:
        _install_with_project(arguments, locked, is_again)
    else:
        _installer(arguments.uv).install(VENV, *locked, is_again=is_again)
        compile_bytecode(VENV)
    stamp.write_text(state)
    unfinished.unlink()


def _state(wanted: str, arguments: argparse.Namespace) -> str:
    parts = [wanted, (PROJECT / "pyproject.toml").read_text(), sys.version, *arguments.poetry]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _install_with_project(arguments: argparse.Namespace, locked: tuple[str | Path, ...], is_again: bool) -> None:
    """Everything that does not need the other side by side: two cores, or the network and one."""
    make_venv(VENV)
    make_venv(TOOLS, "--without-pip")
    installer = _installer(arguments.uv)
    with ThreadPoolExecutor() as pool:
        poetry = pool.submit(installer.install, TOOLS, *arguments.poetry, is_again=is_again)
        installer.install(VENV, *locked, is_again=is_again)
        compiled = pool.submit(compile_bytecode, VENV)
        poetry.result()
        command = TOOLS / "bin" / "poetry"
        # Poetry installs into the environment that is active.
        run([command, "install", "--quiet", "--only-root"], {**os.environ, "VIRTUAL_ENV": str(VENV)})
        link = VENV / "bin" / "poetry"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("../..") / command.relative_to(PROJECT))
        compiled.result()


def _installer(uv_version: str) -> Installer:
    pip = python_of(VENV)
    return Installer(find_uv(TOOLS, uv_version, pip), pip)


if __name__ == "__main__":
    sys.exit(main())
