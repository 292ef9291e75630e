"""Links between files of the repository as links between pages, and lists as MkDocs wants them."""

import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

# Code comes first, so that it is left alone: blocks, and what stands between backticks.
_LINK = re.compile(
    r"^ *(?P<fence>```+|~~~+).*?^ *(?P=fence) *$"
    r"|(?P<image>!?)\[(?P<label>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)"
    r"|(?P<ticks>`+).*?(?P=ticks)",
    re.MULTILINE | re.DOTALL,
)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/")
_FENCE = re.compile(r" *(```+|~~~+)")
_ITEM = re.compile(r" *([-*]|\d+\.) +")


class DeadLinkError(ValueError):
    """A link to a file that is not in the repository."""


def rewritten(
    markdown: str, *, file: str, page: str, pages: Mapping[str, str], root: Path, keep: Callable[[str], str]
) -> str:
    """The text of a page, with each link to a file of the repository as a link to that file's page.

    `file` is where the text stands in the repository, `page` the page that it becomes, and `pages` maps files to pages.
    `keep` is given the path of a picture, and returns that of the picture on the site. What a file without a page is
    called stays as words, without a link.

    Raises:
        DeadLinkError: there is no such file.
    """

    def replaced(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or target.startswith("#") or _ELSEWHERE.match(target):
            return found[0]
        path, hash_, fragment = target.partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        if found["image"]:
            to = keep(wanted)
        elif wanted in pages:
            to = pages[wanted]
        elif (root / wanted).exists() and not wanted.startswith(".."):
            return f"{found['label']}"
        else:
            raise DeadLinkError(f"{file}: expected a file of the repository, but {target} leads to none. Correct it")
        relative = posixpath.relpath(to, posixpath.dirname(page) or ".")
        return f"{found['image']}[{found['label']}]({relative}{hash_}{fragment})"

    return _LINK.sub(replaced, markdown)


def with_wide_lists(markdown: str) -> str:
    """The text with what is in an item of a list indented by four, as MkDocs wants it; code hosts take two or three."""
    lines: list[str] = []
    # How far the text of each list is indented that the line is in, and in a block of code, how far its lines move.
    inside: list[int] = []
    fence, move = "", 0
    for line in markdown.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        if fence:
            lines.append(_moved(line, move))
            fence = "" if line.strip() == fence else fence
            continue
        if line.strip():
            while inside and indent < inside[-1]:
                inside.pop()
        depth = 4 * len(inside)
        if found := _FENCE.match(line):
            fence, move = found[1], depth - indent if inside else 0
            lines.append(_moved(line, move))
        elif found := _ITEM.match(line):
            # A list that follows a sentence without an empty line would be part of it.
            if not inside and lines and lines[-1].strip() and not re.match(r" |[-*] |\d+\. ", lines[-1]):
                lines.append("")
            lines.append(" " * depth + line.lstrip(" "))
            inside.append(len(found[0]))
        else:
            lines.append(" " * depth + line.lstrip(" ") if inside and line.strip() else line)
    return "\n".join(lines) + "\n"


def _moved(line: str, by: int) -> str:
    if not line.strip():
        return line
    indent = len(line) - len(line.lstrip(" "))
    return " " * max(0, indent + by) + line.lstrip(" ")
