"""The first page: what is loaded up to when, what changed, and what needs attention."""

import streamlit as st

from portal.texts import count
from portal.view import View


def render(view: View) -> None:
    """Draw the page."""
    st.title("Overview")
    st.metric("Rows", count(sum(table.rows for table in view.release.tables)), border=True)
