"""Markdown in which nothing that comes from data is markup."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

_LONGEST = 200

# What is markup in Markdown, or in what the portal makes of it, wherever it stands in a line.
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+|~$:&@!])")
# Readers make links of these also where nothing marks one.
_BARE_LINK = re.compile(r"\b(www)\.", re.IGNORECASE)
_BLANK = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")

NO_VALUE = "—"


def text(value: object) -> str:
    """A text from data as it is: one line in which nothing is markup. Very long ones are cut, nothing is a dash."""
    if value is None:
        return NO_VALUE
    line = _BLANK.sub(" ", str(value)).strip()
    cut = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return _BARE_LINK.sub(r"\1\\.", _MARKUP.sub(r"\\\1", cut)) or NO_VALUE


def code(name: str) -> str:
    """A name of our own, such as that of a feed, as it is typed."""
    return f"`{name}`"


def day_in_words(day: date) -> str:
    """A day, such as `14 January 2026`."""
    return f"{day.day} {day:%B %Y}"


def capitalised(words: str) -> str:
    """Words with a capital letter at their beginning, and all else as it is."""
    return words[:1].upper() + words[1:]


def bullets(lines: Iterable[str]) -> str:
    """A list of Markdown. Its lines are Markdown."""
    return "\n".join(f"- {line}" for line in lines)


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading with the unit, and whether it has figures, which stand on the right."""

    heading: str
    is_figure: bool = True


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown. Its cells are Markdown: what comes from data went through `text`."""
    lines = [
        [column.heading for column in columns],
        ["---:" if column.is_figure else "---" for column in columns],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
