"""Pages about trips and weather."""

from portal.mobility import map as map_page
from portal.page import Page, Section

SECTION = Section(
    "Mobility",
    (Page("Map", "map", "map", map_page.render),),
)
