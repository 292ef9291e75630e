"""The page of settings, from `.env.example`: each variable with the words above it, and its default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.hooks.markup import code, heading, paragraph, table, text
from warehouse.paths import PROJECT_ROOT

_VARIABLE = re.compile(r"(?:# ?)?([A-Z][A-Z0-9_]{2,})=(.*)")


@dataclass(frozen=True)
class Setting:
    """A variable, its default, and the words about it."""

    name: str
    default: str
    words: str


def settings(example: Path = PROJECT_ROOT / ".env.example") -> tuple[str, list[list[Setting]]]:
    """What the file says of itself, and its settings by block: blocks are set apart by empty lines."""
    first, *blocks = re.split(r"\n\s*\n", example.read_text().strip())
    return _words(first.splitlines()), [found for block in blocks if (found := list(_of_block(block)))]


def _of_block(block: str) -> Iterator[Setting]:
    words: list[str] = []
    for line in block.splitlines():
        if variable := _VARIABLE.fullmatch(line):
            yield Setting(variable[1], variable[2], _words(words))
            words = []
        else:
            words.append(line)


def _words(lines: list[str]) -> str:
    return " ".join(line.lstrip("# ").strip() for line in lines)


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    about, blocks = settings()
    parts = ["# Settings\n\n", paragraph(text(about)), paragraph("From <code>.env.example</code>.")]
    for block in blocks:
        parts.append(heading(2, _title(block)))
        rows = ((code(one.name), code(one.default) if one.default else "", text(one.words)) for one in block)
        parts.append(table(("variable", "default", "what it is for"), rows))
    yield "reference/settings.md", "".join(parts)


def _title(block: list[Setting]) -> str:
    return block[0].name if len(block) == 1 else f"{block[0].name} and others"
