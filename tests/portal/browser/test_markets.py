"""What a person asks of markets in a browser, by the address and by a list."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.portal.browser.driving import Tab
from tests.portal.browser.shown import DAY, NARROW


@pytest.fixture
def tab(browser: Browser, port_of_markets: int) -> Iterator[Tab]:
    """A new tab."""
    opened = Tab(browser, port_of_markets)
    yield opened
    opened.close()


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
    tab.page.set_viewport_size({"width": NARROW, "height": 900})
    tab.open("candles")
    # Where it is narrow, filters are behind a line.
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
