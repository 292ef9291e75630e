"""What a person who stays for long, or leaves, makes the server keep."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.portal_client import Person
from benchmarks.portal_server import PortalServer
from tests.portal.conftest import Sample
from warehouse.paths import DATABASE_VARIABLE

# Of a kind that each asks something else: days that a chart is of, modes, metrics, and a zone that trips go from.
_ADDRESSES = (
    ("demand", "from=2025-02&to=2025-03&types=citibike"),
    ("map", "zone={number}"),
    ("metrics", "metrics=total_trips&by=trip__trip_type&start=2025-02-{day:02}"),
    ("weather", "days=working"),
    ("health", "feed=fhv"),
)


@dataclass(frozen=True)
class Portal:
    """A portal that is up, and the folder of the releases that it shows."""

    server: PortalServer
    releases: Path

    def open_of_releases(self) -> list[str]:
        return [path for path in self.server.open_files() if path.startswith(str(self.releases))]


@pytest.fixture(scope="module")
def _up(_sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    logs = tmp_path_factory.mktemp("logs")
    with PortalServer({DATABASE_VARIABLE: str(_sample.database)}, logs) as server:
        yield Portal(server, _sample.releases().folder)


@pytest.fixture
def portal(_up: Portal) -> Portal:
    """The portal, after all who were here have left."""
    asyncio.run(_until(lambda: not _up.open_of_releases()))
    return _up


def test_what_a_person_had_open_is_let_go_when_they_leave(portal: Portal) -> None:
    asyncio.run(_stay_and_leave(portal))


async def _stay_and_leave(portal: Portal) -> None:
    server = portal.server
    async with Person(server.port) as first, Person(server.port) as second:
        assert (await first.visit("demand")).title == "Demand"
        assert (await second.visit("releases")).title == "Releases"
        with pytest.raises(RuntimeError, match="no such page"):
            await second.visit("nowhere")
        assert portal.open_of_releases()
    await _until(lambda: not portal.open_of_releases())

    # Whoever comes to it later opens it anew.
    async with Person(server.port) as again:
        assert (await again.visit("map")).title == "Map"
    await _until(lambda: not portal.open_of_releases())
    assert not server.failures()


def test_a_browser_that_was_away_for_a_moment_finds_its_session_again(portal: Portal) -> None:
    asyncio.run(_come_back(portal.server))


async def _come_back(server: PortalServer) -> None:
    async with Person(server.port) as person:
        await person.visit("demand")
        session = person.session
    async with Person(server.port, session=session) as back:
        assert (await back.visit("demand")).title == "Demand"
        assert back.session == session
    assert not server.failures()


def test_many_pages_take_no_more_files_than_few(portal: Portal) -> None:
    asyncio.run(_look_at_many(portal.server))


async def _look_at_many(server: PortalServer) -> None:
    async with Person(server.port) as person:
        files = []
        for number in range(5):
            for page, query in _ADDRESSES:
                visit = await person.visit(page, query.format(number=number + 1, day=number + 1))
                assert visit.elements
            files.append(len(server.open_files()))
    assert max(files[1:]) <= files[0]
    assert not server.failures()


async def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
