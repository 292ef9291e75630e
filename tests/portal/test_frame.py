"""What is around every page: which release is shown, the newer one offered, and what is said where nothing can be."""

import gc
import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from portal import page as page_module
from portal.general import releases as releases_page
from portal.page import Page
from portal.view import View, keep_open
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from warehouse.paths import PUBLISHED_FOLDER_VARIABLE, log_folder
from warehouse.publishing.relink import relink
from warehouse.releases import Release, ReleaseError, Releases
from warehouse.releases.expiry import expire_releases


@pytest.fixture
def own_releases(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """A copy of the releases that a test may change."""
    folder = tmp_path / "published"
    shutil.copytree(sample.database.parent / "published", folder, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(folder))
    releases = Releases()
    relink(releases)
    return releases


def title(page: AppTest) -> str:
    (only,) = page.title
    return str(only.value)


def test_a_page_is_opened_by_its_address(sample: Sample) -> None:
    page = open_page("releases")
    assert not page.exception
    assert title(page) == "Releases"


def test_the_sidebar_says_which_release_is_shown_and_how_old_it_is(release: Release) -> None:
    said = open_page("overview").sidebar.caption[0].value.replace("\\", "")
    assert said.startswith(f"release {release.id}, published ")


def test_a_session_keeps_its_release_until_the_person_takes_the_newer_one(own_releases: Releases) -> None:
    older, newer = own_releases.all()
    own_releases.switch_to(older)
    page = open_page("overview")
    rows = page.metric[0].value

    own_releases.switch_to(newer)
    page.run()
    assert "There is a newer release." in texts(page)
    assert page.metric[0].value == rows
    assert (
        View(older).rows("select count(*) as trips from core_core.fct_trips").trips[0]
        != (View(newer).rows("select count(*) as trips from core_core.fct_trips").trips[0])
    )

    page.sidebar.button[0].click().run()
    assert "There is a newer release." not in texts(page)
    assert newer.id in page.sidebar.caption[0].value.replace("\\", "")
    assert page.metric[0].value != rows


def test_a_release_that_a_session_shows_is_not_deleted(own_releases: Releases) -> None:
    older, newer = own_releases.all()
    own_releases.switch_to(older)
    page = open_page("overview")
    own_releases.switch_to(newer)
    # Its comparison with the newer one opens and closes files of both.
    releases = open_page("releases", {"old": older.id, "new": newer.id})
    assert not releases.exception
    assert expire_releases(own_releases, keep=1) == []

    page.run()
    assert not page.error
    del page, releases
    gc.collect()
    assert expire_releases(own_releases, keep=1) == [older]


def test_a_release_that_was_withdrawn_is_not_offered_as_newer(own_releases: Releases) -> None:
    page = open_page("overview")
    with own_releases.lock():
        own_releases.roll_back(own_releases.all()[0].id)
    page.run()
    assert "Another release is current." in texts(page)


def test_without_a_database_the_pages_say_how_to_load(database: Path) -> None:
    page = open_page("releases")
    assert not page.exception
    assert title(page) == "Nothing is loaded yet"
    assert page.code[0].value.splitlines()[1:] == ["nyc build", "nyc publish"]


def test_where_nothing_is_published_the_pages_say_how_to_publish(database: Path) -> None:
    database.touch()
    page = open_page("overview")
    assert title(page) == "Nothing is published yet"
    assert page.code[0].value == "nyc build\nnyc publish"


@pytest.mark.parametrize("damage", ["description", "database", "link"])
def test_a_damaged_release_is_named_with_what_to_do(own_releases: Releases, damage: str) -> None:
    current = own_releases.current()
    assert current
    if damage == "description":
        (current.folder / "release.json").write_text(json.dumps({"format": 1, "id": "<b>x</b>"}))
    elif damage == "database":
        current.database.write_bytes(b"not a database" * 1000)
    else:
        shutil.rmtree(current.folder)
    page = open_page("overview")
    assert not page.exception
    assert title(page) == "This cannot be shown"
    assert "nyc publish --list" in texts(page)
    assert "<b>" not in page.error[0].value.replace("\\<", "")


def test_a_file_that_is_damaged_while_a_page_is_open_is_named(own_releases: Releases) -> None:
    page = open_page("overview")
    current = own_releases.current()
    assert current
    table = current.table("core_core.fct_trips")
    assert table
    for part in table.parts:
        (current.folder / str(part.file)).unlink()
    with pytest.raises(ReleaseError):
        View(current).rows("select sum(duration_minutes) as minutes from core_core.fct_trips")
    assert not page.run().exception


def test_a_page_without_its_table_says_what_to_load(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    in_place_of_releases(monkeypatch, releases_page.render, {"core_core.fct_candles": "nyc load --sources markets"})
    page = open_page("releases")
    assert title(page) == "Releases"
    assert "core_core.fct_candles" in texts(page).replace("\\", "")
    assert page.code[0].value == "nyc load --sources markets\nnyc build\nnyc publish"


def test_an_error_that_nobody_foresaw_goes_to_the_log_and_not_to_the_page(
    sample: Sample, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: View) -> None:
        raise RuntimeError("secret <script>alert(1)</script>")

    in_place_of_releases(monkeypatch, fail)
    page = open_page("releases")
    assert not page.exception
    assert page.error[0].value == "This page failed. Reload it. The other pages are not affected."
    assert "secret" not in texts(page)
    assert str(log_folder()) in texts(page).replace("\\", "")
    assert "secret" in str(caplog.records[-1].exc_info)


def in_place_of_releases(
    monkeypatch: pytest.MonkeyPatch, render: page_module.Callable[[View], None], needs: dict[str, str] | None = None
) -> None:
    """Put another page where that of the releases is."""
    own = page_module.Section("Own", (Page("Releases", "releases", "home", render, needs or {}),))
    monkeypatch.setattr("portal.frame.AFTER_SUBJECTS", (own,))


def test_sessions_share_an_open_release(release: Release) -> None:
    assert keep_open(release) is keep_open(release)
