"""What a person sees in a browser of telemetry that is hostile, wide and narrow."""

from collections.abc import Callable

import pytest

from portal.page import Page
from tests.portal.browser.driving import Tab
from tests.portal.browser.hostile import assert_nothing_ran
from tests.portal.browser.shown import NARROW, PAGES, WIDE
from tests.portal.telemetry.conftest import HOSTILE


@pytest.mark.parametrize(("path", "name"), [("runs", "workspace"), ("profiles", "user")])
def test_a_hostile_name_is_shown_as_text_and_fits(path: str, name: str, tab_of: Callable[[Page, int], Tab]) -> None:
    page = next(page for page in PAGES if page.path == path)
    for width in (WIDE, NARROW):
        tab = tab_of(page, width)
        tab.open(path, {name: HOSTILE})

        assert HOSTILE[:20] in tab.main_text()
        assert tab.too_wide() == []
        assert_nothing_ran(tab)
        tab.screenshot(f"hostile-{path}-{width}")
