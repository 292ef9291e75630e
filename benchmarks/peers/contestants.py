"""Those who take part: the platform, the floor, and every peer that is installed. Each has a store of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.dbt_runs import NOTHING_SELECTED, Dbt
from benchmarks.peers.command import parts_of
from benchmarks.peers.compare import Digest, digest_of_database, digest_of_parquet
from benchmarks.peers.registry import PEERS, Peer
from benchmarks.processes import Cost, Limits, measure
from benchmarks.stages import FLOOR, PLATFORM
from warehouse.paths import PROJECT_ROOT

MEMORY_LIMIT_VARIABLE = "BENCHMARK_MEMORY_LIMIT"

_METRIC = ("metrics.ask", "query", "revenue_per_mile", "--by", "metric_time__month,trip__trip_type", "--live")
_FACTS = ("run", "--select", "int_station_months", "fct_trips", "fct_hourly_mobility")
_ALL_ANEW = ("run", "--select", "+fct_hourly_mobility", "--full-refresh")


class Contestant(Protocol):
    """Somebody who can do the stages, on a store that is theirs."""

    name: str
    store: Path

    def run(self, stage: str, files: Path, months: Sequence[str] = ()) -> Cost:
        """Do a stage; what it cost.

        Raises:
            BenchmarkError: it failed, or took more than the limits allow.
        """
        ...

    def prepare(self) -> None:
        """Do once what the first run after a change of code does, when the store has the whole history."""
        ...

    def digest(self, fact: str) -> Digest:
        """What is compared of a fact."""
        ...

    def answer(self, stage: str, files: Path, folder: Path) -> None:
        """Answer the questions of a stage once more, and write the answers to a folder."""
        ...


@dataclass
class OfRunModule:
    """One whose stages are run by a module: the floor, or a peer."""

    name: str
    store: Path
    module: str
    python: Path
    memory_limit: str
    limits: Limits
    database: str | None = None
    is_prepared: bool = False

    def run(self, stage: str, files: Path, months: Sequence[str] = ()) -> Cost:
        """See `Contestant.run`."""
        return self._measure(stage, "--files", str(files), *(("--months", *months) if months else ()))

    def prepare(self) -> None:
        """Have it read its project, if it has one and keeps what it has read."""
        if self.is_prepared:
            self._measure("prepare")

    def digest(self, fact: str) -> Digest:
        """Of the DuckDB file, if it has the platform's names; else of what is exported, which is removed again."""
        if self.database:
            return digest_of_database(self.store / self.database, fact)
        folder = self.store.with_name(f"{self.store.name}-exported")
        try:
            self._measure("export", "--output", str(folder))
            return digest_of_parquet(folder, fact)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def answer(self, stage: str, files: Path, folder: Path) -> None:
        """See `Contestant.answer`."""
        self._measure(stage, "--files", str(files), "--answers", str(folder))

    def _measure(self, stage: str, *options: str) -> Cost:
        command = (str(self.python), "-m", self.module, stage, "--store", str(self.store), *options)
        settings = {MEMORY_LIMIT_VARIABLE: self.memory_limit}
        return measure(command, environment=settings, limits=self.limits)[0]


@dataclass
class Platform:
    """The platform: loads, and builds what it loaded in the same command."""

    store: Path
    memory_limit: str
    limits: Limits
    name: str = PLATFORM

    @property
    def database(self) -> Path:
        """The working file."""
        return self.store / "nyc_mobility.duckdb"

    @property
    def _dbt(self) -> Dbt:
        return Dbt(self.database, self.memory_limit)

    def run(self, stage: str, files: Path, months: Sequence[str] = ()) -> Cost:
        """See `Contestant.run`."""
        if stage == "load":
            return self._load(files, months)
        if stage == "refresh":
            return self._run_dbt(*_ALL_ANEW)
        if stage in ("new", "again"):
            return self._load(files, months, "--then", *_FACTS)
        if stage == "metric":
            return self._measure(sys.executable, "-m", *_METRIC)[0]
        return self._ask(stage)

    def prepare(self) -> None:
        """Parse dbt's project, as the first command after a change of its code does."""
        self._run_dbt("run", *NOTHING_SELECTED)

    def digest(self, fact: str) -> Digest:
        """See `Contestant.digest`."""
        return digest_of_database(self.database, fact)

    def answer(self, stage: str, files: Path, folder: Path) -> None:
        """See `Contestant.answer`."""
        self._ask(stage, "--answers", str(folder))

    def _ask(self, stage: str, *options: str) -> Cost:
        # Pages read marts by SQL, over a connection like this one.
        module = ("-m", "benchmarks.peers.floor_.run", stage, "--store", str(self.store))
        return self._measure(sys.executable, *module, "--database", self.database.name, *options)[0]

    def _load(self, files: Path, months: Sequence[str], *then: str) -> Cost:
        self.store.mkdir(parents=True, exist_ok=True)
        cost, printed = self._measure(
            sys.executable, "-m", "benchmarks.peers.platform_.run", str(files.resolve()), *months, *then
        )
        unpacking = json.loads(printed.splitlines()[-1])
        return cost.beyond(Cost(unpacking["wall"], unpacking["cpu"], 0))

    def _run_dbt(self, *arguments: str) -> Cost:
        return self._measure("dbt", *arguments, folder=PROJECT_ROOT / "dbt")[0]

    def _measure(self, *command: str, folder: Path = PROJECT_ROOT) -> tuple[Cost, str]:
        settings = self._dbt.settings(self._dbt.target()) | {MEMORY_LIMIT_VARIABLE: self.memory_limit}
        return measure(command, folder, settings, self.limits)


def contestants(
    folder: Path, trips: int, memory_limit: str, limits: Limits, only: Sequence[str] = ()
) -> tuple[list[Contestant], dict[str, str]]:
    """Those who take part, the platform first, with their stores in a folder; and why others do not."""
    taking_part: list[Contestant] = [
        Platform(folder / PLATFORM, memory_limit, limits),
        OfRunModule(
            FLOOR,
            folder / FLOOR,
            "benchmarks.peers.floor_.run",
            Path(sys.executable),
            memory_limit,
            limits,
            "floor.duckdb",
        ),
    ]
    left_out = {}
    for peer in PEERS:
        if only and peer.name not in only:
            continue
        if reason := _obstacle(peer, trips):
            left_out[peer.name] = reason
            continue
        store = folder / peer.folder.strip("_")
        python = peer.python or Path(sys.executable)
        taking_part.append(
            OfRunModule(peer.name, store, peer.module, python, memory_limit, limits, is_prepared=peer.is_prepared)
        )
    return taking_part, left_out


def _obstacle(peer: Peer, trips: int) -> str | None:
    """Why a peer cannot take part, with what to do about it."""
    if not peer.is_written:
        return f"there is no {peer.module}"
    if peer.most_trips and trips > peer.most_trips:
        return f"does not bear more than {peer.most_trips:,} trips in this machine's memory"
    python = peer.python or Path(sys.executable)
    if not python.exists():
        return f"not installed: there is no {python.relative_to(PROJECT_ROOT)}; make peers-setup makes it"
    tried = subprocess.run([python, "-c", f"import {peer.imports}"], capture_output=True, text=True)
    if tried.returncode:
        return f"not installed: {tried.stderr.strip().splitlines()[-1]}; {peer.install}"
    return None


def questions(stage: str) -> list[str]:
    """The names of the answers of a stage."""
    folder = PROJECT_ROOT / "benchmarks" / "peers"
    return list(parts_of(folder / ("metric.sql" if stage == "metric" else "queries.sql")))
