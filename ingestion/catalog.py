"""The catalog: every feed of every subject, its names and aliases.

A subject is a folder of this package with a `SUBJECT` in it; the command line, the loader, the orchestration and the
dbt project all read it from here. This is the only module that imports subjects.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ingestion.feeds import Column, Feed, Subject
from warehouse.periods import Grain


class UnknownSourceError(ValueError):
    """A name on the command line that is not a feed, an alias or a subject."""


@dataclass(frozen=True)
class Catalog:
    """Feeds by subject, and what their names on a command line stand for."""

    subjects: dict[str, Subject]

    @classmethod
    def of(cls, *subjects: Subject) -> "Catalog":
        """The catalog of these subjects."""
        return cls({subject.name: subject for subject in subjects})

    def only(self, names: Iterable[str]) -> "Catalog":
        """The catalog of the feeds of these names alone, without aliases."""
        wanted = set(names)
        subjects = [
            Subject(subject.name, feeds)
            for subject in self.subjects.values()
            if (feeds := tuple(feed for feed in subject.feeds if feed.name in wanted))
        ]
        return Catalog.of(*subjects)

    @cached_property
    def feeds(self) -> dict[str, Feed]:
        """Every feed by its name, in the order in which the subjects declare them."""
        return {feed.name: feed for subject in self.subjects.values() for feed in subject.feeds}

    @cached_property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The names of feeds that an alias stands for."""
        return {alias: names for subject in self.subjects.values() for alias, names in subject.aliases.items()}

    @property
    def grains(self) -> tuple[Grain, ...]:
        """The grains that its feeds have, from the longest."""
        return tuple(grain for grain in Grain if any(feed.grain is grain for feed in self.feeds.values()))

    def subject_of(self, feed: Feed) -> Subject:
        """The subject that a feed belongs to."""
        return next(subject for subject in self.subjects.values() if feed in subject.feeds)

    def default_sources(self, grain: Grain | None = None) -> str:
        """What is loaded if nobody names sources: the default feeds, written with aliases where they fit.

        With a grain only feeds of that grain are meant; if none of them is a default, all of them but streams, which
        have no files to load.
        """
        of_grain = [feed for feed in self.feeds.values() if grain in (None, feed.grain) and not feed.is_stream]
        names = [feed.name for feed in of_grain if feed.is_default] or [feed.name for feed in of_grain]
        for alias, meant in self.aliases.items():
            if set(meant) <= set(names):
                names = [alias if name == meant[0] else name for name in names if name not in meant[1:]]
        return ",".join(names)

    def resolve(self, sources: str) -> list[Feed]:
        """Turn a comma-separated list of feeds, aliases and subjects into feeds, each once, in the catalog's order.

        Raises:
            UnknownSourceError: a name is not a feed, alias or subject, or the list names nothing.
        """
        names = [name.strip() for name in sources.split(",") if name.strip()]
        subjects = {name: tuple(feed.name for feed in subject.feeds) for name, subject in self.subjects.items()}
        # A feed counts for more than an alias of its name.
        meanings = {**subjects, **self.aliases, **{name: (name,) for name in self.feeds}}
        unknown = [name for name in names if name not in meanings]
        if unknown or not names:
            what = f"unknown source {', '.join(map(repr, unknown))}" if unknown else "no source given"
            known = ", ".join([*self.aliases, *self.feeds, *subjects])
            raise UnknownSourceError(f"{what}: expected a comma-separated list of {known}")
        wanted = {feed for name in names for feed in meanings[name]}
        return [feed for feed in self.feeds.values() if feed.name in wanted]


def _subjects() -> Iterator[Subject]:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.ispkg:
            subject = getattr(importlib.import_module(f"ingestion.{module.name}"), "SUBJECT", None)
            if subject is not None:
                yield subject


CATALOG = Catalog.of(*_subjects())

SUBJECTS: dict[str, Subject] = CATALOG.subjects

FEEDS: dict[str, Feed] = CATALOG.feeds

# What a name on the command line may stand for besides a feed of that name.
ALIASES: dict[str, tuple[str, ...]] = CATALOG.aliases

DEFAULT_SOURCES = CATALOG.default_sources()

subject_of = CATALOG.subject_of
resolve_sources = CATALOG.resolve


def raw_tables(feeds: Iterable[Feed] = FEEDS.values()) -> dict[str, tuple[Column, ...]]:
    """Map each raw table to its columns."""
    return {feed.raw_table: feed.raw_columns for feed in feeds}
