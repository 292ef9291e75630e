"""What all widgets of a question about metrics share."""

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

TIME = "metric_time"

# Whether a widget was changed since the address was read.
CHANGED = "explorer_changed"


def words_of(name: str) -> str:
    """The name of a dimension, or of a time with its grain, as people read it."""
    # `trip__trip_type` is a trip type.
    said = re.sub(r"^(\w+?)__(?=\1_)", "", name.removeprefix(f"{TIME}__"))
    return said.replace("__", " · ").replace("_", " ")


def changed() -> None:
    """A widget was changed: from now on it says what is asked, and not the address."""
    st.session_state[CHANGED] = True


def drop_others(key: str, options: Sequence[str]) -> list[str]:
    """Take out of a widget's value what is not among its options, and say what that was."""
    given: list[Any] = st.session_state.get(key, [])
    st.session_state[key] = [name for name in given if name in options]
    return [name for name in given if name not in options]
