"""Which files of the repository are which pages of the site.

The READMEs of the folders are pages, and the reference is made of code. So a page of `docs/` links to a file of the
repository, as a code host shows it, and on the site the link leads to the page that this file became.
"""

from collections.abc import Iterator
from pathlib import Path

from warehouse.paths import PROJECT_ROOT

DOCS = "docs"

_OF_THE_TOP = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md"}

# Whose READMEs are no pages.
_LEFT_OUT = {"tests", "docs", "data", "logs", "site"}

# In this order in the menu; others follow by name.
_ORDER = ("ingestion", "dbt", "quality", "warehouse", "metrics", "portal", "orchestration", "monitoring", "deploy")

# What the pages of the reference are made of.
_MADE_OF = {
    "cli": "reference/commands.md",
    ".env.example": "reference/settings.md",
    "ingestion/catalog.py": "reference/feeds.md",
    "dbt": "reference/models/index.md",
    "dbt/models": "reference/models/index.md",
    "dbt/models/semantic": "reference/metrics.md",
    "quality/suites": "reference/expectations.md",
    "orchestration/definitions.py": "reference/dagster.md",
    "warehouse/ledger/schema.py": "reference/ledger.md",
    "deploy/prometheus/rules.yml": "reference/monitoring.md",
}


def readmes(root: Path = PROJECT_ROOT) -> Iterator[tuple[str, str]]:
    """Each file outside of docs/ that is a page: its path in the repository, and that of the page."""
    yield from _OF_THE_TOP.items()
    found = [path.relative_to(root) for depth in range(1, 4) for path in root.glob("*/" * depth + "README.md")]
    for path in sorted(found, key=_place):
        if path.parts[0] not in _LEFT_OUT and not any(part.startswith(".") for part in path.parts):
            yield path.as_posix(), f"parts/{'-'.join(path.parent.parts)}.md"


def _place(path: Path) -> tuple[int, Path]:
    folder = path.parts[0]
    return _ORDER.index(folder) if folder in _ORDER else len(_ORDER), path


def pages_of_files(root: Path = PROJECT_ROOT) -> dict[str, str]:
    """The page of each file and folder of the repository that has one; those of docs/ are their own."""
    from_folders = {Path(path).parent.as_posix(): page for path, page in readmes(root) if "/" in path}
    return {**from_folders, **_MADE_OF, **dict(readmes(root))}
