"""A file of pages: what an API answered to the questions about one partition, a line of JSON each.

A line says what was asked, and has the page as it came. So the file can be read without knowing the API's tokens.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ingestion.readers.published_file import PublishedFile, shortened

_BEGINNING_CHARACTERS = 60


@dataclass(frozen=True)
class Page:
    """One page of an answer, as it came. The rest is what was asked, without a page's token."""

    kind: str
    about: str
    parameters: Mapping[str, str]
    number: int
    answer: dict[str, Any]


class NoPageError(ValueError):
    """An answer that is not one whole JSON object. The message says what is wrong with it."""


def parse_page(body: bytes) -> dict[str, Any]:
    """Read an answer's body, strictly: a name that is there twice, NaN and infinity are refused.

    Raises:
        NoPageError: it is not one whole JSON object in UTF-8.
    """
    try:
        parsed = json.loads(body.decode(), parse_constant=_no_number, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as error:
        beginning = shortened(body[:_BEGINNING_CHARACTERS].decode(errors="replace"), _BEGINNING_CHARACTERS)
        raise NoPageError(f"it begins with {beginning!r} ({type(error).__name__}: {str(error)[:80]})") from error
    if not isinstance(parsed, dict):
        raise NoPageError(f"it is a {type(parsed).__name__}, not an object")
    return parsed


def page_line(kind: str, about: str, parameters: Mapping[str, str], number: int, body: bytes) -> bytes:
    """A page's line in the file. The body must be one that `parse_page` has read."""
    asked = json.dumps(
        {"kind": kind, "about": about, "parameters": dict(parameters), "page": number}, ensure_ascii=False
    )
    # Line breaks of JSON are blanks: within a text they are written as \n.
    answer = body.strip().replace(b"\r", b" ").replace(b"\n", b" ")
    return asked[:-1].encode() + b', "answer": ' + answer + b"}\n"


def read_pages(file: PublishedFile) -> Iterator[Page]:
    """The pages of a file, in the order in which they came; one at a time is in memory.

    Raises:
        UnreadableFileError: a line is not a page.
    """
    with file.path.open("rb") as lines:
        for line in lines:
            try:
                said = parse_page(line)
                yield Page(said["kind"], said["about"], said["parameters"], said["page"], said["answer"])
            except (NoPageError, KeyError) as error:
                raise file.unreadable("a page of JSON on each line", str(error)) from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{name[:60]!r} is there more than once")
    return named
