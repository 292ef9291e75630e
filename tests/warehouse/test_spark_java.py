"""Which Java Spark gets, and what is said where none fits. Java is a script that says a version."""

import os
from pathlib import Path

import pytest

from warehouse.connection import NotThereYetError
from warehouse.spark import java
from warehouse.spark.java import install, java_home


def put_java(home: Path, version: str) -> Path:
    command = home / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    command.chmod(0o755)
    return home


def put_apt(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An apt-get that does what a script says, for whoever is root."""
    folder.mkdir(exist_ok=True)
    for name in ("apt-get", "apt-cache"):
        command = folder / name
        command.write_text(f'#!/bin/bash\necho "{name} $@" >> {folder}/called\n{script}\n')
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.fixture(autouse=True)
def _a_machine_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(java, "_INSTALLED", tmp_path / "jvm")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    # What the machine has beside the PATH of the test is none of it.
    monkeypatch.setattr(java, "which", _which)


def _which(name: str) -> str | None:
    folders = [Path(folder) for folder in os.environ["PATH"].split(":") if not folder.startswith(("/bin", "/usr"))]
    return next((str(folder / name) for folder in folders if (folder / name).exists()), None)


@pytest.mark.parametrize("version", ["17.0.15", "21.0.2", "21"])
def test_the_java_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    home = put_java(tmp_path / "path", version)
    monkeypatch.setenv("PATH", f"{home}/bin")
    assert java_home() == home


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{put_java(tmp_path / 'path', '17.0.1')}/bin")
    home = put_java(tmp_path / "home", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


@pytest.mark.parametrize(("version", "said"), [("1.8.0_402", "Java 8"), ("11.0.2", "Java 11"), ("25.0.1", "Java 25")])
def test_a_java_that_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, said: str
) -> None:
    home = put_java(tmp_path / "home", version)
    monkeypatch.setenv("JAVA_HOME", str(home))
    with pytest.raises(NotThereYetError, match=rf"expected Java 17 or 21 .* JAVA_HOME is {said} \({home}"):
        java_home()


def test_another_java_is_taken_where_that_on_the_path_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{put_java(tmp_path / 'path', '25.0.1')}/bin")
    home = put_java(tmp_path / "jvm" / "java-17-openjdk-amd64", "17.0.15")
    assert java_home() == home


def test_a_home_without_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(NotThereYetError, match=r"JAVA_HOME is no Java that starts .*Set JAVA_HOME"):
        java_home()


def test_who_is_not_root_is_told_what_to_install() -> None:
    with pytest.raises(NotThereYetError, match=r"there is no Java\. Install one, such as .*openjdk-17-jre-headless"):
        install()


def test_root_gets_the_package_that_the_system_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "jvm" / "java-21-openjdk-amd64"
    packed = put_java(tmp_path / "packed", "21.0.2")
    script = (
        '[[ "$*" == "show openjdk-17"* ]] && exit 100\n'
        f'[[ "$*" == install* ]] && mkdir -p {new}/bin && cp {packed}/bin/java {new}/bin/\n'
        "exit 0"
    )
    put_apt(tmp_path / "apt", monkeypatch, script)
    assert install() == new
    called = (tmp_path / "apt" / "called").read_text().splitlines()
    assert called[0] == "apt-get update"
    assert called[-1] == "apt-get install --yes --no-install-recommends openjdk-21-jre-headless"


def test_an_installation_that_fails_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_apt(tmp_path / "apt", monkeypatch, "echo 'E: no address of that name'; exit 100")
    with pytest.raises(NotThereYetError, match=r"`apt-get update` failed: E: no address of that name"):
        install()


def test_nothing_is_installed_where_java_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_apt(tmp_path / "apt", monkeypatch, "exit 1")
    home = put_java(tmp_path / "jvm" / "java-17-openjdk-amd64", "17.0.15")
    assert install() == home
    assert not (tmp_path / "apt" / "called").exists()
