"""The releases: when, by whom, how much; what differs between two; and how to open them with other tools."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from portal.comparing import compare, show_comparison
from portal.filters import choose
from portal.session import show_release
from portal.states import show_commands
from portal.tables import table
from portal.texts import plain
from portal.view import View
from warehouse.connection import WarehouseError
from warehouse.releases import Release, Releases

_MEGABYTE = 1_000_000


def render(view: View) -> None:
    """Draw the page."""
    st.title("Releases")
    st.caption("What was published, by whom and when. A release never changes; one of them is the current one.")
    releases = Releases()
    there = sorted([*releases.all()], key=lambda release: release.id, reverse=True)
    _show_list(view, releases, there)
    _show_difference(releases, there)
    _show_how_to_open(releases.link, view.release)


def _show_list(view: View, releases: Releases, there: Sequence[Release]) -> None:
    table(
        pd.DataFrame([_row(release, view, releases) for release in there]),
        {
            "published": "Published (UTC)",
            "rows": st.column_config.NumberColumn("Rows", format="localized", help="Of all tables"),
            "megabytes": st.column_config.NumberColumn(
                "MB", format="%,.1f", help="Files that two releases share count in both, and are on disk once"
            ),
            "passed": "Checks passed",
            "warned": "Warned",
        },
    )
    others = [release.id for release in there if release.id != view.release.id]
    if others:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox("Look at another release", others, width=300)
            if st.button("Look at it"):
                show_release(releases.find(chosen))
                st.rerun()


def _row(release: Release, view: View, releases: Releases) -> dict[str, object]:
    return {
        "release": release.id,
        "state": _state(release, view, releases),
        "published": release.published_at,
        "by": release.published_by,
        "rows": sum(table.rows for table in release.tables),
        "megabytes": release.size / _MEGABYTE,
        "passed": release.checks.get("passed"),
        "warned": release.checks.get("warned"),
    }


def _state(release: Release, view: View, releases: Releases) -> str:
    withdrawn = releases.withdrawn().get(release.id)
    current = releases.current()
    words = [
        "current" if current and release.id == current.id else "",
        f"withdrawn by {withdrawn.by} at {withdrawn.at:%Y-%m-%d %H:%M}" if withdrawn else "",
        "shown here" if release.id == view.release.id else "",
    ]
    return ", ".join(word for word in words if word)


def _show_difference(releases: Releases, there: Sequence[Release]) -> None:
    st.header("What differs between two releases", anchor=False)
    if len(there) < 2:
        st.markdown("There is one release. The next one can be compared with it.")
        return
    by_id = {release.id: release for release in there}
    ids = list(by_id)
    before, after = st.columns(2)
    with before:
        old = choose("old", "Before", ids, default=ids[1])
    with after:
        new = choose("new", "After", ids, default=ids[0])
    try:
        show_comparison(compare(by_id[old], by_id[new]))
    except WarehouseError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
    st.caption("Rows added, gone and changed, and sums of money, for each partition; with --rows also examples:")
    show_commands([f"nyc diff {old} {new}"])


def _show_how_to_open(link: Path, release: Release) -> None:
    st.header("Open it with other tools", anchor=False)
    st.markdown("One address always leads to the current release. It is read-only, and never locked.")
    tools: tuple[tuple[str, str, str], ...] = (
        ("DuckDB", "bash", f'duckdb -readonly "{link}"'),
        (
            "Python",
            "python",
            "from warehouse.releases import open_release\n\nwith open_release() as connection:\n"
            '    print(connection.sql("show all tables"))',
        ),
        ("Metrics", "bash", "nyc metrics list"),
        ("Files for other tools", "bash", "nyc export --format parquet"),
    )
    for tab, (_, language, text) in zip(st.tabs([title for title, *_ in tools]), tools, strict=True):
        tab.code(text, language=language, wrap_lines=True)
    st.caption(
        "BI tools take the address as a DuckDB file. A tool that holds it keeps its release until it reconnects."
    )
