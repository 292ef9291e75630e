"""What there is to maintain of checks: pages of Great Expectations of long ago, to which nothing leads any more."""

import time
from pathlib import Path

from quality.data_docs import docs_folder
from warehouse.maintenance import Found, Item
from warehouse.maintenance.items import files_in, size_of

# The first page links to the newest page of each suite alone.
_KEPT_DAYS = 30


def quality_items() -> list[Item]:
    """The data docs."""
    return [Item("data docs", data_docs)]


def data_docs(dry_run: bool) -> Found:
    """Delete the pages of checks more than 30 days ago, but for the newest of each suite."""
    old = [page for suite in _folders(docs_folder() / "validations") for page in _old_pages(suite)]
    space = sum(map(size_of, old))
    if not dry_run:
        for page in old:
            page.unlink()
            _remove_if_empty(page.parent)
    return Found(f"{len(old)} pages of checks more than {_KEPT_DAYS} days ago", space, is_nothing=not old)


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _old_pages(suite: Path) -> list[Path]:
    # Their paths begin with the time of the run.
    pages = sorted(path for path in files_in(suite) if path.suffix == ".html")
    limit = time.time() - _KEPT_DAYS * 24 * 3600
    return [page for page in pages[:-1] if page.stat().st_mtime < limit]


def _remove_if_empty(folder: Path) -> None:
    while folder.name != "validations" and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
