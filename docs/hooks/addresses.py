"""Where a page of the site is, and how another page leads to it.

Each page is a folder with an `index.html`, and links name that file. So `/runbooks/gap/` is an address on a server, and
all links lead somewhere, too, where the site is opened from a folder.
"""

import posixpath


def destination(page: str) -> str:
    """The file of the site that a page becomes, such as `runbooks/gap/index.html` of `runbooks/gap.md`."""
    stem = page.removesuffix(".md")
    return f"{stem}.html" if posixpath.basename(stem) == "index" else f"{stem}/index.html"


def address(to: str, page: str) -> str:
    """The address of a page, maybe with a `#`, on another page."""
    wanted, hash_, fragment = to.partition("#")
    here = posixpath.dirname(destination(page)) or "."
    return f"{posixpath.relpath(destination(wanted), here)}{hash_}{fragment}"
