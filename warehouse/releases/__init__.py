"""Releases: what readers read. Each is a folder that never changes; one link names the current one.

`nyc publish` makes them (`warehouse/publishing`). Loads and builds never touch them, so a reader never waits.
"""

from warehouse.releases.reading import (
    NothingPublishedError,
    Source,
    current_release,
    naming_damage,
    open_for_readers,
    open_release,
    source_for_readers,
)
from warehouse.releases.release import Part, Release, ReleaseTable
from warehouse.releases.store import ReleaseError, Releases

__all__ = [
    "NothingPublishedError",
    "Part",
    "Release",
    "ReleaseError",
    "ReleaseTable",
    "Releases",
    "Source",
    "current_release",
    "naming_damage",
    "open_for_readers",
    "open_release",
    "source_for_readers",
]
