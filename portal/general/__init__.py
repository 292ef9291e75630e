"""The pages that are of no subject."""

from portal.general import overview, releases
from portal.page import Page, Section

COMMON = (
    Section("", (Page("Overview", "overview", "home", overview.render),)),
    Section("Everything", (Page("Releases", "releases", "inventory_2", releases.render),)),
)
