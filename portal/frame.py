"""What is around every page: the menu, which release is shown, and what is said where nothing can be."""

from pathlib import Path

import streamlit as st

from portal import FIRST_PAGE
from portal.general import AFTER_SUBJECTS, BEFORE_SUBJECTS
from portal.page import Page, Section, sections_of_subjects
from portal.session import remember_pages, show_release, shown_release
from portal.states import say_error, say_no_release, say_unexpected, say_what_is_missing
from portal.texts import plain
from portal.view import View
from warehouse.connection import WarehouseError
from warehouse.releases import Release, Releases, Source, current_release

TITLE = "NYC Analytics"

_ICON = Path(__file__).with_name("icon.svg")
_LOOK = Path(__file__).with_name("look.css")

# How often an open page looks whether there is a newer release.
_SECONDS_BETWEEN_LOOKS = 15


def sections() -> list[Section]:
    """All pages, as the menu shows them."""
    return [*BEFORE_SUBJECTS, *sections_of_subjects().values(), *AFTER_SUBJECTS]


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title=TITLE, page_icon=str(_ICON), layout="wide")
    st.html(_LOOK)
    st.logo(str(_ICON))
    pages = {section.title: [_as_streamlit(page) for page in section.pages] for section in sections() if section.pages}
    remember_pages({page.url_path or FIRST_PAGE: page for section in pages.values() for page in section})
    # All of them in view: Streamlit would hide those after the first dozen.
    st.navigation(pages, expanded=True).run()


def _as_streamlit(page: Page) -> st.Page:
    return st.Page(
        lambda: _render(page),
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=page.path,
        default=page.path == FIRST_PAGE,
    )


def _render(page: Page) -> None:
    try:
        view = View(shown_release())
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
    if st.button("Show it", width="stretch"):
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


__all__ = ["TITLE", "Section", "run", "sections"]
