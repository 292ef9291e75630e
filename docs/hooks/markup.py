"""Text as markup. All that comes from code, dbt or people goes through `text`, so that nothing in it becomes markup."""

import re
from collections.abc import Iterable, Sequence
from html import escape

_CODE = re.compile(r"`([^`]+)`")


def text(words: object) -> str:
    """Plain text as HTML on one line. What stands between backticks becomes code; nothing else has a meaning."""
    line = " ".join(str(words).split())
    # Every second part is code.
    parts = _CODE.split(line)
    return "".join(f"<code>{_plain(part)}</code>" if odd % 2 else _plain(part) for odd, part in enumerate(parts))


def code(words: object) -> str:
    """Text as code, on one line."""
    return f"<code>{_plain(' '.join(str(words).split()))}</code>"


def link(label: str, address: str) -> str:
    """A link. The label is HTML."""
    return f'<a href="{escape(address, quote=True)}">{label}</a>'


def paragraph(*sentences: str) -> str:
    """A paragraph of sentences that are HTML."""
    return f"<p>{' '.join(filter(None, sentences))}</p>\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are HTML. On a telephone each row is shown below the other, its cells with their headings."""
    head = " ".join(f"<th>{_plain(name)}</th>" for name in header)
    # Blanks between cells keep words apart where the search shows them.
    body = " ".join(
        "<tr>"
        + " ".join(f'<td data-label="{_plain(name)}">{cell}</td>' for name, cell in zip(header, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table data-rows><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>\n"


def heading(level: int, words: str, anchor: str | None = None) -> str:
    """A heading in Markdown, for the table of contents; with an anchor of its own, if one is given."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|<>&])", _as_reference, " ".join(words.split()))
    return f"\n{'#' * level} {escaped}{f' {{#{anchor}}}' if anchor else ''}\n\n"


def fence(lines: str, language: str = "text") -> str:
    """A block of code, whatever is in it."""
    longest = max((len(ticks) for ticks in re.findall("`+", lines)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"\n{ticks}{language}\n{lines}\n{ticks}\n\n"


def _plain(words: str) -> str:
    return escape(words, quote=True)


def _as_reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[1])};"
