"""What a session keeps: which release it shows, and its pages, for links between them.

It shows the release that was current when it began, until the person takes another. The release is kept open for as
long as the session lasts, so that it is not deleted meanwhile.
"""

from collections.abc import Mapping

import streamlit as st

from portal.view import keep_open
from warehouse.releases import Release, current_release

_RELEASE = "release"
_OPEN = "open release"
_PAGES = "pages"


def shown_release() -> Release:
    """The release that this session shows.

    Raises:
        NothingPublishedError: nothing has been published yet.
        WarehouseError: the release is gone or damaged.
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
    st.session_state[_OPEN] = keep_open(release)
    st.session_state[_RELEASE] = release


def remember_pages(pages: Mapping[str, st.Page]) -> None:
    """Keep the pages by their paths."""
    st.session_state[_PAGES] = dict(pages)


def link_to(path: str, label: str, icon: str) -> None:
    """A link to the page with this path; nothing where there is no such page."""
    if page := st.session_state[_PAGES].get(path):
        st.page_link(page, label=label, icon=f":material/{icon}:")
