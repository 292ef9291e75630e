"""How long each page of the portal takes when several people look at once, and how much memory its server has.

`python -m benchmarks.portal [--trips 32000000] [--sessions 5] [--rounds 3]` measures the real server on a release of so
many trips, or with `--days 20 [--bars 1600000]` of so many trading days with so many minute bars each, twice:
with nothing beside it, and while `dbt build --full-refresh` and `nyc publish` run on it. All sessions ask
at the same moment. A page is there when all of its elements have arrived.

- cold: the first visit of all to a server that has just said it is ready, a new server for each page
- warm: on a server that has shown all pages, each session going through all of them, each beginning at another
- other filters: on a warm server, addresses that nobody has asked for, each in a new session

A browser, if there is one, says how long one person waits until a page is drawn, with nobody else there. Then one
person looks at 200 pages with ever other filters: what the server has after half of them, at the end, and after all
have left.

The pages are those of the portal's menu. The warehouse is made once and kept below `data/benchmark`.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, sentence
from benchmarks.portal_addresses import Addresses, addresses_of
from benchmarks.portal_browser import find_chromium, seconds_until_drawn
from benchmarks.portal_client import Person, PortalPage, Visit
from benchmarks.portal_server import PortalServer
from benchmarks.portal_warehouse import Warehouse
from benchmarks.processes import BenchmarkError
from benchmarks.samples import FOLDER
from warehouse.terminal import quiet_on_broken_pipe

COLD, WARM, OTHER = "cold", "warm", "other filters"
_GOALS = {COLD: 4.0, WARM: 2.0, OTHER: 2.0}
_MEMORY_GOAL_MB = 500

_MANY_VISITS = 200
_SECONDS_TO_LEAVE = 5

_ALONE, _BESIDE = "alone", "beside dbt build --full-refresh and nyc publish"


@dataclass
class Figures:
    """What was measured in one surrounding: visits by page and by kind, and what the servers took.

    `drawn` is how long a page takes in one browser on a warm server, with nobody else there. `kept` is the MB of memory
    and the files of releases that a server had, by when.
    """

    visits: dict[tuple[str, str], list[Visit]] = field(default_factory=dict)
    pages: list[PortalPage] = field(default_factory=list)
    peak_mb: float = 0
    start_seconds: list[float] = field(default_factory=list)
    cpu: dict[tuple[str, str], float] = field(default_factory=dict)
    load: float = 0
    drawn: dict[str, float] = field(default_factory=dict)
    kept: dict[str, tuple[float, int]] = field(default_factory=dict)

    def keep(self, page: str, kind: str, visits: Sequence[Visit]) -> None:
        """Add visits to a page."""
        self.visits.setdefault((page, kind), []).extend(visits)

    def seconds(self, page: str, kind: str) -> list[float]:
        """How long the visits to a page took."""
        return [visit.seconds for visit in self.visits.get((page, kind), ())]


@contextmanager
def _building(warehouse: Warehouse) -> Iterator[None]:
    """Build and publish again and again beside what is in the `with` block. Waits for the last publication."""
    ended = threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        try:
            while not ended.is_set():
                warehouse.build()
        except (BenchmarkError, OSError, subprocess.SubprocessError) as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="builds")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failed:
        raise failed[0]


async def _all_at_once(port: int, sessions: int, addresses: Sequence[tuple[str, str]]) -> list[Visit]:
    """New sessions that ask at the same moment; each takes the next of the addresses."""
    people = [Person(port) for _ in range(sessions)]
    for person in people:
        await person.__aenter__()
    asked = [addresses[number % len(addresses)] for number in range(sessions)]
    try:
        return list(await asyncio.gather(*(one.visit(*address) for one, address in zip(people, asked, strict=True))))
    finally:
        await asyncio.gather(*(person.__aexit__(None, None, None) for person in people))


async def _walk(port: int, sessions: int, rounds: int, figures: Figures) -> None:
    """Sessions that go through all pages, each beginning at another; the first round is not measured."""

    async def walk(number: int) -> None:
        async with Person(port) as person:
            await person.visit("")
            for round_ in range(rounds + 1):
                for step in range(len(figures.pages)):
                    page = figures.pages[(step + number) % len(figures.pages)]
                    visit = await person.visit(page.path)
                    if round_:
                        figures.keep(page.title, WARM, [visit])

    await asyncio.gather(*(walk(number) for number in range(sessions)))


async def _ask_others(server: PortalServer, addresses: Addresses, sessions: int, rounds: int, figures: Figures) -> None:
    """Addresses that differ from one visit to the next, page by page, all sessions at once."""
    for page in figures.pages:
        asked, before = 0, server.cpu()
        for _ in range(rounds):
            queries = [addresses.of(page.path, asked + number) for number in range(sessions)]
            found = [(page.path, query) for query in queries if query is not None]
            if not found:
                break
            asked += len(found)
            figures.keep(page.title, OTHER, await _all_at_once(server.port, sessions, found))
        figures.cpu[page.title, OTHER] = (server.cpu() - before) / max(asked, 1)


async def _stay(server: PortalServer, warehouse: Warehouse, addresses: Addresses, figures: Figures) -> None:
    """One person who looks at many pages, and then leaves."""

    def keep(when: str) -> None:
        files = [path for path in server.open_files() if path.startswith(str(warehouse.published))]
        figures.kept[when] = (server.memory_mb(), len(files))

    pages = addresses.pages()
    async with Person(server.port) as person:
        for number in range(_MANY_VISITS):
            page, form = pages[number % len(pages)]
            of_page = len(addresses.forms[page])
            await person.visit(page, addresses.of(page, form + of_page * (number // len(pages))) or "")
            if number + 1 in (_MANY_VISITS // 2, _MANY_VISITS):
                keep(f"after {number + 1} visits of one person")
    await asyncio.sleep(_SECONDS_TO_LEAVE)
    keep("after all have left")


async def _pages(port: int) -> list[PortalPage]:
    async with Person(port) as person:
        await person.visit("")
        return list(person.pages)


def _measure(warehouse: Warehouse, sessions: int, rounds: int, say: Console) -> Figures:
    figures = Figures()
    with _serving(warehouse, figures) as server:
        figures.pages = asyncio.run(_pages(server.port))
    for page in figures.pages:
        with _serving(warehouse, figures) as server:
            before = server.cpu()
            visits = asyncio.run(_all_at_once(server.port, sessions, [(page.path, "")]))
            figures.cpu[page.title, COLD] = server.cpu() - before
        figures.keep(page.title, COLD, visits)
        say.print(f"  {page.title}, cold: {max(visit.seconds for visit in visits):.2f} s", style="dim")
    with _serving(warehouse, figures) as server:
        before = server.cpu()
        asyncio.run(_walk(server.port, sessions, rounds, figures))
        figures.cpu["", WARM] = (server.cpu() - before) / (sessions * (rounds + 1) * len(figures.pages))
        addresses = addresses_of(warehouse.releases)
        asyncio.run(_ask_others(server, addresses, sessions, rounds, figures))
        if chromium := find_chromium():
            paths = [page.path for page in figures.pages]
            drawn = seconds_until_drawn(chromium, server.port, paths)
            figures.drawn = dict(zip((page.title for page in figures.pages), drawn, strict=True))
        asyncio.run(_stay(server, warehouse, addresses, figures))
    figures.load = psutil.getloadavg()[0]
    return figures


@contextmanager
def _serving(warehouse: Warehouse, figures: Figures) -> Iterator[PortalServer]:
    with PortalServer(warehouse.settings(), warehouse.folder / "logs") as server:
        yield server
        if failures := server.failures():
            raise BenchmarkError(f"expected every page to be shown, but the portal's log has:\n{failures[:3000]}")
    figures.start_seconds.append(server.seconds_to_start)
    figures.peak_mb = max(figures.peak_mb, server.peak_mb)


def table_of(title: str, figures: Figures) -> Table:
    """A row a page: the median and the most of each kind of visit, and what a first visit was sent.

    CPU seconds are the server's: of all first visits together, and of one with other filters.
    """
    table = Table("page", title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for heading in (*(f"{kind} s" for kind in _GOALS), "in a browser s", "cold CPU s", "other CPU s", "MB", "elements"):
        table.add_column(heading, justify="right")
    for page in figures.pages:
        cells = []
        for kind in _GOALS:
            seconds = figures.seconds(page.title, kind)
            cells.append(f"{median(seconds):.2f} ({max(seconds):.2f})" if seconds else "")
        first = figures.visits[page.title, COLD][0]
        cpu = [f"{figures.cpu[page.title, kind]:.2f}" for kind in (COLD, OTHER)]
        drawn = f"{figures.drawn[page.title]:.2f}" if page.title in figures.drawn else ""
        table.add_row(page.title, *cells, drawn, *cpu, f"{first.megabytes:.2f}", f"{first.elements}")
    return table


def conclusions(figures: Figures) -> list[str]:
    """Whether the goals are met by the slowest visit of all, and what the server took and kept."""
    lines = []
    for kind, goal in _GOALS.items():
        longest, page = max((max(figures.seconds(page.title, kind), default=0), page.title) for page in figures.pages)
        lines.append(
            f"{kind}: at most {longest:.2f} s ({page}); goal {goal:g} s {'met' if longest < goal else 'missed'}"
            if longest
            else f"{kind}: not measured"
        )
    verdict = "met" if figures.peak_mb < _MEMORY_GOAL_MB else "missed"
    lines.append(f"memory of the server: at most {figures.peak_mb:,.0f} MB; goal {_MEMORY_GOAL_MB} MB {verdict}")
    lines += [f"{when}: {megabytes:,.0f} MB, {files} files open" for when, (megabytes, files) in figures.kept.items()]
    return [
        *lines,
        f"warm: {figures.cpu['', WARM]:.2f} CPU s a visit",
        f"ready after {median(figures.start_seconds):.1f} s; load at the end {figures.load:.1f}",
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portal", description=__doc__)
    parser.add_argument("--trips", type=int, default=32_000_000, help="trips in all (default: %(default)s)")
    parser.add_argument("--days", type=int, default=0, help="trading days, in place of trips")
    parser.add_argument("--bars", type=int, default=1_600_000, help="minute bars of a day (default: %(default)s)")
    parser.add_argument("--sessions", type=int, default=5, help="people at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="warm visits of each to each page (default: %(default)s)")
    parser.add_argument("--memory-limit", default="4GB", help="DuckDB's, of dbt (default: %(default)s)")
    parser.add_argument(
        "--warehouse",
        type=Path,
        metavar="FOLDER",
        help="use this warehouse, or make it (default: below data/benchmark)",
    )
    parser.add_argument("--alone", action="store_true", help="do not measure beside builds and publications")
    return parser.parse_args(arguments)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table for each surrounding and whether goals are met."""
    options = _options(arguments)
    say, console = Console(stderr=True, highlight=False), Console(highlight=False)
    console = Console(width=max(console.width, 120), highlight=False)
    size = f"days-{options.days}-{options.bars}" if options.days else str(options.trips)
    folder = (options.warehouse or FOLDER / f"portal-{size}").resolve()
    warehouse = Warehouse(folder, options.memory_limit)
    rows, kind = (options.days * options.bars, "minute bars") if options.days else (options.trips, "trips")
    about = sentence(describe(rows, options.rounds, options.memory_limit), kind)
    try:
        if not folder.exists():
            say.print(f"making {folder}", style="dim")
            warehouse.make(options.trips, options.days, options.bars)
        for surrounding in (_ALONE,) if options.alone else (_ALONE, _BESIDE):
            say.print(surrounding, style="dim")
            with _building(warehouse) if surrounding == _BESIDE else tempfile.TemporaryDirectory():
                figures = _measure(warehouse, options.sessions, options.rounds, say)
            console.print(table_of(f"{options.sessions} sessions at once, {surrounding}", figures))
            console.print("\n".join(["", *conclusions(figures), ""]))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    console.print(about, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
