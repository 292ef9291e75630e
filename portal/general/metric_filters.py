"""The filters of a question about metrics: comparisons to choose, and a condition that is written out."""

from collections.abc import Sequence

import streamlit as st

from metrics.comparisons import OPERATORS, WITHOUT_VALUES, Comparison, Operator, Value, read_comparison
from metrics.conditions import ConditionError, as_filter
from metrics.dimensions import Dimension
from metrics.query import MetricQuery
from metrics.semantic_manifest import MetricQueryError
from portal.general.metric_widgets import changed, drop_others, words_of
from portal.texts import plain
from portal.view import View

# Values of a dimension that are offered.
_MOST_VALUES = 1000

# The widgets' values in the session.
_FILTERS, _WHERE = "explorer_filters", "explorer_where"
_OPERATOR, _VALUES = "explorer_operator_", "explorer_values_"


def fill_filters(conditions: Sequence[str]) -> None:
    """Put conditions into the widgets: each into those of its dimension, and others into the one that is written."""
    state = st.session_state
    found: dict[str, Comparison] = {}
    free = []
    for condition in conditions:
        comparison = read_comparison(condition)
        if comparison and comparison.dimension not in found:
            found[comparison.dimension] = comparison
        else:
            free.append(condition)
    state[_FILTERS] = list(found)
    state[_WHERE] = free[0] if len(free) == 1 else " and ".join(f"({condition})" for condition in free)
    for dimension, comparison in found.items():
        state[_OPERATOR + dimension] = comparison.operator
        state[_VALUES + dimension] = list(comparison.values)


def comparisons(view: View, dimensions: Sequence[Dimension]) -> list[str]:
    """The conditions of the filters that are complete."""
    names = [each.name for each in dimensions if not each.grains]
    drop_others(_FILTERS, names)
    st.multiselect(
        "Filter by",
        names,
        key=_FILTERS,
        format_func=words_of,
        placeholder="nothing",
        select_all=False,
        on_change=changed,
    )
    chosen = [_comparison(view, name) for name in st.session_state[_FILTERS]]
    return [comparison.as_condition() for comparison in chosen if comparison.is_complete]


def _comparison(view: View, dimension: str) -> Comparison:
    state = st.session_state
    left, right = st.columns([1, 3])
    operator: Operator = left.selectbox(
        words_of(dimension), OPERATORS, key=_OPERATOR + dimension, on_change=changed, help=plain(dimension)
    )
    if operator in WITHOUT_VALUES:
        return Comparison(dimension, operator)
    most = 1 if operator in ("is at least", "is at most") else None
    key = _VALUES + dimension
    state[key] = state.get(key, [])[:most]
    found = _values(view, dimension)
    # Also values that came with the address and that this release does not have.
    options = [*found[:_MOST_VALUES], *(value for value in state[key] if value not in found[:_MOST_VALUES])]
    right.multiselect(
        "Values",
        options,
        key=key,
        format_func=str,
        placeholder="Choose",
        max_selections=most,
        select_all=False,
        on_change=changed,
        help=f"The first {_MOST_VALUES:,} values. For others write a condition." if len(found) > _MOST_VALUES else None,
    )
    return Comparison(dimension, operator, tuple(state[key]))


def _values(view: View, dimension: str) -> list[Value]:
    """The values of a dimension in the release, and one more than are offered where there are more."""
    try:
        rows = view.metrics(MetricQuery(group_by=(dimension,), limit=_MOST_VALUES + 2))
    except MetricQueryError:
        return []
    found: list[Value] = rows[dimension].dropna().tolist()
    # Pandas makes fractions of whole numbers among which one is missing.
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in found]


def free_condition() -> tuple[list[str], str | None]:
    """The condition that is written out, and why it is refused."""
    condition: str = st.text_area(
        "Condition",
        key=_WHERE,
        height=68,
        placeholder="trip__is_rain and date__season = 'winter'",
        help="One condition on dimensions, as MetricFlow writes them. It holds beside the filters.",
        on_change=changed,
    )
    if not condition.strip():
        return [], None
    try:
        as_filter(condition)
    except ConditionError as error:
        return [], str(error)
    return [condition], None
