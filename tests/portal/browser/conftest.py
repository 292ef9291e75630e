"""A browser, and a portal on the sample, once for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.portal.browser.driving import PATIENCE_MILLISECONDS, Tab, chromium
from tests.portal.conftest import Sample
from tests.portal.serving import portal_up
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for the whole session: while Playwright runs, no other test can run an event loop."""
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, timeout=PATIENCE_MILLISECONDS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the portal's logs."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def port(_sample: Sample, browser: Browser, logs: Path) -> Iterator[int]:
    """The port of a portal on the sample."""
    environment = {DATABASE_VARIABLE: str(_sample.database), LOG_FOLDER_VARIABLE: str(logs)}
    with portal_up(environment) as port:
        yield port


@pytest.fixture
def tab(browser: Browser, port: int) -> Iterator[Tab]:
    """A new tab, of a person who was never here before."""
    opened = Tab(browser, port)
    yield opened
    opened.close()
