"""Tables that look alike: columns with human names, numbers and times written the same everywhere."""

from collections.abc import Mapping
from typing import Literal

import pandas as pd
import streamlit as st
from pandas.api.types import is_datetime64_any_dtype, is_integer_dtype, is_numeric_dtype
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from portal.texts import NO_VALUE

# Longer tables scroll within themselves.
_MOST_WITHOUT_SCROLLING = 26

TIME = "YYYY-MM-DD HH:mm"


def table(rows: pd.DataFrame | Styler, columns: Mapping[str, ColumnConfig | str] | None = None) -> None:
    """Draw a table. `columns` says of a column how it is shown, or what it is called.

    Others go by type and name, and those of a styled table by its style.
    """
    is_styled = isinstance(rows, Styler)
    data: pd.DataFrame = rows.data if is_styled else rows
    said = dict(columns or {})
    config = {str(name): _column(data[name], said.get(str(name)), is_styled) for name in data.columns}
    height: Literal["content", "auto"] = "content" if len(data) <= _MOST_WITHOUT_SCROLLING else "auto"
    st.dataframe(rows, hide_index=True, column_config=config, height=height, placeholder=NO_VALUE)


def _column(values: pd.Series, said: ColumnConfig | str | None, is_styled: bool) -> ColumnConfig:
    if said is not None and not isinstance(said, str):
        return said
    label = said or capitalised(str(values.name))
    if is_styled:
        return st.column_config.Column(label)
    if is_datetime64_any_dtype(values):
        return st.column_config.DatetimeColumn(label, format=TIME)
    if is_numeric_dtype(values):
        is_whole = is_integer_dtype(values)
        return st.column_config.NumberColumn(label, format="localized" if is_whole else None)
    return st.column_config.TextColumn(label)


def capitalised(text: str) -> str:
    """A text with a capital letter at its beginning, and all else as it is."""
    return text[:1].upper() + text[1:]
