"""The pages that are of no subject: those before the subjects' pages in the menu, and those after."""

from portal.general import health, metrics, overview, quarantine, releases
from portal.page import Page, Section

BEFORE_SUBJECTS = (Section("", (Page("Overview", "overview", "home", overview.render),)),)

AFTER_SUBJECTS = (
    # In this order: Metrics, Health, Quarantine, Releases.
    Section(
        "All subjects",
        (
            Page("Metrics", "metrics", "query_stats", metrics.render),
            Page("Health", "health", "monitor_heart", health.render),
            Page("Quarantine", "quarantine", "rule", quarantine.render),
            Page("Releases", "releases", "inventory_2", releases.render),
        ),
    ),
)
