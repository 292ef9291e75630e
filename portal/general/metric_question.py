"""The question of the metrics page: widgets on one side, the address on the other.

The address has the whole question. It is read when a person comes with it, and written when a person changes a widget.
Widgets are not bound to it by Streamlit, because Streamlit drops silently what is not valid in an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import streamlit as st

from metrics.dimensions import Dimension, dimensions_of
from metrics.query import Metric, MetricQuery
from metrics.questions import as_address, few, read_address, shortened, valid_part
from portal.general.metric_filters import comparisons, fill_filters, free_condition
from portal.general.metric_widgets import CHANGED, TIME, changed, drop_others, words_of
from portal.texts import plain
from portal.view import View

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
_MOST_ROWS = 10**8

# The widgets' values in the session.
METRICS = "explorer_metrics"
_BY, _GRAIN = "explorer_by", "explorer_grain"
_START, _END, _ORDER, _LIMIT = "explorer_start", "explorer_end", "explorer_order", "explorer_limit"

# The address that was read or written last, and what in it was not valid.
_ADDRESS, _PROBLEMS = "explorer_address", "explorer_problems"


@dataclass(frozen=True)
class Asked:
    """What a person asks. There is no question where something in it must be mended first."""

    question: MetricQuery | None
    problems: Sequence[str] = ()


def start_with(metric: str | None) -> None:
    """Begin a new question: about a metric, or about nothing yet."""
    _fill(MetricQuery(() if metric is None else (metric,)))
    changed()


def ask(view: View, metrics: Sequence[Metric]) -> Asked:
    """Draw the widgets, and say what is asked. Without a chosen metric nothing is."""
    _take_address(view)
    problems = list(st.session_state[_PROBLEMS])
    chosen = _metrics(metrics)
    if not chosen:
        _write_address(MetricQuery())
        return Asked(MetricQuery(), problems)
    dimensions = _dimensions(view.release.id, chosen, view)
    group_by, dropped = _groups(dimensions)
    with st.expander("Period, order and filters", icon=":material/filter_alt:"):
        start, end, order_by, limit = _bounds_and_order(chosen, group_by)
        conditions = comparisons(view, dimensions)
        free, refused = free_condition()
    problems += dropped
    if start and end and start > end:
        refused = "The first day is after the last."
    if refused:
        st.error(plain(refused), icon=":material/error:")
        return Asked(None, problems)
    question = MetricQuery(chosen, group_by, (*conditions, *free), order_by, limit, start, end)
    _write_address(question)
    return Asked(question, problems)


def _take_address(view: View) -> None:
    """Fill the widgets from the address where a person came with it."""
    state = st.session_state
    if state.pop(CHANGED, False):
        state[_PROBLEMS] = []
        return
    address = {part: st.query_params.get_all(part) for part in st.query_params}
    if state.get(_ADDRESS) == address and METRICS in state:
        return
    question, problems = read_address(address)
    valid, more = valid_part(question, view.source)
    problems += more
    if question.saved_query:
        problems.append("saved: ask saved queries with nyc query --saved")
    problems += _fill(valid)
    state[_PROBLEMS] = few(problems)
    state[_ADDRESS] = address


def _write_address(question: MetricQuery) -> None:
    address = as_address(question)
    if {part: st.query_params.get_all(part) for part in st.query_params} != address:
        st.query_params.from_dict(address)
    st.session_state[_ADDRESS] = address


def _fill(question: MetricQuery) -> list[str]:
    """Put a question into the widgets, and say what they cannot hold."""
    state = st.session_state
    times = [name for name in question.group_by if name.startswith(f"{TIME}__")]
    days = {key: day.date() if day else None for key, day in ((_START, question.start), (_END, question.end))}
    beyond = [key for key, day in days.items() if day and not _FIRST_DAY <= day <= _LAST_DAY]
    state[METRICS] = list(question.metrics)
    state[_GRAIN] = times[0] if times else ""
    state[_BY] = [name for name in question.group_by if name not in times]
    fill_filters(question.where)
    state[_ORDER] = list(question.order_by)
    state[_LIMIT] = question.limit
    for key, day in days.items():
        state[key] = None if key in beyond else day
    return [f"by: only one grain of {TIME}, not also {shortened(name)}" for name in times[1:]] + [
        f"{key.removeprefix('explorer_')}: expected a day from {_FIRST_DAY} to {_LAST_DAY}" for key in beyond
    ]


def _metrics(metrics: Sequence[Metric]) -> tuple[str, ...]:
    words = {metric.name: f"{metric.label} · {metric.category}" for metric in metrics}
    drop_others(METRICS, list(words))
    st.multiselect(
        "Metrics",
        list(words),
        key=METRICS,
        format_func=lambda name: words.get(name, name),
        # The title of the page says the same.
        label_visibility="collapsed",
        placeholder=f"Choose among {len(words)}, or type to search",
        select_all=False,
        on_change=changed,
    )
    return tuple(st.session_state[METRICS])


def _groups(dimensions: Sequence[Dimension]) -> tuple[tuple[str, ...], list[str]]:
    """What to group by, the time first, and what was chosen before but is not to be had for these metrics."""
    state = st.session_state
    grains = ["", *(name for each in dimensions if each.name == TIME for name in each.groups)]
    options = [name for each in dimensions if each.name != TIME for name in each.groups]
    dropped = drop_others(_BY, options)
    if state[_GRAIN] not in grains:
        dropped.append(state[_GRAIN])
        state[_GRAIN] = ""
    by, grain = st.columns([3, 1])
    by.multiselect(
        "Group by",
        options,
        key=_BY,
        format_func=words_of,
        placeholder="nothing",
        select_all=False,
        on_change=changed,
        help="What all chosen metrics can be grouped by.",
    )
    grain.selectbox(
        "Over time",
        grains,
        key=_GRAIN,
        format_func=lambda name: f"by {words_of(name)}" if name else "no",
        on_change=changed,
    )
    chosen = (*([state[_GRAIN]] if state[_GRAIN] else []), *state[_BY])
    return chosen, [f"by: not all chosen metrics can be grouped by {words_of(name)}" for name in dropped]


def _bounds_and_order(
    metrics: Sequence[str], group_by: Sequence[str]
) -> tuple[datetime | None, datetime | None, tuple[str, ...], int | None]:
    options = [f"{sign}{name}" for name in (*metrics, *group_by) for sign in ("-", "")]
    drop_others(_ORDER, options)
    row = st.container(horizontal=True)
    for label, key in (("From", _START), ("To", _END)):
        row.date_input(
            label,
            value=None,
            width=160,
            min_value=_FIRST_DAY,
            max_value=_LAST_DAY,
            key=key,
            format="YYYY-MM-DD",
            on_change=changed,
        )
    row.multiselect(
        "Order by",
        options,
        key=_ORDER,
        format_func=lambda name: f"{words_of(name.removeprefix('-'))} {'↓' if name.startswith('-') else '↑'}",
        placeholder="the groups",
        select_all=False,
        on_change=changed,
    )
    row.number_input(
        "Rows",
        width=160,
        min_value=1,
        max_value=_MOST_ROWS,
        value=None,
        step=1,
        key=_LIMIT,
        placeholder="all",
        on_change=changed,
    )
    state = st.session_state
    start, end = (datetime.combine(day, time()) if (day := state[key]) else None for key in (_START, _END))
    return start, end, tuple(state[_ORDER]), state[_LIMIT]


@st.cache_data(max_entries=200, show_spinner=False)
def _dimensions(release_id: str, metrics: tuple[str, ...], _view: View) -> list[Dimension]:
    return dimensions_of(metrics, _view.source)
