"""The health page of the portal, drawn without a browser."""

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import portal
from benchmarks.processes import BenchmarkError

_APP = Path(portal.__file__).with_name("app.py")
_LONGEST_SECONDS = 300


def open_health() -> AppTest:
    """Draw the page as the first one of a server that has just started.

    Raises:
        BenchmarkError: the page says that something went wrong.
    """
    st.cache_data.clear()
    st.cache_resource.clear()
    page = AppTest.from_file(_APP, default_timeout=_LONGEST_SECONDS)
    # AppTest has no way to open a page by its address. Streamlit knows a page by this hash of its path.
    page._page_hash = calc_hash("health")
    return draw(page)


def draw(page: AppTest) -> AppTest:
    """Draw the page once more, as after a click.

    Raises:
        BenchmarkError: the page says that something went wrong.
    """
    page.run()
    if page.exception:
        raise BenchmarkError(f"expected the health page, but got: {page.exception[0].message}")
    return page
