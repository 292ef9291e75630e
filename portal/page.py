"""What a page of the portal is, and where pages come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from ingestion.catalog import SUBJECTS
from portal.view import View

LOAD = "nyc load --from 2025-01 --to 2025-03"


@dataclass(frozen=True)
class Page:
    """A page. `path` is its part of the address; `render` draws it. The icon is the name of a Material symbol.

    `needs` are the tables that the page cannot do without, such as `schema.table`, each with the command that loads
    what it is made of. Where one has no rows, the frame says so in place of the page.
    """

    title: str
    path: str
    icon: str
    render: Callable[[View], None]
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """Pages that belong together, as the menu shows them.

    `overview` draws what the subject says of itself on the first page. `names` are those of values
    that people know by another name, such as a type of trips, and `colours` are theirs, by name, on every page.
    """

    title: str
    pages: tuple[Page, ...]
    overview: Callable[[View], None] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)


def sections_of_subjects() -> dict[str, Section]:
    """The pages of each subject, by its name: `SECTION` in its folder of the portal. A subject may have none."""
    return {name: import_module(f"portal.{name}").SECTION for name in SUBJECTS if find_spec(f"portal.{name}")}
