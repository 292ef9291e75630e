"""The releases: when, by whom, how much, and what is in them."""

import pandas as pd
import streamlit as st

from portal.view import View
from warehouse.releases import Releases


def render(view: View) -> None:
    """Draw the page."""
    st.title("Releases")
    current = Releases().current()
    withdrawn = Releases().withdrawn()
    rows = [
        {
            "release": release.id,
            "published (UTC)": release.published_at,
            "by": release.published_by,
            "rows": sum(table.rows for table in release.tables),
            "checks passed": release.checks.get("passed"),
            "warned": release.checks.get("warned"),
            "state": "current"
            if current and release.id == current.id
            else "withdrawn"
            if release.id in withdrawn
            else "",
        }
        for release in reversed(Releases().all())
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
