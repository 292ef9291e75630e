"""Hostile text in addresses and fields, in a real browser: nothing of it runs, and the page stays whole."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator

from portal.page import Page
from tests.portal.browser.driving import Tab
from tests.portal.browser.hostile import MEGABYTE, SQL_AND_MARKUP, STRANGE, assert_nothing_ran
from tests.portal.browser.shown import PAGES

# The names that a page reads from its address.
NAMES = {
    "overview": ["page"],
    "demand": ["from", "to", "types", "days"],
    "map": ["measure", "type", "month", "zone"],
    "weather": ["from", "to", "types", "days"],
    "candles": ["ticker", "bars", "from", "to"],
    "options": ["underlying", "from", "to", "expiry"],
    "briefing": ["date"],
    "summary": ["symbol", "from", "to"],
    "traders": ["trader", "from", "to"],
    "positions": ["day", "trader", "symbol"],
    "streams": ["stream"],
    "runs": ["workspace", "from", "to"],
    "profiles": ["user"],
    "event_files": ["feed"],
    "metrics": ["where", "by", "order", "limit", "start", "end", "saved"],
    "health": ["cell", "feed", "year"],
    "quarantine": ["example", "subject", "feed", "reason", "year"],
    "releases": ["old", "new"],
}
# With this much in the address, the explorer has a question that hostile text is added to.
ASKED = {"metrics": {"metrics": "total_trips"}}


@pytest.fixture(scope="module")
def open_tab(browser: Browser, port: int) -> Iterator[Tab]:
    """One tab for all tests: what was written before must not come to life later."""
    tab = Tab(browser, port)
    yield tab
    tab.close()


def lasting_text(tab: Tab) -> str:
    """What is written on a page, without the room on the disk, which other processes change."""
    return re.sub(r"[\d,]+ [GM]B", "", tab.main_text())


def test_the_names_of_every_page_are_tried() -> None:
    assert NAMES.keys() == {page.path for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_nothing_in_the_address_or_in_a_list_to_search_is_code(page: Page, open_tab: Tab) -> None:
    tab, asked = open_tab, ASKED.get(page.path, {})
    names = [*NAMES[page.path], "no_such_name"]
    tab.open(page.path, asked | dict.fromkeys(names, SQL_AND_MARKUP))
    assert_nothing_ran(tab)
    tab.change_address(page.path, asked)
    undisturbed = lasting_text(tab)
    for address in (
        dict.fromkeys([*names, SQL_AND_MARKUP], SQL_AND_MARKUP),
        dict.fromkeys(names, STRANGE),
        {names[0]: MEGABYTE},
    ):
        tab.change_address(page.path, asked | address)
        assert_nothing_ran(tab)
        if page.path == "metrics":
            # It says what it left out. Of an address of a megabyte Streamlit reads nothing: then nothing is asked.
            assert "Left out of the question" in tab.main_text() or "to ask for it" in tab.main_text()
        else:
            assert lasting_text(tab) == undisturbed
    tab.change_address(page.path, asked)
    _write_into_lists(tab)


def _write_into_lists(tab: Tab) -> None:
    before = tab.address
    # Not by role: an open list hides all others from those who ask by it.
    for box in tab.page.locator("[data-testid=stMain] input[role=combobox]").all():
        _write(tab, box, SQL_AND_MARKUP)
        tab.page.keyboard.press("Enter")
        tab.page.keyboard.press("Escape")
    tab.wait_until_drawn()
    assert tab.address == before
    assert_nothing_ran(tab)


@pytest.mark.parametrize("text", [SQL_AND_MARKUP, STRANGE, MEGABYTE], ids=["sql-and-markup", "strange", "megabyte"])
def test_nothing_in_a_condition_is_code(text: str, open_tab: Tab) -> None:
    tab = open_tab
    tab.open("metrics", {"metrics": "total_trips"})
    tab.page.get_by_test_id("stExpander").locator("summary").first.click()
    box = tab.page.get_by_role("textbox", name="Condition")
    _write(tab, box, text)
    tab.let_run(lambda: tab.page.keyboard.press("Control+Enter"))
    assert tab.page.get_by_test_id("stAlert").count() == 1
    assert tab.page.get_by_test_id("stDataFrame").count() == 0
    assert_nothing_ran(tab)


def _write(tab: Tab, box: Locator, text: str) -> None:
    """Write into a field as from the clipboard, in place of what is there."""
    box.focus()
    tab.page.keyboard.press("Control+A")
    tab.page.keyboard.insert_text(text)
