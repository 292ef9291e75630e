"""What is around every page."""

from tests.portal.browsing import open_page
from tests.portal.conftest import Sample


def test_a_page_is_opened_by_its_address(sample: Sample) -> None:
    page = open_page("releases")

    assert not page.exception
    assert [title.value for title in page.title] == ["Releases"]


def test_the_sidebar_says_which_release_is_shown(sample: Sample) -> None:
    page = open_page("overview")

    current = sample.releases().current()
    assert current
    assert current.id in page.sidebar.caption[0].value.replace("\\", "")
