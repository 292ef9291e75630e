"""What a person sees of telemetry in a browser: each page wide and narrow, light and dark, with hostile files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.telemetry import SECTION
from tests.portal.browser.conftest import browser  # noqa: F401 - a fixture
from tests.portal.browser.driving import Tab
from tests.portal.browser.test_hostile_input import assert_nothing_ran
from tests.portal.serving import portal_up
from tests.portal.telemetry.conftest import HOSTILE, settings

# What a page has to show, by its path, and addresses of what is hostile.
SHOWN = {
    "runs": ("Success rate", "Runs by day", "By pipeline", "Latest failed runs"),
    "profiles": ("Influence and engagement", "Followers over time"),
    "event_files": ("Incomplete and broken files", "By hour and day"),
}
PAGES = [page.path for page in SECTION.pages]
ASKED = [*((path, {}) for path in PAGES), ("runs", {"workspace": HOSTILE}), ("profiles", {"user": HOSTILE})]


@pytest.fixture(scope="module")
def port(_day: Path, browser: Browser) -> Iterator[int]:  # noqa: F811 - the fixture
    """The port of a portal on the day."""
    with portal_up(settings(_day)) as port:
        yield port


@pytest.fixture(scope="module", params=[1280, 400])
def tab(request: pytest.FixtureRequest, browser: Browser, port: int) -> Iterator[Tab]:  # noqa: F811 - the fixture
    """A tab of a wide window, or of a telephone's."""
    opened = Tab(browser, port, width=request.param, scheme="light" if request.param == 1280 else "dark")
    yield opened
    opened.close()


@pytest.mark.parametrize(("path", "address"), ASKED, ids=lambda value: value if isinstance(value, str) else len(value))
def test_a_page_is_whole(path: str, address: dict[str, str], tab: Tab) -> None:
    tab.open(path, address)

    for words in SHOWN[path]:
        assert words in tab.main_text()
    if address:
        assert HOSTILE[:20] in tab.main_text()
    assert tab.too_wide() == []
    assert_nothing_ran(tab)
    tab.screenshot(f"telemetry-{path}-{len(address)}-{tab.page.viewport_size['width']}")  # type: ignore[index]
