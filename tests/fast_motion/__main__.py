"""Months of operation in fast motion: a month is published every minute, and things go wrong as they do.

Files are replaced, one publisher fails, one sends what cannot be read, a file has a new column, a run and all of
Dagster are killed, and the disk fills once. At the end every file must be loaded, the tables must be those of a clean
build, and each alert that should have come must have come once, and no other.

`python -m tests.fast_motion --months 24 --folder FOLDER` with a new folder on a small disk, such as a tmpfs of 4 GB:
the disk is filled. It takes a minute a month, what the queue needs afterwards, and ten minutes until all is told.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from sqlalchemy.exc import OperationalError

from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.fast_motion.platform import Platform, differences
from warehouse.periods import Grain, Period

SOURCES = "yellow,green,fhv,citibike"
# Its publisher cannot be asked whether a month is there, and in life always has it: it is loaded at the start.
_ALWAYS_THERE, _ARCHIVE_VARIABLE = "weather", "SOURCES__WEATHER__BASE_URL"
_MOST_BYTES = 20_000_000_000
_LONGEST_QUEUE_SECONDS = 3600
_SECONDS_BETWEEN_LOOKS = 15
# Longer than between two looks of the sensors.
_QUIET_LOOKS, _QUIET_LOOKS_UNTIL_TOLD = 8, 50


@dataclass(frozen=True)
class Expected:
    """An alert that should come: words of its headline, and how often."""

    words: str
    least: int = 1
    most: int = 1


@dataclass
class Told:
    """What was told, when."""

    path: Path
    posts: list[tuple[float, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, text: str) -> None:
        self.posts.append((time.monotonic() - self.began, text))
        with self.path.open("a") as file:
            file.write(json.dumps({"seconds": round(self.posts[-1][0]), "text": text}) + "\n")


@contextmanager
def receiving(told: Told) -> Iterator[str]:
    """A channel that takes alerts; the address of its webhook."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.add(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/webhook"
        server.shutdown()


class Motion:
    """The months, what happens in which of them, and what is expected of it."""

    def __init__(self, platform: Platform, publisher: SamplePublisher, months: list[Period], seconds: float) -> None:
        self.platform, self.publisher, self.months, self.seconds = platform, publisher, months, seconds
        self.began = time.monotonic()

    def events(self) -> dict[int, list[tuple[str, Callable[[], object]]]]:
        """What happens before a month is published, by the month's position."""
        count, planned = len(self.months), dict[int, list[tuple[str, Callable[[], object]]]]()

        def at(share: float, what: str, action: Callable[[], object]) -> None:
            planned.setdefault(max(1, round(share * count)), []).append((what, action))

        for share in (0.1, 0.35, 0.8):
            position = max(1, round(share * count)) - 1
            at(share, f"yellow {self.months[position]} is replaced", partial(self._replace, "yellow", position))
        out, back = round(0.15 * count), round(0.25 * count) + 4
        at(0.15, "Citi Bike does not answer", lambda: self._break("citibike", out, Fault.UNAVAILABLE))
        at(back / count, "Citi Bike answers again", lambda: self._mend("citibike", out))
        drift = round(0.3 * count)
        at(0.3, "yellow has a new column", lambda: self._break("yellow", drift, Fault.EXTRA_COLUMN))
        at(0.4, "a run is killed", self._kill_run)
        half = round(0.5 * count)
        at(0.5, "green sends half a file", lambda: self._break("green", half, Fault.TRUNCATED))
        at(0.65, "green sends the whole file", lambda: self._mend("green", half))
        at(0.6, "all of Dagster is killed", self._kill_dagster)
        at(0.75, "the disk fills", lambda: Thread(target=self.platform.fill_disk, args=(90,)).start())
        return planned

    def run(self) -> None:
        """Publish month after month."""
        planned = self.events()
        for position, month in enumerate(self.months):
            for what, action in planned.get(position, []):
                self.say(what)
                action()
            self.publisher.publish(month)
            free = self.platform.free_bytes() / 1e6
            self.say(f"{month} is published; {self._runs()}; {free:,.0f} MB free")
            time.sleep(max(0.0, self.began + (position + 1) * self.seconds - time.monotonic()))

    def wait_until_idle(self, looks: int) -> None:
        """Wait until nothing waits or runs, for so many looks.

        Raises:
            TimeoutError: the queue has not come to its end.
        """
        until, quiet = time.monotonic() + _LONGEST_QUEUE_SECONDS, 0
        while quiet < looks:
            if time.monotonic() > until:
                raise TimeoutError(f"the queue did not end: {self._runs()}")
            quiet = quiet + 1 if self._is_idle() else 0
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        self.say(f"nothing waits any more; {self._runs()}")

    def _is_idle(self) -> bool:
        try:
            return not self.platform.unfinished()
        except OperationalError:
            # The disk is full.
            return False

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", flush=True)

    def _runs(self) -> str:
        try:
            return "runs " + ", ".join(f"{name} {n}" for name, n in sorted(self.platform.runs_by_status().items()))
        except Exception as error:  # noqa: BLE001 - the disk may be full
            return f"runs cannot be read ({type(error).__name__})"

    def _day(self, position: int) -> date:
        return self.months[position].first_day

    def _replace(self, feed: str, position: int) -> None:
        self.publisher.replace(feed, self._day(position))

    def _break(self, feed: str, position: int, fault: Fault) -> None:
        self.publisher.break_(feed, self._day(position), fault)

    def _mend(self, feed: str, position: int) -> None:
        self.publisher.mend(feed, self._day(position))

    def _kill_run(self) -> None:
        for _ in range(60):
            if pid := self.platform.pid_of_run():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return self.say(f"killed {pid}")
            time.sleep(1)
        self.say("no run was there to kill")

    def _kill_dagster(self) -> None:
        for process in self.platform.processes.values():
            os.killpg(process.pid, signal.SIGKILL)


EXPECTED = (
    # By the calendar the feeds lack what is not published yet; and the load that fails.
    Expected("Freshness missed", 1, 2),
    Expected("Gap", 0, 2),
    Expected("Schema drift"),
    Expected("Disk nearly full"),
    # A killed build, if nothing was built since.
    Expected("Check failed", 0, 1),
    # What was lost twice, and what ran into the full disk. A run that is killed once is started again, and not told.
    Expected("^.Job .* failed", 0, 6),
    Expected("^.Over", 1, 8),
)


def judged(told: Told) -> list[str]:
    """What is wrong with the alerts."""
    texts = [text for _, text in told.posts]
    wrong = [f"told twice: {text.splitlines()[0]}" for text in sorted(set(texts)) if texts.count(text) > 1]
    for expected in EXPECTED:
        found = [text for text in texts if re.search(expected.words, text.splitlines()[0])]
        if not expected.least <= len(found) <= expected.most:
            wrong.append(f"{expected.words!r}: told {len(found)} times, not {expected.least} to {expected.most}")
    for seconds, text in told.posts:
        if not any(re.search(expected.words, text.splitlines()[0]) for expected in EXPECTED):
            wrong.append(f"not expected, at {seconds:.0f} s: {text.splitlines()[0]}")
    return wrong


def main() -> int:
    """Return 0 if all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--seconds-a-month", type=float, default=60)
    parser.add_argument("--rows", type=int, default=2000, help="rows of a month of yellow taxi")
    parser.add_argument("--folder", type=Path, required=True, help="a new folder on a small disk")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    # Until the newest month that any feed should have.
    newest = Period.of_any_grain(datetime.now(UTC).strftime("%Y-%m")).first_day
    months = [_months_before(newest, 1 + number) for number in reversed(range(arguments.months + 1))]
    told = Told(arguments.folder / "told.jsonl")
    with (
        SamplePublisher(months[0].first_day, months[0].first_day, rows=arguments.rows) as publisher,
        SamplePublisher(months[0].first_day, months[-1].first_day, rows=arguments.rows) as archive,
        receiving(told) as webhook,
    ):
        platform = Platform(
            arguments.folder,
            {
                **publisher.environment,
                _ARCHIVE_VARIABLE: archive.environment[_ARCHIVE_VARIABLE],
                "ALERT_SLACK_WEBHOOK_URL": webhook,
                "ALERT_PATIENCE_MINUTES": "1",
                "PUBLICATION_INTERVAL_SECONDS": "30",
                "PUBLICATION_MONTHS_WATCHED": str(arguments.months + 12),
            },
        )
        if platform.free_bytes() > _MOST_BYTES:
            parser.error(f"{arguments.folder}: its disk is filled, so expected a small one")
        platform.nyc("load", "--from", str(months[0]), "--to", str(months[0]), "--sources", SOURCES)
        platform.nyc("load", "--from", str(months[0]), "--to", str(months[-1]), "--sources", _ALWAYS_THERE)
        platform.nyc("build")
        platform.nyc("check", "--no-docs")
        platform.nyc("publish")
        with platform.running():
            platform.run("dagster", "sensor", "start", "publication_sensor", "-m", "orchestration")
            motion = Motion(platform, publisher, months[1:], arguments.seconds_a_month)
            told.began = motion.began
            motion.run()
            motion.say("every month is published")
            motion.wait_until_idle(_QUIET_LOOKS)
            motion.say("what was lost twice is loaded as the alerts say")
            platform.nyc("gaps", "--fill", "--sources", f"{SOURCES},{_ALWAYS_THERE}")
            for command in (["build"], ["check", "--no-docs"], ["publish"]):
                platform.nyc(*command)
            # What is over is told after ten minutes.
            motion.wait_until_idle(_QUIET_LOOKS_UNTIL_TOLD)
        motion.say("building the same from nothing")
        compared, wrong = differences(platform, str(months[0]), str(months[-1]), f"{SOURCES},{_ALWAYS_THERE}")
        motion.say(f"{compared} tables compared, {len(wrong)} differ; {platform.restarts} processes were restarted")
    for seconds, text in told.posts:
        motion.say(f"told at {seconds:.0f} s: {text.splitlines()[0]}")
    wrong += judged(told)
    for line in wrong:
        print(f"WRONG: {line}")
    return bool(wrong)


def _months_before(month: date, count: int) -> Period:
    number = month.year * 12 + month.month - 1 - count
    return Period(Grain.MONTH, datetime(number // 12, number % 12 + 1, 1))


if __name__ == "__main__":
    sys.exit(main())
