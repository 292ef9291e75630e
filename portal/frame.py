"""What is around every page: the menu, which release is shown, and what is said where nothing can be."""

from pathlib import Path

import streamlit as st

from portal.general import COMMON
from portal.page import Page, Section, sections_of_subjects
from portal.texts import plain
from portal.view import View
from warehouse.connection import WarehouseError
from warehouse.releases import NothingPublishedError, Release, Releases, Source, current_release

_TITLE = "NYC Mobility"

# How often an open page looks whether there is a newer release.
_SECONDS_BETWEEN_LOOKS = 15

_RELEASE = "release"


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title=_TITLE, page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    try:
        view: View | None = View(_shown_release())
    except WarehouseError as error:
        view = None
        problem = error
    pages = {
        section.title: [_as_streamlit(page, view) for page in section.pages]
        for section in (*COMMON[:1], *sections_of_subjects(), *COMMON[1:])
    }
    chosen = st.navigation(pages)
    if view is None:
        _say_what_to_do(problem)
        return
    with st.sidebar:
        _show_release(view.release)
    try:
        chosen.run()
    except WarehouseError as error:
        _say_what_to_do(error)


def _as_streamlit(page: Page, view: View | None) -> st.Page:
    def render() -> None:
        if view is not None:
            page.render(view)

    return st.Page(
        render, title=page.title, icon=f":material/{page.icon}:", url_path=page.path, default=page.path == "overview"
    )


def _shown_release() -> Release:
    """The release of this session: the one that was current when it began, until the person takes a newer one."""
    if _RELEASE not in st.session_state:
        st.session_state[_RELEASE] = current_release()
    release: Release = st.session_state[_RELEASE]
    return release


@st.fragment(run_every=_SECONDS_BETWEEN_LOOKS)
def _show_release(release: Release) -> None:
    st.caption(plain(str(Source(release))))
    current = Releases().current()
    if current and current.id != release.id:
        st.info("There is a newer release.", icon=":material/update:")
        if st.button("Show it", type="primary", width="stretch"):
            st.session_state[_RELEASE] = current
            st.rerun(scope="app")


def _say_what_to_do(error: WarehouseError) -> None:
    if isinstance(error, NothingPublishedError):
        st.title("Nothing is published yet")
        st.write("Load, build and publish. Then reload this page.")
        st.code("nyc load --year 2025 --months 1\nnyc build\nnyc publish", language="bash")
        return
    st.title("This cannot be shown")
    st.error(plain(str(error)), icon=":material/error:")


__all__ = ["Section", "run"]
