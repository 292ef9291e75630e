"""A browser, and a portal of each subject's sample, once for all tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from portal.page import Page
from tests.folders import Shared
from tests.portal.browser.driving import PATIENCE_MILLISECONDS, Tab, chromium
from tests.portal.browser.shown import NARROW, PORT_OF
from tests.portal.conftest import Sample
from tests.portal.markets.conftest import _days, settings_of
from tests.portal.serving import portal_up
from tests.portal.telemetry.conftest import _day, settings
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE

__all__ = ["_day", "_days"]


_shared = Shared(__file__)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Close the browser after the last test of this folder: while Playwright runs, no other can run an event loop."""
    _shared.end_after(nextitem)


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Chromium."""
    path = chromium()
    playwright = _shared.enter_context(sync_playwright())
    opened = playwright.chromium.launch(executable_path=path, timeout=PATIENCE_MILLISECONDS)
    _shared.callback(opened.close)
    return opened


@pytest.fixture(scope="session")
def port(_sample: Sample, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The port of a portal on the sample."""
    logs = tmp_path_factory.mktemp("logs")
    settings = {DATABASE_VARIABLE: str(_sample.database), LOG_FOLDER_VARIABLE: str(logs)}
    return _shared.enter_context(portal_up(settings))


@pytest.fixture(scope="session")
def port_of_markets(_days: Path, browser: Browser) -> int:
    """The port of a portal on six days of markets."""
    return _shared.enter_context(portal_up(settings_of(_days)))


@pytest.fixture(scope="session")
def port_of_telemetry(_day: Path, browser: Browser) -> int:
    """The port of a portal on a day of telemetry."""
    return _shared.enter_context(portal_up(settings(_day)))


@pytest.fixture
def tab(browser: Browser, port: int) -> Iterator[Tab]:
    """A new tab, of a person who was never here before."""
    opened = Tab(browser, port)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def tab_of(browser: Browser, request: pytest.FixtureRequest) -> Callable[[Page, int], Tab]:
    """Gives a tab of a width that looks at the portal with what a page shows: always the same one.

    It is dark where it is as narrow as a telephone.
    """
    opened: dict[tuple[str, int], Tab] = {}

    def of(page: Page, width: int) -> Tab:
        key = PORT_OF[page.path], width
        if key not in opened:
            port = request.getfixturevalue(PORT_OF[page.path])
            opened[key] = Tab(browser, port, width=width, scheme="dark" if width == NARROW else "light")
            _shared.callback(opened[key].close)
        return opened[key]

    return of
