"""Each thing that goes wrong has a page, and all pages have the same parts."""

import pytest

from docs.hooks.runbooks import INDEX, PARTS, list_of, parts_of, title_of
from monitoring.runbooks import Runbook
from warehouse.paths import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs/runbooks"


@pytest.mark.parametrize("runbook", Runbook)
def test_a_runbook_has_its_parts(runbook: Runbook) -> None:
    page = (FOLDER / f"{runbook.value}.md").read_text()
    assert title_of(page)
    assert parts_of(page) == PARTS
    assert len(page.splitlines()) < 60


def test_every_page_is_a_runbook_that_alerts_know() -> None:
    pages = {path.stem for path in FOLDER.glob("*.md")} - {"index"}
    assert pages <= {runbook.value for runbook in Runbook}


def test_the_list_has_what_is_seen() -> None:
    page = "# A gap\n\n## What you see\n\n`3 months missing`, or [an alert](../index.md).\n\n## What it means\n"
    listed = list_of([("runbooks/gap.md", page)])
    assert '<a href="gap/index.html">A gap</a>' in listed
    assert "<code>3 months missing</code>, or an alert." in listed
    assert (PROJECT_ROOT / "docs" / INDEX).exists()
