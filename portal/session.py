"""What a session keeps: which release it shows, and its pages, for links between them.

It shows the release that was current when it began, until the person takes another. The release is kept open as long as
the person's browser is connected, so that it is not deleted meanwhile.
"""

from collections.abc import Mapping
from weakref import ReferenceType, ref

import streamlit as st

from portal.view import OpenRelease, keep_open
from warehouse.releases import Release, current_release

# No filter in an address has a name with a blank.
_RELEASE = "shown release"
_HOLD = "open release"
_PAGES = "all pages"


class _Hold:
    """What keeps a release open for a session."""

    open: OpenRelease | None = None


def shown_release() -> Release:
    """The release that this session shows.

    Raises:
        NothingPublishedError: nothing has been published yet.
        WarehouseError: the release is gone or damaged.
    """
    release: Release | None = st.session_state.get(_RELEASE)
    if release is None:
        release = current_release()
        show_release(release)
    elif st.session_state[_HOLD].open is None:
        # The browser is back after it was not connected, such as a telephone that slept.
        show_release(release)
    return release


def show_release(release: Release) -> None:
    """Let this session show a release from now on.

    Raises:
        WarehouseError: it is gone or damaged.
    """
    hold = st.session_state.setdefault(_HOLD, _Hold())
    hold.open = keep_open(release)
    _until_disconnected(id(hold), hold)
    st.session_state[_RELEASE] = release


def _let_go(hold: ReferenceType[_Hold]) -> None:
    if found := hold():
        found.open = None


# Streamlit clears this as soon as a browser is gone. Its session it keeps for minutes, in case the browser comes back,
# and for longer if nobody else comes or goes.
@st.cache_resource(scope="session", on_release=_let_go, show_spinner=False)
def _until_disconnected(hold_id: int, _hold: _Hold) -> ReferenceType[_Hold]:
    return ref(_hold)


def remember_pages(pages: Mapping[str, st.Page]) -> None:
    """Keep the pages by their paths."""
    st.session_state[_PAGES] = dict(pages)


def link_to(path: str, label: str, icon: str) -> None:
    """A link to the page with this path; nothing where there is no such page."""
    if page := st.session_state[_PAGES].get(path):
        st.page_link(page, label=label, icon=f":material/{icon}:")
