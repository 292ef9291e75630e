"""What a person sees of markets in a browser: each page wide and narrow, with what is typed into the address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.markets import SECTION
from portal.page import Page
from tests.portal.browser.conftest import browser  # noqa: F401 - a fixture
from tests.portal.browser.driving import Tab
from tests.portal.markets.conftest import _settings
from tests.portal.serving import portal_up

DAY = "2025-03-12"

# What a page has to show, by its path.
SHOWN = {
    "candles": ("by minute", "New York time"),
    "summary": ("Gainers and losers", "by value traded"),
    "traders": ("Ranking", "Realised PnL in USD"),
    "positions": ("Unrealised PnL by trader", "At average cost"),
    "options": ("Largest changes",),
    "briefing": ("In short", "Movers"),
    "streams": ("Partitions", "Rejected by reason"),
}
MINUTES = {"candles": {"ticker": "SPY", "bars": "Minutes", "from": DAY, "to": DAY}}


@pytest.fixture(scope="module")
def port(_days: Path, browser: Browser) -> Iterator[int]:  # noqa: F811 - the fixture
    """The port of a portal on the six days."""
    with portal_up(_settings(_days)) as port:
        yield port


@pytest.fixture(scope="module", params=[1280, 400])
def tab(request: pytest.FixtureRequest, browser: Browser, port: int) -> Iterator[Tab]:  # noqa: F811 - the fixture
    """A tab of a wide window, or of a telephone's."""
    opened = Tab(browser, port, width=request.param)
    yield opened
    opened.close()


@pytest.mark.parametrize("page", SECTION.pages, ids=lambda page: page.path)
def test_a_page_is_whole(page: Page, tab: Tab) -> None:
    tab.open(page.path, MINUTES.get(page.path))

    assert tab.page.locator("h1").first.inner_text() == page.title
    for words in SHOWN[page.path]:
        assert words in tab.main_text()
    assert tab.faults() == []
    assert tab.too_wide() == []
    tab.screenshot(f"markets-{page.path}-{tab.page.viewport_size['width']}")  # type: ignore[index]


def test_markup_for_a_ticker_is_said_and_not_run(tab: Tab) -> None:
    typed = "<img src=x onerror=alert(1)>[x](javascript:alert(1))'; drop table t; --"
    tab.open("candles", {"ticker": typed, "to": "2025-03-08"})

    said = tab.page.get_by_test_id("stAlert").inner_text()
    assert f"Ticker: {typed[:60]}… is none of the tickers loaded. This is AAPL." in said
    assert f"To: 2025-03-08 is none of the trading days loaded. This is {DAY}." in said
    assert tab.address == {}
    assert tab.page.locator("[onerror], main a[href^='javascript:']").count() == 0
    assert tab.faults() == []


def test_a_choice_is_in_the_address_and_stays(tab: Tab) -> None:
    tab.open("candles")
    tab.page.evaluate("() => document.querySelectorAll('details.fold').forEach(one => one.open = true)")
    box = tab.page.get_by_role("combobox", name="Ticker", exact=True)
    box.focus()
    tab.page.keyboard.type("NVDA")
    tab.let_run(lambda: tab.page.keyboard.press("Enter"))

    assert tab.address == {"ticker": "NVDA"}
    tab.page.reload()
    tab.wait_until_drawn()
    assert "NVDA by day" in tab.main_text()
    assert "NVIDIA" in tab.main_text()
    assert tab.faults() == []
