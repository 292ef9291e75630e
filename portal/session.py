"""Which release a session shows: the one that was current when it began, until the person takes another.

It is kept open for as long as the session lasts, so that it is not deleted meanwhile.
"""

import streamlit as st

from portal.view import keep_open
from warehouse.releases import Release, current_release

_RELEASE = "release"
_OPEN = "open release"


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
