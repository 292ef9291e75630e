"""The figures at the top of a page: a few numbers in a line, each with its name and unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from portal.texts import plain


@dataclass(frozen=True)
class Card:
    """A figure in words. `help` says what it is; `change` how it differs from before."""

    label: str
    value: str
    help: str | None = None
    change: str | None = None


def show_cards(cards: Sequence[Card], *, key: str) -> None:
    """Draw figures beside each other, as many in a line as fit."""
    with st.container(key=f"cards-{key}", horizontal=True):
        for card in cards:
            st.metric(
                card.label,
                card.value,
                delta=card.change,
                # More is neither good nor bad.
                delta_color="off",
                help=None if card.help is None else plain(card.help),
                border=True,
                height="stretch",
            )
