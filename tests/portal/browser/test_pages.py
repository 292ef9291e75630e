"""What a person sees in a browser: every page, wide and narrow, light and dark. Nobody else is asked for anything."""

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from playwright.sync_api import Browser

from portal.frame import sections
from portal.page import Page
from tests.portal.browser.driving import Scheme, Tab

PAGES = [page for section in sections() for page in section.pages]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")


@pytest.fixture(scope="module")
def tabs(browser: Browser, port: int) -> Iterator[dict[int, Tab]]:
    """A tab of a wide window, and one of a telephone's."""
    opened = {1280: Tab(browser, port), 400: Tab(browser, port, width=400)}
    yield opened
    for each in opened.values():
        each.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_is_whole_light_and_dark(page: Page, width: int, tabs: dict[int, Tab]) -> None:
    tab = tabs[width]
    tab.page.emulate_media(color_scheme="light")
    tab.open(page.path)
    backgrounds = set()
    for scheme in SCHEMES:
        tab.page.emulate_media(color_scheme=scheme)
        tab.wait_until_drawn()
        assert tab.page.locator("h1").first.inner_text() == page.title
        assert tab.faults() == []
        assert tab.too_wide() == []
        backgrounds.add(
            tab.page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
        )
        tab.screenshot(f"{page.path}-{width}-{scheme}")
    assert len(backgrounds) == 2


def test_a_request_to_another_host_would_be_noted(tab: Tab) -> None:
    tab.page.route(re.compile("elsewhere"), lambda route: route.abort())
    tab.open("releases")
    tab.page.evaluate("new Image().src = 'http://elsewhere.example/x.png'")
    tab.wait_for(lambda: "http://elsewhere.example/x.png" in tab.faults())


def test_a_map_lies_on_the_background_of_the_page(tab: Tab) -> None:
    tab.open("map")
    for scheme, background in (("light", "#ffffff"), ("dark", "#14191f")):
        tab.page.emulate_media(color_scheme=scheme)
        tab.wait_until_drawn()
        # The bottom right corner of the map is the sea.
        corner = tab.page.locator(".maplibregl-canvas")
        corner.scroll_into_view_if_needed()
        box = corner.bounding_box()
        assert box
        picture = tab.page.screenshot(
            clip={"x": box["x"] + box["width"] - 12, "y": box["y"] + box["height"] - 12, "width": 4, "height": 4}
        )
        assert to_hex(imread(BytesIO(picture))[0, 0]) == background
