"""The catalog: every feed of every subject, its names and aliases.

A subject is a folder of this package that has a `SUBJECT`. The command line, the loader, the orchestration and the dbt
project read it from here. No other module imports subjects.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path

from ingestion.feeds import Column, Feed, Subject


class UnknownSourceError(ValueError):
    """A name on the command line that is not a feed, alias or subject."""


def _subjects() -> Iterable[Subject]:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.ispkg:
            subject = getattr(importlib.import_module(f"ingestion.{module.name}"), "SUBJECT", None)
            if subject is not None:
                yield subject


SUBJECTS: dict[str, Subject] = {subject.name: subject for subject in _subjects()}

FEEDS: dict[str, Feed] = {feed.name: feed for subject in SUBJECTS.values() for feed in subject.feeds}

# Names on the command line that stand for several feeds.
ALIASES: dict[str, tuple[str, ...]] = {
    alias: names for subject in SUBJECTS.values() for alias, names in subject.aliases.items()
}


def default_sources() -> str:
    """The sources that are loaded when none is named, by their aliases where they have one."""
    names = [feed.name for feed in FEEDS.values() if feed.is_default]
    for alias, meant in ALIASES.items():
        if set(meant) <= set(names):
            names = [alias if name == meant[0] else name for name in names if name not in meant[1:]]
    return ",".join(names)


DEFAULT_SOURCES = default_sources()


def subject_of(feed: Feed) -> Subject:
    """The subject that a feed belongs to."""
    return next(subject for subject in SUBJECTS.values() if feed in subject.feeds)


def resolve_sources(sources: str) -> list[Feed]:
    """Turn a comma-separated list of feeds, aliases and subjects into feeds, each once, in the catalog's order.

    Raises:
        UnknownSourceError: a name is not a feed, alias or subject, or the list is empty.
    """
    names = [name.strip() for name in sources.split(",") if name.strip()]
    subjects = {name: tuple(feed.name for feed in subject.feeds) for name, subject in SUBJECTS.items()}
    groups = {**subjects, **ALIASES}
    known = [*ALIASES, *FEEDS, *subjects]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"unknown source {', '.join(map(repr, unknown))}" if unknown else "no source given"
        raise UnknownSourceError(f"{what}: expected a comma-separated list of {', '.join(known)}")
    wanted = {feed for name in names for feed in (groups[name] if name in groups and name not in FEEDS else (name,))}
    return [feed for feed in FEEDS.values() if feed.name in wanted]


def raw_tables(feeds: Iterable[Feed] = FEEDS.values()) -> dict[str, tuple[Column, ...]]:
    """Map each raw table to its columns."""
    return {feed.raw_table: feed.raw_columns for feed in feeds}
