"""The colours that Streamlit's theme does not know of, on light and on dark pages.

Text stands out from its page by 4.5 to 1 at least, and what is drawn by 3 to 1 (WCAG 2.2, level AA).
"""

import streamlit as st

# Of what is drawn beside the data: seen on white and on black.
MUTED = "#7a8794"

# Of the words in charts.
INK = {"light": "#57636d", "dark": "#aab4be"}


def is_dark() -> bool:
    """Whether the page is dark."""
    return st.context.theme.type == "dark"


def ink() -> str:
    """The colour of words in charts."""
    return INK["dark" if is_dark() else "light"]


def page_colour() -> str:
    """The colour of the page."""
    colour: str = st.get_option(f"theme.{'dark' if is_dark() else 'light'}.backgroundColor")
    return colour
