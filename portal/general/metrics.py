"""The metrics page: ask any question that MetricFlow allows, or look at what there is to ask."""

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from metrics.query import Metric, list_metrics
from portal.general.metric_answer import show_answer
from portal.general.metric_question import ask, start_with
from portal.texts import plain
from portal.view import View


def render(view: View) -> None:
    """Draw the page."""
    title, again = st.columns([4, 1], vertical_alignment="bottom")
    title.title("Metrics")
    metrics = list_metrics(view.source)
    place = again.empty()
    asked = ask(view, metrics)
    if asked.problems:
        left_out = "\n".join(f"- {plain(problem)}" for problem in asked.problems)
        st.warning(f"Left out of the question:\n\n{left_out}", icon=":material/filter_alt_off:")
    if asked.question is None:
        return
    if not asked.question.metrics:
        _browse(metrics)
        return
    place.button("All metrics", icon=":material/list:", on_click=start_with, args=(None,), width="stretch")
    show_answer(view, asked.question, {metric.name: metric for metric in metrics})


def _browse(metrics: Sequence[Metric]) -> None:
    """Every metric by category. A click asks for it."""
    st.caption("Choose a metric to ask for it, then group and filter.")
    by_category = {category: list(members) for category, members in groupby(metrics, key=lambda one: one.category)}
    for number, (category, members) in enumerate(by_category.items()):
        with st.expander(f"**{plain(category)}** · {len(members)}", expanded=number == 0):
            for metric in members:
                name, about = st.columns([1, 2.4])
                name.button(
                    f":primary[{plain(metric.label)}]",
                    key=f"ask_{metric.name}",
                    on_click=start_with,
                    args=(metric.name,),
                    type="tertiary",
                    help=plain(metric.name),
                )
                unit_and_owner = f"{plain(metric.unit)} · {plain(metric.owner)}"
                about.markdown(f":small[{plain(metric.description)}]  \n:small[:gray[{unit_and_owner}]]")
