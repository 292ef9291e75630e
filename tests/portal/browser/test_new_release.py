"""A release that is published while pages are open: they offer it, and until it is taken everything stays as it was."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.texts import short
from tests.forking import interpreter
from tests.portal.browser.driving import Tab
from tests.portal.conftest import Sample
from tests.portal.serving import portal_up
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT
from warehouse.publishing.relink import relink
from warehouse.releases import Release, Releases, open_release

OFFER = "There is a newer release."

# The pages, and the filters that they had when the newer release was taken: those stay as they were.
FILTERS = {"overview": {}, "demand": {"to": "2025-02"}, "map": {"month": "2025-02"}}

_DRAWN = """() => [...document.querySelectorAll(".js-plotly-plot")].map(({data}) =>
    data.map(({x, y, z, locations, customdata}) => ({x, y, z, locations, customdata})))"""


@dataclass(frozen=True)
class Own:
    """A warehouse in which February is published, and March built. Its portal is up, and shows February."""

    environment: dict[str, str]
    releases: Releases
    port: int

    def publish(self) -> Release:
        """Publish what is built, in a process of its own; gives the new release."""
        done = interpreter().run(["-m", "cli", "publish"], os.environ | self.environment, cwd=PROJECT_ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        current = self.releases.current()
        assert current
        return current


@pytest.fixture
def own(_sample: Sample, browser: Browser, tmp_path: Path) -> Iterator[Own]:
    """A copy of the sample from before its second publication."""
    folder = tmp_path / "warehouse"
    shutil.copytree(_sample.unpublished, folder, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    releases = Releases(folder / "published")
    relink(releases)
    environment = {
        DATABASE_VARIABLE: str(folder / _sample.database.name),
        LOG_FOLDER_VARIABLE: str(tmp_path / "logs"),
        "DBT_TARGET_PATH": str(_sample.target),
    }
    with portal_up(environment) as port:
        yield Own(environment, releases, port)


def shown(tab: Tab) -> tuple[str, list[str], str]:
    """All figures of a page: in its text, in its first table and in its charts."""
    drawn = tab.page.evaluate(_DRAWN)
    tables = tab.cells() if tab.page.get_by_test_id("stDataFrame").count() else []
    return tab.main_text().replace(OFFER, ""), tables, json.dumps(drawn)


def trips(release: Release) -> str:
    """The trips of a release, as pages show their number."""
    with open_release(release) as connection:
        ((number,),) = connection.execute("select count(*) from core_core.fct_trips").fetchall()
    return short(number)


def first_figure(tab: Tab) -> str:
    return tab.page.get_by_test_id("stMetricValue").first.inner_text()


def test_pages_keep_their_release_until_the_person_takes_the_newer_one(browser: Browser, own: Own) -> None:
    old = own.releases.current()
    assert old
    tabs = {path: Tab(browser, own.port) for path in FILTERS}
    for path, tab in tabs.items():
        tab.open(path)
    before = {path: shown(tab) for path, tab in tabs.items()}
    assert first_figure(tabs["overview"]) == trips(old)

    new = own.publish()
    assert trips(new) != trips(old)
    for path, tab in tabs.items():
        tab.page.get_by_text(OFFER).wait_for()
        assert shown(tab) == before[path]
        assert old.id in tab.text()
    # Also what is asked for only now is of the old release: March is not among its months.
    tabs["map"].let_run(tabs["map"].page.get_by_text("Drop-offs", exact=True).click)
    assert "Feb 2025" in tabs["map"].main_text()
    assert "Mar 2025" not in tabs["map"].main_text()
    tabs["map"].let_run(tabs["map"].page.get_by_text("Pickups", exact=True).click)

    for path, tab in tabs.items():
        tab.let_run(tab.page.get_by_role("button", name="Show it").click)
        assert tab.page.get_by_text(OFFER).count() == 0
        assert new.id in tab.text()
        fresh = Tab(browser, own.port)
        fresh.open(path, FILTERS[path])
        tab.wait_for(lambda tab=tab, fresh=fresh: shown(tab) == shown(fresh))  # type: ignore[misc]
        assert tab.faults() == fresh.faults() == []
        fresh.close()
    assert first_figure(tabs["overview"]) == trips(new)
    # The person keeps it on the way to other pages.
    tabs["overview"].let_run(tabs["overview"].page.locator("a[href$='/demand']").click)
    assert new.id in tabs["overview"].text()
    assert first_figure(tabs["overview"]) == trips(new)
    for tab in tabs.values():
        tab.close()
