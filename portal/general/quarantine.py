"""What was rejected, and why: as `nyc quarantine` says it."""

from collections.abc import Collection, Sequence
from html import escape

import duckdb
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from portal import filters
from portal.cards import Card, show_cards
from portal.charts import bar, by_month, show
from portal.filters import choose
from portal.states import nothing_to_show
from portal.tables import capitalised, table
from portal.texts import count, months_in_words, plain
from portal.view import View
from quality.quarantine import Rejection, rejections, suspect_files

_ALL = "all"

# Files above the tolerance that are named; the table has all.
_MOST_NAMED = 3


def render(view: View) -> None:
    """Draw the page."""
    st.title("Quarantine")
    st.caption(
        "Rows that no figure counts, because something in them cannot be true. They are kept with the reason. "
        "In the terminal: `nyc quarantine`."
    )
    try:
        found = view.read(rejections)
    except duckdb.CatalogException:
        nothing_to_show("This release has no table of rejected rows: it is not built yet.")
        return
    if not found:
        st.success("Nothing was rejected.", icon=":material/check_circle:")
        return
    _show_conclusion(found)
    shown = _filtered(found)
    if not shown:
        st.info("Nothing was rejected of these. Choose others.", icon=":material/info:")
        return
    _show_figures(shown, suspect_files(found))
    _show_chart(shown)
    _show_table(shown)
    _show_examples(shown)


def _show_conclusion(found: Sequence[Rejection]) -> None:
    suspect = suspect_files(found)
    above = {file: each for each in found if (file := (each["feed"], each["period"])) in suspect}
    if not above:
        known = "" if all(each["is_tolerated"] for each in found) else ", or more for a reason that is known"
        st.success(f"Every file has as few rejected rows as is tolerated{known}.", icon=":material/check_circle:")
        return
    named = "; ".join(
        f"{feed} {period} ({each['share_of_file']:.2%}, tolerated are {each['tolerance']:.2%})"
        for (feed, period), each in sorted(above.items(), key=lambda one: one[0][1], reverse=True)[:_MOST_NAMED]
    )
    more = len(above) - _MOST_NAMED
    named += f"; and {more:,} more" if more > 0 else ""
    files = "1 file has" if len(above) == 1 else f"{len(above):,} files have"
    st.warning(plain(f"{files} more rejected rows than is tolerated: {named}"), icon=":material/warning:")


def _filtered(found: Sequence[Rejection]) -> list[Rejection]:
    """What the filters leave, the worst first. Each offers all that there is, so that an address holds."""
    with filters.row():
        chosen = {
            name: choose(name, label, [_ALL, *sorted({each[name] for each in found})], default=_ALL)
            for name, label in (("subject", "Subject"), ("feed", "Feed"), ("reason", "Reason"))
        }
        years = sorted({each["period"][:4] for each in found}, reverse=True)
        year = choose("year", "Year", [_ALL, *years], default=_ALL)
    shown = [
        each
        for each in found
        if all(value in (_ALL, each[name]) for name, value in chosen.items()) and year in (_ALL, each["period"][:4])
    ]
    return sorted(shown, key=lambda each: (each["is_tolerated"], -each["share"]))


def _show_figures(shown: Sequence[Rejection], suspect: Collection[tuple[str, str]]) -> None:
    files = {(each["feed"], each["period"]) for each in shown}
    above = files.intersection(suspect)
    show_cards(
        [
            Card("Rejected rows", count(sum(each["rows"] for each in shown))),
            Card("Reasons", count(len({each["reason"] for each in shown}))),
            Card("Files with some", count(len(files))),
            Card("Files above tolerance", count(len(above))),
        ],
        key="quarantine",
    )


def _show_chart(shown: Sequence[Rejection]) -> None:
    # A chart takes some markup for what it says.
    rows = pd.DataFrame(
        [
            {"month": each["period"][:7], "reason": escape(_words(each["reason"])), "rows": each["rows"]}
            for each in shown
        ]
    )
    summed = rows.groupby(["month", "reason"], as_index=False)["rows"].sum()
    months = pd.to_datetime(summed["month"])
    labels = {"month": "", "rows": "rejected rows", "reason": ""}
    figure = bar(summed.assign(month=months), x="month", y="rows", colour="reason", labels=labels)
    period = months_in_words(months.min(), months.max())
    show(
        by_month(figure, months),
        title="Rejected rows by month and reason",
        about=f"Rows by month of the file, {period}",
        key="rejected-by-month",
    )


def _show_table(shown: Sequence[Rejection]) -> None:
    st.subheader("By file and reason", anchor=False)
    st.caption("The share is of all rows that were published in the file. Above its tolerance a file is suspect.")
    rows = pd.DataFrame(
        {
            "feed": [each["feed"] for each in shown],
            "period": [each["period"] for each in shown],
            "reason": [each["reason"] for each in shown],
            "rows": [each["rows"] for each in shown],
            "share": [each["share"] for each in shown],
            "all rejected of the file": [each["share_of_file"] for each in shown],
            "tolerance": [each["tolerance"] for each in shown],
            "tolerated": ["✓ yes" if each["is_tolerated"] else "⚠ no" for each in shown],
            "explanation": [each["explanation"] or "" for each in shown],
            "subject": [each["subject"] for each in shown],
        }
    )
    if rows["subject"].nunique() == 1:
        rows = rows.drop(columns="subject")
    if not rows["explanation"].any():
        rows = rows.drop(columns="explanation")
    table(
        rows,
        {
            "feed": st.column_config.TextColumn("Feed", pinned=True),
            "share": _percent("Share", "Of all rows that were published in the file"),
            "all rejected of the file": _percent("Of the file", "All rejected rows of the file, for whatever reason"),
            "tolerance": _percent("Tolerance", "Above it a file is suspect"),
        },
    )


def _percent(label: str, about: str) -> ColumnConfig:
    return st.column_config.NumberColumn(label, format="percent", help=about)


def _words(reason: str) -> str:
    """A reason as people read it: `dropoff before pickup`."""
    return reason.replace("_", " ")


def _show_examples(shown: Sequence[Rejection]) -> None:
    st.subheader("Examples", anchor=False)
    by_name = {f"{each['feed']}:{each['period']}:{each['reason']}": each for each in shown}
    name = choose("example", "Feed, period and reason", list(by_name), default=next(iter(by_name)))
    each = by_name[name]
    text = (
        f"{capitalised(_words(each['reason']))}: {count(each['rows'])} rows, {100 * each['share']:.2g} % of the file."
    )
    st.markdown(plain(" ".join(filter(None, (text, each["explanation"])))))
    # As texts: the columns of an example may be of any type.
    rows = [{key: "missing" if value is None else str(value) for key, value in one.items()} for one in each["examples"]]
    table(pd.DataFrame(rows).rename(columns={"row": "row of the file"}))
