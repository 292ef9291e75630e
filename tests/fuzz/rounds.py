"""Rounds of fuzzing: an answer or two are mutated among good ones, and the oracle looks at what came of it."""

import logging
import os
import re
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ingestion.fetch.retries import RetryPolicy
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from tests.fuzz.cases import Expected, Mutation, loads
from tests.fuzz.good import GoodFile, good_file, partition_of
from tests.fuzz.oracle import problems, state_of
from tests.fuzz.publisher import FuzzPublisher, body_answer, key
from tests.seeds import seed_of_today
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE

logger = logging.getLogger(__name__)

# Other rounds each day. What went wrong says its seed.
SEED = seed_of_today("FUZZ_SEED")
SECONDS = float(os.environ.get("FUZZ_SECONDS", "12"))
# One round to do again, by its number.
ROUND = os.environ.get("FUZZ_ROUND")

# Of computing, which is the same on a machine that has much else to do. Most rounds take a second.
_MOST_CPU_SECONDS = 40
# On the clock, and only for what never ends.
_LONGEST_ROUND_SECONDS = 240
_MOST_FAILURES = 20
# A good answer never takes this long, however much else the machine has to do.
_PATIENT = RetryPolicy(
    attempts=3,
    attempts_if_unreachable=2,
    first_wait_seconds=0.01,
    longest_wait_seconds=0.02,
    jitter_seconds=0.01,
    longest_pause_seconds=0.1,
    connect_timeout_seconds=20,
    read_timeout_seconds=20,
    answer_seconds=20,
    slow_seconds=20,
    slow_bytes=1000,
)
# For answers that only a time limit ends. A good answer may miss these limits.
_IMPATIENT = replace(_PATIENT, connect_timeout_seconds=1, read_timeout_seconds=0.5, answer_seconds=1, slow_seconds=1)
_OUT_OF_TIME = re.compile(r"within [\d.]+ seconds")


class _Months(NamedTuple):
    """Two months of a feed: one is loaded before each round, the other is not."""

    loaded: Partition
    fresh: Partition


def _months(feed: str, loaded: tuple[int, int], fresh: tuple[int, int]) -> _Months:
    return _Months(partition_of(feed, *loaded), partition_of(feed, *fresh))


# Of every schema that a feed has had.
_MONTHS: dict[str, list[_Months]] = {
    "tlc": [
        _months("yellow", (2025, 5), (2025, 6)),
        _months("yellow", (2009, 7), (2010, 3)),
        _months("green", (2025, 5), (2020, 4)),
        _months("fhv", (2025, 5), (2018, 1)),
        _months("hvfhv", (2025, 5), (2022, 1)),
    ],
    "citibike": [
        _months("citibike", (2025, 5), (2025, 6)),
        _months("citibike", (2018, 2), (2015, 10)),
        _months("citibike_jc", (2025, 5), (2019, 3)),
    ],
    "weather": [_months("weather", (2025, 5), (2025, 2))],
}
_ALL_MONTHS = [months for of_publisher in _MONTHS.values() for months in of_publisher]

Mutate = Callable[[Random, Any], Mutation]


class _OutOfTimeError(Exception):
    """An answer that must not fail missed a short time limit, which says nothing about the platform."""


class RoundTooLongError(BaseException):
    """A round took longer than it may. It is no Exception, so that nothing takes it for a partition's failure."""


@dataclass(frozen=True)
class Format:
    """A kind of answers to fuzz: the publishers that give it, and what may be wrong with it."""

    name: str
    publishers: tuple[str, ...]
    mutations: Sequence[Mutate]


@dataclass(frozen=True)
class _Target:
    """A partition whose answer is mutated, and the good file that it would have."""

    file: GoodFile
    mutation: Mutation
    mutate: str

    def __str__(self) -> str:
        return f"{self.mutate} of {self.file.partition}: {self.mutation.what[:300]}"


class Fuzzer:
    """A publisher, and a database in which the first of each pair of months is loaded."""

    def __init__(self, folder: Path, publisher: FuzzPublisher) -> None:
        self._folder = folder
        self._publisher = publisher
        self._good = {
            partition: good_file(partition, Random(f"{SEED} {partition}"))
            for months in _ALL_MONTHS
            for partition in months
        }
        self._loaded = folder / "loaded" / "warehouse.duckdb"
        partitions = [months.loaded for months in _ALL_MONTHS]
        self._serve_good(partitions)
        with _environment(self._loaded, publisher):
            results = ingest(partitions, policy=_PATIENT)
        assert {result.status for result in results} == {Status.LOADED}, [result.error for result in results]
        self._before = state_of(self._loaded)

    def failures(self, format_: Format, seconds: float) -> list[str]:
        """What went wrong in rounds of a format: as many rounds as there is time for, or the one to do again."""
        found: list[str] = []
        begun, number = time.monotonic(), int(ROUND or 0)
        while True:
            found += self._round(format_, number)
            number += 1
            if ROUND or len(found) >= _MOST_FAILURES or time.monotonic() - begun > seconds:
                logger.info("%s: %s rounds in %.0f seconds", format_.name, number, time.monotonic() - begun)
                return found

    def _round(self, format_: Format, number: int) -> list[str]:
        try:
            return self._attempt(format_, number)
        except _OutOfTimeError:
            # The same round from its beginning. Whatever else is wrong with it is found now.
            return self._attempt(format_, number, is_again=True)

    def _attempt(self, format_: Format, number: int, *, is_again: bool = False) -> list[str]:
        """What goes wrong in a round. It gets short time limits only where nothing else ends an answer.

        Raises:
            _OutOfTimeError: it had short time limits, and a good answer missed one.
        """
        rng = Random(f"{SEED} {format_.name} {number}")
        targets = self._targets(format_, rng)
        is_of_time = any(target.mutation.is_of_time for target in targets)
        policy = _IMPATIENT if is_of_time and not is_again else _PATIENT
        database = self._folder / f"{format_.name}-{number}" / "data" / "warehouse.duckdb"
        database.parent.mkdir(parents=True)
        shutil.copy(self._loaded, database)
        begun = time.process_time()
        try:
            with _environment(database, self._publisher), _at_most(_LONGEST_ROUND_SECONDS):
                wrong = self._problems(database, targets, rng, policy)
        except _OutOfTimeError:
            raise
        except RoundTooLongError:
            wrong = [f"it took longer than {_LONGEST_ROUND_SECONDS} seconds\n{traceback.format_exc(limit=-6)}"]
        except Exception:  # noqa: BLE001 - that nothing is raised is what is tested
            wrong = [f"the run ended with\n{traceback.format_exc(limit=-4)}"]
        finally:
            shutil.rmtree(database.parents[1], ignore_errors=True)
        if (seconds := time.process_time() - begun) > _MOST_CPU_SECONDS:
            wrong.append(f"it took {seconds:.0f} seconds of computing")
        again = f"FUZZ_SEED={SEED} FUZZ_ROUND={number} pytest tests/fuzz -k {format_.name}"
        return ["\n  ".join([*map(str, targets), again, *wrong])] if wrong else []

    def _targets(self, format_: Format, rng: Random) -> list[_Target]:
        months = [each for publisher in format_.publishers for each in _MONTHS[publisher]]
        targets = []
        for pair in rng.sample(months, min(len(months), rng.choice([1, 1, 1, 2]))):
            file = good_file(rng.choice(pair), rng)
            mutate = rng.choice(format_.mutations)
            targets.append(_Target(file, mutate(rng, file), mutate.__name__))
        return targets

    def _problems(self, database: Path, targets: list[_Target], rng: Random, policy: RetryPolicy) -> list[str]:
        """Load the mutated answers among good ones; where one failed, then good ones in their place.

        Raises:
            _OutOfTimeError: an answer that must not fail missed one of the short time limits.
        """
        expected = {target.file.partition: target.mutation.expected for target in targets}
        loaded, fresh = rng.choice(_ALL_MONTHS).loaded, rng.choice(_ALL_MONTHS).fresh
        expected = {loaded: Expected(frozenset({Status.UNCHANGED}))} | expected
        # A load takes much longer than all else; half of the rounds do without.
        if rng.random() < 0.5:
            expected = {fresh: loads(self._good[fresh].rows)} | expected
        expected = dict(rng.sample(list(expected.items()), len(expected)))
        self._serve_good(expected)
        self._publisher.answers |= {key(target.file.partition): target.mutation.answer for target in targets}
        results = ingest(expected, policy=policy)
        if policy is _IMPATIENT and any(_is_out_of_time(result, expected[result.partition]) for result in results):
            raise _OutOfTimeError
        wrong = problems(database, self._before, expected, results)
        outside = [
            path.name for path in database.parents[1].iterdir() if path not in (database.parent, _log_folder(database))
        ]
        if outside:
            wrong.append(f"files outside of the database's folder: {outside}")
        is_failed = any(result.status is Status.FAILED for result in results)
        if wrong or not is_failed or rng.random() < 0.5:
            return wrong
        after = state_of(database)
        self._publisher.answers |= {key(t.file.partition): body_answer(t.file.partition, t.file.body) for t in targets}
        right = frozenset({Status.LOADED, Status.UNCHANGED})
        again = {target.file.partition: Expected(right, (target.file.rows,)) for target in targets}
        wrong = problems(database, after, again, ingest(again, policy=_PATIENT))
        return [f"a good file afterwards: {each}" for each in wrong]

    def _serve_good(self, partitions: Sequence[Partition] | dict[Partition, Expected]) -> None:
        self._publisher.answers = {
            key(partition): body_answer(partition, self._good[partition].body) for partition in partitions
        }


def _is_out_of_time(result: Result, expected: Expected) -> bool:
    """Whether a partition failed because of a time limit, and must not fail."""
    is_failed = result.status is Status.FAILED and Status.FAILED not in expected.statuses
    return is_failed and bool(_OUT_OF_TIME.search(result.error or ""))


def _log_folder(database: Path) -> Path:
    return database.parents[1] / "logs"


@contextmanager
def _environment(database: Path, publisher: FuzzPublisher) -> Iterator[None]:
    """The platform's settings for a database, and for nobody else."""
    places = {DATABASE_VARIABLE: str(database), LOG_FOLDER_VARIABLE: str(_log_folder(database))}
    former = dict(os.environ)
    os.environ.update(publisher.environment | places)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Ends what takes longer, wherever it is."""

    def end(*_: object) -> None:
        raise RoundTooLongError

    former = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
