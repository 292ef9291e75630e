"""What is around every page: the menu, which release is shown, and what is said where nothing can be."""

from pathlib import Path

import streamlit as st

from portal.general import AFTER_SUBJECTS, BEFORE_SUBJECTS
from portal.page import Page, Section, sections_of_subjects
from portal.states import say_error, say_no_release, say_unexpected, say_what_is_missing
from portal.texts import plain
from portal.view import OpenRelease, View, keep_open
from warehouse.connection import WarehouseError
from warehouse.releases import Release, Releases, Source, current_release

TITLE = "NYC Mobility"

_ICON = Path(__file__).with_name("icon.svg")

# How often an open page looks whether there is a newer release.
_SECONDS_BETWEEN_LOOKS = 15

_RELEASE = "release"
_OPEN = "open release"


def sections() -> list[Section]:
    """All pages, as the menu shows them."""
    return [*BEFORE_SUBJECTS, *sections_of_subjects(), *AFTER_SUBJECTS]


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title=TITLE, page_icon=str(_ICON), layout="wide")
    pages = {section.title: [_as_streamlit(page) for page in section.pages] for section in sections() if section.pages}
    st.navigation(pages).run()


def _as_streamlit(page: Page) -> st.Page:
    return st.Page(
        lambda: _render(page),
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=page.path,
        default=page.path == "overview",
    )


def _render(page: Page) -> None:
    try:
        view = View(_shown_release())
    except WarehouseError as error:
        say_no_release(error)
        _look_for_release()
        return
    with st.sidebar:
        _show_release(view.release)
    try:
        if not say_what_is_missing(page, view):
            page.render(view)
    except WarehouseError as error:
        say_error(error)
    except Exception as error:  # noqa: BLE001 - whatever a page does, the person sees words, and the log has the error
        say_unexpected(error)


def _shown_release() -> Release:
    """The release of this session: the one that was current when it began, until the person takes another.

    It is kept open for as long as the session lasts, so that it is not deleted meanwhile.
    """
    if _RELEASE not in st.session_state:
        show_release(current_release())
    release: Release = st.session_state[_RELEASE]
    return release


def show_release(release: Release) -> None:
    """Let this session show a release from now on.

    Raises:
        WarehouseError: it is gone or damaged.
    """
    kept: OpenRelease = keep_open(release)
    st.session_state[_RELEASE], st.session_state[_OPEN] = release, kept


@st.fragment(run_every=_SECONDS_BETWEEN_LOOKS)
def _show_release(release: Release) -> None:
    st.caption(plain(str(Source(release))))
    try:
        current = Releases().current()
    except WarehouseError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    if current is None or current.id == release.id:
        return
    is_newer = current.published_at > release.published_at
    st.info("There is a newer release." if is_newer else "Another release is current.", icon=":material/update:")
    if st.button("Show it", type="primary", width="stretch"):
        show_release(current)
        st.rerun(scope="app")


@st.fragment(run_every=_SECONDS_BETWEEN_LOOKS)
def _look_for_release() -> None:
    st.caption("This page looks for a release every few seconds.")
    try:
        show_release(current_release())
    except WarehouseError:
        return
    st.rerun(scope="app")


__all__ = ["TITLE", "Section", "run", "sections", "show_release"]
