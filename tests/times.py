"""How much CPU time the tests of each file take, and which of them are quick.

Every run of pytest measures the files that it runs whole, and keeps that in pytest's cache. `times.json` has what a run
of all tests measured, for a checkout without a cache. `python -m tests.times` names the files that `make test-quick`
runs: those that have the most tests for their time, as many as there is time for, some of each folder, and new ones.
`python -m tests.times --keep` writes `times.json` from the cache.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests import forking
from warehouse.paths import PROJECT_ROOT

TIMES = PROJECT_ROOT / "tests" / "times.json"
CACHED = "cpu_seconds"

# Of all files that `make test-quick` runs, without what pytest and imports take. In CPU time, so that other work of the
# machine changes nothing.
QUICK_SECONDS = 28.0
# No file takes more of it. Machines differ, and so do runs: what takes more than the second is told. It is no failure,
# for the next quick run leaves it out.
LONGEST_SECONDS = 2.5
TOO_LONG_SECONDS = 10.0


class Time(NamedTuple):
    """What a file takes alone, with the fixtures that it shares with others."""

    seconds: float
    tests: int


def kept_times() -> dict[str, Time]:
    """Times by file: those measured here, and else those of the project."""
    cached = PROJECT_ROOT / ".pytest_cache" / "v" / CACHED
    times = {name: Time(*time) for name, time in json.loads(TIMES.read_text()).items()}
    if cached.exists():
        times |= {name: Time(*time) for name, time in json.loads(cached.read_text()).items()}
    return times


def files_of_tests() -> list[str]:
    return sorted(path.relative_to(PROJECT_ROOT).as_posix() for path in (PROJECT_ROOT / "tests").rglob("test_*.py"))


def folder_of(file: str) -> str:
    """The folder below `tests`, by which a developer knows an area; none for a file beside them."""
    return file.split("/")[1] if file.count("/") > 1 else ""


def quick_files(files: list[str], times: Mapping[str, Time]) -> list[str]:
    """Those of the files that are run all the time, in their order.

    The quickest of each folder, then those with the most tests for their time while there is time left. Files of which
    no time is known are new, and just being worked on.
    """
    chosen = {file for file in files if file not in times}
    short = [file for file in files if file in times and times[file].seconds <= LONGEST_SECONDS]
    by_folder: dict[str, list[str]] = defaultdict(list)
    for file in short:
        by_folder[folder_of(file)].append(file)
    first = [min(folder, key=lambda file: times[file].seconds) for folder in by_folder.values()]
    left = QUICK_SECONDS
    for file in [*first, *sorted(short, key=lambda file: times[file].seconds / max(1, times[file].tests))]:
        if file not in chosen and times[file].seconds <= left:
            chosen.add(file)
            left -= times[file].seconds
    return [file for file in files if file in chosen]


def _cpu_seconds() -> float:
    """Of this process, of those of its children that have ended, and of commands in forks of an interpreter."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system + sum(forking.cpu_seconds)


@dataclass(eq=False)
class Measuring:
    """A plugin of pytest that measures files, in each of several workers."""

    own: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    tests: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Fixtures that several files share: whoever comes first makes them, and each would if it came alone.
    shared: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    uses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    not_whole: set[str] = field(default_factory=set)
    _in_shared: list[float] = field(default_factory=lambda: [0.0])
    _of_workers: dict[str, Time] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        file = item.location[0]
        definitions = getattr(item, "_fixtureinfo", None)
        for each in definitions.name2fixturedefs.values() if definitions else ():
            self.uses[file] |= {_name_of(fixture) for fixture in each if fixture.scope in ("session", "package")}
        begun, before = _cpu_seconds(), self._in_shared[0]
        try:
            return (yield)
        finally:
            self.own[file] += _cpu_seconds() - begun - (self._in_shared[0] - before)
            self.tests[file] += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        if fixturedef.scope not in ("session", "package"):
            return (yield)
        begun, before = _cpu_seconds(), self._in_shared[0]
        try:
            return (yield)
        finally:
            # Without that of shared fixtures that it asked for itself.
            inner = self._in_shared[0] - before
            took = _cpu_seconds() - begun - inner
            self._in_shared[0] += took
            self.shared[_name_of(fixturedef)] += took

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.not_whole |= {item.location[0] for item in items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.not_whole.add(report.location[0])

    def times(self) -> dict[str, Time]:
        """Of the files that were run whole."""
        return self._of_workers | {
            file: Time(round(own + sum(self.shared[name] for name in self.uses[file]), 2), self.tests[file])
            for file, own in self.own.items()
            if file not in self.not_whole
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for file, time in getattr(node, "workeroutput", {}).get(CACHED, {}).items():
            self._of_workers[file] = Time(*time)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        config = session.config
        if hasattr(config, "workeroutput"):
            # What goes from process to process is made of simple types.
            config.workeroutput[CACHED] = {file: [*time] for file, time in self.times().items()}
            return
        # A test or two of a file say nothing of it.
        is_whole = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not config.option.maxfail
        # Without its plugin there is no cache.
        cache: pytest.Cache | None = getattr(config, "cache", None)
        if cache and is_whole and not any("::" in argument for argument in config.args):
            cache.set(CACHED, cache.get(CACHED, {}) | self.times())

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        # Where folders are run, the first file of each worker that needs Streamlit or dbt pays for their import.
        if not all(argument.endswith(".py") for argument in terminalreporter.config.args):
            return
        for file in self.too_long():
            terminalreporter.write_line(_said_of(file, self.times()[file]))

    def too_long(self) -> list[str]:
        """The files that were quick, and are no more."""
        known = {name: Time(*time) for name, time in json.loads(TIMES.read_text()).items()}
        return [
            file
            for file, time in self.times().items()
            if file in known and known[file].seconds <= LONGEST_SECONDS and time.seconds > TOO_LONG_SECONDS
        ]


def _name_of(fixture: Any) -> str:
    return f"{fixture.baseid}::{fixture.argname}"


def _said_of(file: str, time: Time) -> str:
    return (
        f"{file}: expected at most {TOO_LONG_SECONDS:.0f} CPU seconds, as tests/times.json says that it is quick, but "
        f"it took {time.seconds:.0f}. Make it quicker, or keep its time: python -m tests.times --keep"
    )


def main(arguments: list[str]) -> None:
    files = files_of_tests()
    times = kept_times()
    if arguments == ["--keep"]:
        lines = [f"  {json.dumps(file)}: {json.dumps(times[file])}" for file in files if file in times]
        TIMES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        return
    print("\n".join(quick_files(files, times)))


if __name__ == "__main__":
    main(sys.argv[1:])
