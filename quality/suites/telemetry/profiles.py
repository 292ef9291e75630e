"""Profiles that crawlers found, by the day of their files, and what silver makes of them."""

from quality.files import between, figure, not_null, share
from quality.rejected import quarantine_suite
from quality.subject import Explanation, Quarantine
from quality.suites.telemetry.files import MOSTLY, SCHEMA, bronze, silver, staged
from warehouse.periods import Grain

_FEEDS = ("crawler_results",)
_COUNTS = ("followers", "following", "posts")

STAGED = staged(
    "stg_event_files__crawler_results",
    Grain.DAY,
    _FEEDS,
    not_null("user_name", MOSTLY),
    not_null("crawled_at", MOSTLY),
    # A field whose type the crawler changed is missing from then on.
    *(not_null(count, 0.5, severity="warn") for count in _COUNTS),
)

BRONZE = bronze("bronze_crawler_results", Grain.DAY, _FEEDS)

SILVER = silver(
    "silver_crawler_results",
    Grain.DAY,
    _FEEDS,
    figure(
        "user_and_day_unique",
        "count(*) - count(distinct (user_name, crawl_date))",
        high=0,
        why="Users that a day's files have twice for a crawl date.",
    ),
    between("completeness", 0, 1),
    share(
        "counts_not_negative",
        " and ".join(f"coalesce({count}, 0) >= 0" for count in _COUNTS),
        mostly=1,
        why="Followers and posts are counted.",
    ),
    share("day_is_that_of_the_crawl", "crawl_date = crawled_at::date", mostly=1, why="Days are of UTC."),
)

QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_profiles",
    Grain.DAY,
    shown={"user": "identifier", "crawled (UTC)": "event_time", "file": "file_name", "line": "line_number"},
    tolerance=1 - MOSTLY,
    explanations=(Explanation(_FEEDS[0], "superseded", "a later profile of the user and day"),),
)

SUITES = (STAGED, BRONZE, SILVER, quarantine_suite(QUARANTINE, _FEEDS, warns_of_explained=False))
