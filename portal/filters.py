"""Filters, whose values are in the address: a page can be shared and reloaded.

Streamlit puts a widget's value into the address and takes from there only what is among its options. So nothing that a
person writes into the address gets further.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

T = TypeVar("T")

# Narrow pages show this line in place of the filters, until it is opened; look.css has how.
_FOLD = '<details class="fold"><summary>Filters</summary></details>'


@contextmanager
def row(key: str = "page", *, is_horizontal: bool = True) -> Iterator[None]:
    """Filters of a page, beside each other. On a telephone they are folded away."""
    with st.container(key=f"filters-{key}", horizontal=is_horizontal, vertical_alignment="bottom"):
        st.html(_FOLD)
        yield


def choose(name: str, label: str, options: Sequence[str], *, default: str, words: Callable[[str], str] = str) -> str:
    """One of some options. `name` is the name in the address."""
    index = options.index(default)
    chosen = st.selectbox(label, options, index=index, key=name, format_func=words, bind="query-params")
    return chosen if chosen in options else default


def choose_one_of_few(
    name: str, label: str, options: Sequence[str], *, default: str, words: Callable[[str], str] = str
) -> str:
    """One of a few options, all of them in view."""
    chosen = st.segmented_control(
        label, options, default=default, key=name, format_func=words, bind="query-params", required=True
    )
    return chosen if chosen in options else default


def choose_several(name: str, label: str, options: Sequence[str], *, words: Callable[[str], str] = str) -> list[str]:
    """Some of the options; all where nothing is chosen."""
    chosen = st.multiselect(
        label, options, key=name, format_func=words, bind="query-params", placeholder="all", select_all=False
    )
    return [each for each in chosen if each in options] or list(options)
