"""What a person sees in a browser: every page, wide and narrow, light and dark. Nobody else is asked for anything."""

import re
from collections.abc import Callable
from functools import partial
from io import BytesIO

import duckdb
import pytest
import shapely
from matplotlib.colors import to_hex
from matplotlib.image import imread

from portal.page import Page
from portal.texts import short
from tests.portal.browser.driving import Scheme, Tab
from tests.portal.browser.hostile import assert_nothing_ran
from tests.portal.browser.shown import ADDRESSES, NARROW, PAGES, SHOWN, WIDE

SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")

# The background of a page, as CSS has it.
BACKGROUNDS: dict[Scheme, str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 25, 31)"}

_HAS_BACKGROUND = """wanted => {
    const app = document.querySelector("[data-testid=stApp]");
    return app && getComputedStyle(app).backgroundColor === wanted;
}"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_is_whole_light_and_dark_wide_and_narrow(page: Page, tab_of: Callable[[Page, int], Tab]) -> None:
    tab = tab_of(page, WIDE)
    # By its address from nowhere, each page is opened in `test_hostile_input.py`.
    tab.visit(page.path, ADDRESSES.get(page.path))
    for scheme in SCHEMES:
        _change_to(tab, scheme)
        _assert_whole(tab, page, f"wide-{scheme}")

    tab = tab_of(page, NARROW)
    tab.visit(page.path, ADDRESSES.get(page.path))
    _change_to(tab, "dark")
    _assert_whole(tab, page, "narrow-dark")


def _change_to(tab: Tab, scheme: Scheme) -> None:
    tab.page.emulate_media(color_scheme=scheme)
    # The colours change a moment after the scheme.
    tab.page.wait_for_function(_HAS_BACKGROUND, arg=BACKGROUNDS[scheme], timeout=60_000, polling=50)
    tab.wait_until_drawn()


def _assert_whole(tab: Tab, page: Page, name: str) -> None:
    assert tab.page.locator("h1").first.inner_text() == page.title
    for words in SHOWN.get(page.path, ()):
        assert words in tab.main_text()
    assert tab.too_wide() == []
    assert_nothing_ran(tab)
    tab.screenshot(f"{page.path}-{name}")


def test_a_request_to_another_host_would_be_noted(tab: Tab) -> None:
    tab.page.route(re.compile("elsewhere"), lambda route: route.abort())
    tab.open("releases")
    tab.page.evaluate("new Image().src = 'http://elsewhere.example/x.png'")
    tab.wait_for(lambda: "http://elsewhere.example/x.png" in tab.faults())


def test_a_map_lies_on_the_background_of_the_page(tab: Tab) -> None:
    for scheme, background in zip(SCHEMES, ("#ffffff", "#14191f"), strict=True):
        tab.page.emulate_media(color_scheme=scheme)
        tab.open("map")
        # The bottom right corner of the map is the sea.
        corner = tab.page.locator(".maplibregl-canvas")
        corner.scroll_into_view_if_needed()
        box = corner.bounding_box()
        assert box
        picture = tab.page.screenshot(
            clip={"x": box["x"] + box["width"] - 12, "y": box["y"] + box["height"] - 12, "width": 4, "height": 4}
        )
        assert to_hex(imread(BytesIO(picture))[0, 0]) == background


def test_the_keyboard_alone_is_enough(tab: Tab, connection: duckdb.DuckDBPyConnection) -> None:
    keyboard = tab.page.keyboard
    tab.open("overview")
    _press_tab_until(tab, "a[href$='/demand']")
    tab.let_run(lambda: keyboard.press("Enter"))
    assert tab.page.locator("h1").inner_text() == "Demand"

    _press_tab_until(tab, "input[aria-label=To]")
    keyboard.press("Control+A")
    keyboard.type("2025-02")
    tab.let_run(lambda: keyboard.press("Enter"))
    assert tab.address == {"to": "2025-02"}
    in_february = connection.execute(
        "select count(*) from core_core.fct_trips where pickup_date between date '2025-02-01' and date '2025-02-28'"
    ).fetchone()
    assert in_february
    assert tab.page.locator("[data-testid=stMetricValue]").first.inner_text() == short(in_february[0])
    assert tab.faults() == []


def _press_tab_until(tab: Tab, selector: str) -> None:
    for _ in range(50):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the key Tab does not lead to {selector}")


def test_a_click_on_a_zone_shows_where_its_trips_go(tab: Tab, connection: duckdb.DuckDBPyConnection) -> None:
    (zone_id, zone, borough, shape), *_ = connection.execute(
        """
        select shapes.location_id, zones.zone_name, zones.borough, geojson from core_core.dim_zone_shape as shapes
        inner join core_core.dim_location as zones on shapes.location_id = zones.location_id
        inner join core_core.fct_trips as trips on trips.pickup_location_id = shapes.location_id
        where pickup_date >= date '2025-03-01' group by all order by count(*) desc, 1
        """
    ).fetchall()
    ((most,),) = connection.execute(
        """
        select count(*) from core_core.fct_trips as trips
        inner join core_core.dim_location as zones on trips.dropoff_location_id = zones.location_id
        where pickup_location_id = $zone and pickup_date between date '2025-03-01' and date '2025-03-31'
            and is_known_zone
        group by shape_location_id order by 1 desc limit 1
        """,
        {"zone": zone_id},
    ).fetchall()
    tab.open("map")
    assert "Pickups by zone" in tab.text()
    inside = shapely.from_geojson(shape).representative_point()
    tab.let_run(lambda: _click_on_map(tab, inside.x, inside.y))

    assert tab.address == {"zone": f"{zone}, {borough}"}
    assert f"Where trips from {zone} go" in tab.text()
    tab.wait_for(lambda: tab.cells()[1] == str(most))
    tab.screenshot("map-of-a-zone")
    assert tab.faults() == []


def _click_on_map(tab: Tab, longitude: float, latitude: float) -> None:
    tab.page.locator(".maplibregl-canvas").scroll_into_view_if_needed()
    across, down = tab.page.locator(".js-plotly-plot").evaluate(
        """(chart, place) => {
            const map = chart._fullLayout.map._subplot.map
            const {x, y} = map.getCanvas().getBoundingClientRect()
            const within = map.project(place)
            return [x + within.x, y + within.y]
        }""",
        [longitude, latitude],
    )
    # As a person does: first the map says what the pointer is on.
    tab.page.mouse.move(across - 1, down)
    tab.page.mouse.move(across, down)
    tab.page.locator(".hoverlayer .hovertext").wait_for()
    tab.page.mouse.click(across, down)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ("missing", ("Due since", "days after it ended, and not loaded", "nyc load --")),
        ("loaded", ("rows of load", "from http://127.0.0.1")),
    ],
)
def test_a_click_on_a_cell_of_the_gap_grid_says_why(tab: Tab, look: str, said: tuple[str, ...]) -> None:
    tab.open("health")
    cells: list[list[str]] = tab.page.locator(".js-plotly-plot").evaluate("({data}) => data[1].customdata")
    # The last of them, which is not chosen beforehand.
    number, (name, *_) = max(
        (number, cell) for number, cell in enumerate(cells) if cell[1] == look and cell[0].startswith("yellow:")
    )
    place = tab.page.locator(".scatterlayer .point").nth(number)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.let_run(partial(tab.page.mouse.click, x, y))

    tab.wait_for(lambda: tab.address == {"cell": name})
    for words in (f"{name.replace(':', ' ')}: {look}", *said):
        tab.wait_for(lambda words=words: words in tab.text())  # type: ignore[misc]
    tab.screenshot(f"gap-{look}")
    assert tab.faults() == []


def test_a_question_of_the_explorer_is_in_the_address_and_stays(
    tab: Tab, connection: duckdb.DuckDBPyConnection
) -> None:
    tab.open("metrics")
    for label, text, address in (
        ("Metrics", "Trips · ", {"metrics": "total_trips"}),
        ("Group by", "trip type", {"metrics": "total_trips", "by": "trip__trip_type"}),
    ):
        tab.page.get_by_role("combobox", name=label, exact=True).focus()
        tab.page.keyboard.type(text)
        tab.let_run(lambda: tab.page.keyboard.press("Enter"))
        tab.page.keyboard.press("Escape")
        assert tab.address == address
    expected = connection.execute(
        "select trip_type, count(*) from core_core.fct_trips group by all order by 1"
    ).fetchall()
    tab.wait_for(lambda: tab.cells() == [str(value) for row in expected for value in row])
    tab.page.get_by_role("tab", name="Command").click()
    assert "nyc query total_trips --by=trip__trip_type" in tab.text()

    tab.page.reload()
    tab.wait_until_drawn()
    assert tab.address == {"metrics": "total_trips", "by": "trip__trip_type"}
    tab.wait_for(lambda: tab.cells() == [str(value) for row in expected for value in row])
    tab.screenshot("explorer")
    assert tab.faults() == []
