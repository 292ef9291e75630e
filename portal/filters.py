"""Filters, whose values are in the address: a page can be shared and reloaded.

Streamlit puts a widget's value into the address and takes from there only what is among its options. So nothing that a
person writes into the address gets further.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

from portal.texts import plain

# What the filters of a row could not take from the address, in words.
_REFUSED: ContextVar[list[str] | None] = ContextVar("refused", default=None)
_LONGEST = 60

# Narrow pages show this line in place of the filters, until it is opened; look.css has how.
_FOLD = '<details class="fold"><summary>Filters</summary></details>'


@contextmanager
def row(key: str = "page", *, is_horizontal: bool = True) -> Iterator[None]:
    """Filters of a page, beside each other, and what in the address is no choice of theirs.

    On a telephone they are folded away.
    """
    refused: list[str] = []
    token = _REFUSED.set(refused)
    try:
        with st.container(key=f"filters-{key}", horizontal=is_horizontal, vertical_alignment="bottom"):
            st.html(_FOLD)
            yield
    finally:
        _REFUSED.reset(token)
    if refused:
        st.warning("\n\n".join(map(plain, refused)), icon=":material/filter_alt_off:")


def choose(
    name: str,
    label: str,
    options: Sequence[str],
    *,
    default: str,
    words: Callable[[str], str] = str,
    among: str | None = None,
) -> str:
    """One of some options. `name` is the name in the address.

    `among` says what the options are, such as `tickers loaded`. With it, a row says so where the address has another.
    """
    # Before the widget is drawn, which takes it away.
    asked = st.query_params.get(name)
    index = options.index(default)
    found = st.selectbox(label, options, index=index, key=name, format_func=words, bind="query-params")
    chosen = found if found in options else default
    refused = _REFUSED.get()
    if among and refused is not None and asked is not None and asked not in map(words, options):
        refused.append(f"{label}: {_cut(asked)} is none of the {among}. This is {words(chosen)}.")
    return chosen


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


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
