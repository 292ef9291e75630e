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
_FENCE = re.compile(r" *(```|~~~)")
_NESTED = re.compile(r"( +)(?=[-*] |\d+\. )")


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
    """The text with lists in lists indented by four, as MkDocs wants them; code hosts take two or three."""
    lines, fence, last = [], "", ""
    for line in markdown.splitlines():
        if found := _FENCE.match(line):
            fence = "" if fence == found[1] else fence or found[1]
        elif not fence:
            line = _NESTED.sub(lambda found: " " * (4 * -(-len(found[1]) // 4)), line, count=1)
            # A list that follows a sentence without an empty line would be part of it.
            if re.match(r"[-*] |\d+\. ", line) and last.strip() and not re.match(r" *([-*] |\d+\. )|  ", last):
                lines.append("")
        last = line
        lines.append(line)
    return "\n".join(lines) + "\n"
