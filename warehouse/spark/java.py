"""Find the Java that Spark runs on, and install it where that can be done. Needs no Spark."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from warehouse.connection import NotThereYetError
from warehouse.exit_codes import ExitCode
from warehouse.terminal import quiet_on_broken_pipe

HOME_VARIABLE = "JAVA_HOME"
# What Spark 4.1 is made for: 17 and 21. It does not start on an older one, nor Hadoop on a much newer one.
_OLDEST, _NEWEST = 17, 21
# Where Debian, Ubuntu and Fedora put every Java, also one that is not on the PATH.
_INSTALLED = Path("/usr/lib/jvm")
# A release of Debian has one of them.
_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless")


def java_home() -> Path:
    """The home of a Java that Spark runs on.

    That is `JAVA_HOME` where it is set; else the Java on the PATH, or another one that is installed.

    Raises:
        NotThereYetError: there is none. The message says which were found.
    """
    found: list[str] = []
    for where, command in _candidates():
        version = _version(command)
        if version is not None and _OLDEST <= version <= _NEWEST:
            return command.resolve().parent.parent
        what = "no Java that starts" if version is None else f"Java {version}"
        found.append(f"{where} is {what} ({command})")
    raise NotThereYetError(
        f"expected Java {_OLDEST} or {_NEWEST} for Spark, but {'; '.join(found) or 'there is no Java'}. {_next_step()}"
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if home := os.environ.get(HOME_VARIABLE):
        yield HOME_VARIABLE, Path(home) / "bin" / "java"
        return
    if on_path := which("java"):
        yield "the one on the PATH", Path(on_path)
    for command in sorted(_INSTALLED.glob("*/bin/java")):
        yield "another", command


def _version(command: Path) -> int | None:
    """The version that a Java says of itself: 17 of `17.0.15`, 8 of `1.8.0_402`. None if it does not start."""
    try:
        said = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else None


def _next_step() -> str:
    if os.environ.get(HOME_VARIABLE):
        return f"Set {HOME_VARIABLE} to the folder of one, or to nothing."
    if _can_install():
        return "Run: make spark-setup"
    return (
        f"Install one, such as Debian's {_PACKAGES[0]}, or unpack one anywhere and set {HOME_VARIABLE} to its folder."
    )


def _can_install() -> bool:
    return os.geteuid() == 0 and which("apt-get") is not None


def install() -> Path:
    """Install Debian's package where there is no Java that fits, which needs root. Returns the home of the Java.

    Raises:
        NotThereYetError: there is none, and none can be installed.
    """
    try:
        return java_home()
    except NotThereYetError:
        if os.environ.get(HOME_VARIABLE) or not _can_install():
            raise
    _apt("apt-get", "update")
    packages = [name for name in _PACKAGES if _is_known(name)]
    if not packages:
        raise NotThereYetError(
            f"expected this system to have one of the packages {', '.join(_PACKAGES)}, but it has none. "
            f"Unpack a Java {_OLDEST} or {_NEWEST} anywhere, and set {HOME_VARIABLE} to its folder."
        )
    _apt("apt-get", "install", "--yes", "--no-install-recommends", packages[0])
    return java_home()


def _is_known(package: str) -> bool:
    return subprocess.run(["apt-cache", "show", package], capture_output=True).returncode == 0


def _apt(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = " ".join(done.stdout.strip().splitlines()[-3:])
        raise NotThereYetError(f"expected Java for Spark, but `{' '.join(command)}` failed: {said}")


@quiet_on_broken_pipe
def main() -> int:
    """Say which Java Spark runs on; install one where there is none."""
    try:
        home = install()
    except NotThereYetError as error:
        print(f"make spark-setup: {error}", file=sys.stderr)
        return ExitCode.FAILED
    print(f"Spark runs on {home}")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
