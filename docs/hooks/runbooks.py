"""The list of runbooks: each page's title, and the words by which somebody finds it."""

import re
from collections.abc import Iterable

from docs.hooks.addresses import address
from docs.hooks.markup import link, table, text

INDEX = "runbooks/index.md"
PLACE = "<!-- The build puts the list of runbooks here. -->"

# The parts of a runbook, in this order.
PARTS = ("What you see", "What it means", "What to do", "How you know it is over", "How it was tried")

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_SEEN = re.compile(rf"^## {PARTS[0]}\n+(.+?)(?:\n\n|\n#|\Z)", re.MULTILINE | re.DOTALL)
# Of a link only its words are shown.
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def title_of(markdown: str) -> str:
    """The title of a page; empty where it has none."""
    found = _TITLE.search(markdown)
    return found[1] if found else ""


def parts_of(markdown: str) -> tuple[str, ...]:
    """The headings of a page's parts."""
    return tuple(re.findall(r"^## (.+)$", markdown, re.MULTILINE))


def list_of(pages: Iterable[tuple[str, str]]) -> str:
    """The list as a table, of pages by their paths and texts."""
    rows = ((link(text(title_of(words)), address(page, INDEX)), text(_seen(words))) for page, words in pages)
    return table(("runbook", "what you see"), rows)


def _seen(markdown: str) -> str:
    found = _SEEN.search(markdown)
    words = _LINK.sub(r"\1", found[1]).replace("**", "") if found else ""
    # A list in a line.
    return re.sub(r"\n- ", " ", words.removeprefix("- "))
