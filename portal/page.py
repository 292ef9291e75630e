"""What a page of the portal is, and where pages come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from ingestion.catalog import SUBJECTS
from portal.view import View


@dataclass(frozen=True)
class Page:
    """A page. `path` is its part of the address; `render` draws it. The icon is the name of a Material symbol."""

    title: str
    path: str
    icon: str
    render: Callable[[View], None]


@dataclass(frozen=True)
class Section:
    """Pages that belong together, as the menu shows them."""

    title: str
    pages: tuple[Page, ...]


def sections_of_subjects() -> Iterator[Section]:
    """The pages of each subject: `SECTION` in its folder of the portal. A subject may have none."""
    for name in SUBJECTS:
        if find_spec(f"portal.{name}"):
            yield import_module(f"portal.{name}").SECTION
