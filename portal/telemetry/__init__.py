"""Pages about runs of pipelines, profiles that crawlers found, and the files that both were read from."""

from portal.page import Page, Section
from portal.telemetry import event_files, profiles, runs
from portal.telemetry.overview import overview
from portal.telemetry.words import COLOURS, LOAD, METRICS, PROFILES, STATUSES

SECTION = Section(
    "Telemetry",
    (
        Page("Runs", "runs", "timeline", runs.render, {METRICS: LOAD}),
        Page("Profiles", "profiles", "person_search", profiles.render, {PROFILES: LOAD}),
        Page("Event files", "event_files", "draft", event_files.render),
    ),
    overview,
    names=STATUSES,
    colours={name: COLOURS[name] for name in STATUSES.values()},
)
