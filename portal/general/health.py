"""Is all well? In one line, then why not, then what to do; below it all that the answer is made of."""

import pandas as pd
import streamlit as st

from ingestion.ledger_gaps import Freshness, LedgerState, freshness, read_ledger_state
from portal.cards import Card, show_cards
from portal.general.gaps import show_gaps
from portal.general.judged import plan_of, show_verdict, verdict_of
from portal.session import link_to
from portal.states import nothing_to_show, show_commands
from portal.tables import capitalised, table
from portal.texts import count, plain
from portal.view import View
from quality.health import Check, count_failed, latest_checks
from quality.judging import Room, is_ahead, room
from warehouse.ledger import utc_now
from warehouse.releases import Release
from warehouse.verdict import Trouble

_SIGNS = {"success": "✓ ", "failed": "✗ "}

# A trouble shows so many reasons; the others are below, in the tables.
_REASONS = 8

_RUNS = """
    select
        started_at as "started (UTC)",
        kind,
        started_by as by,
        status,
        case when finished_at is not null then round(date_diff('millisecond', started_at, finished_at) / 1000, 1) end
            as seconds,
        coalesce(error, '') as error
    from meta.ingestion_runs
    qualify row_number() over (partition by kind order by started_at desc) <= 5
    order by started_at desc
"""

_VERSIONS = """
    select
        published_at as "published (UTC)",
        release_id as release,
        published_by as by,
        rows,
        parts_written as "files written",
        round(bytes_written / 1e6, 1) as "MB written"
    from meta.published_versions
    order by published_at desc
    limit 10
"""


def render(view: View) -> None:
    """Draw the page."""
    now = utc_now()
    state = view.read(read_ledger_state)
    plan = plan_of(view, state)
    fresh = freshness(plan, state)
    checks = view.read(latest_checks)
    found = room()
    st.title("Health")
    verdict = verdict_of(view)
    show_verdict(verdict)
    _show_figures(fresh, sum(bool(planned.open_gaps) for planned in plan), checks, found)
    for trouble in verdict.troubles:
        _show_trouble(trouble)
    _say_what_is_judged(view.release, found)
    _show_freshness(fresh, state)
    show_gaps(view, plan, state, now)
    _show_checks(checks)
    _show_table(view.rows(_RUNS), "Last runs", "The last five of each kind, whoever started them, until this release.")
    _show_table(view.rows(_VERSIONS), "Published versions", "The last ten. Those that can still be read: Releases.")
    _show_sizes(view.release, found)


def _show_trouble(trouble: Trouble) -> None:
    with st.container(border=True):
        why, what = st.columns([3, 2], gap="large")
        with why:
            st.markdown(f"**{plain(trouble.summary[:1].upper() + trouble.summary[1:])}**")
            lines = [f"- {plain(reason)}" for reason in trouble.reasons[:_REASONS]]
            if more := len(trouble.reasons) - len(lines):
                lines.append(f"- and {more:,} more")
            st.markdown("\n".join(lines))
        with what:
            st.markdown(plain(trouble.advice))
            if trouble.commands:
                show_commands(trouble.commands)
            if trouble.otherwise:
                st.caption("Or, if it stays as it is:")
                show_commands(trouble.otherwise)
            if "nyc quarantine" in trouble.commands:
                link_to("quarantine", "Rejected rows and examples", "rule")


def _say_what_is_judged(release: Release, found: Room) -> None:
    text = "This judges the release that is shown, today. What was loaded, built or checked since is not in it."
    if is_ahead(found, release.published_at):
        text += (
            f" The working file was written later, at {found.written_at:%Y-%m-%d %H:%M} UTC: it may hold more. "
            "To judge that: nyc health --live. To publish it: nyc publish."
        )
    st.caption(plain(text))


def _show_figures(fresh: list[Freshness], gaps: int, checks: list[Check], found: Room) -> None:
    failed, warned = count_failed(checks), count_failed(checks, "warn")
    checked = len({(check["source"], check["asset"], check["check"]) for check in checks})
    show_cards(
        [
            Card("Feeds up to date", f"{sum(not one.is_behind for one in fresh)} of {len(fresh)}"),
            Card("Open gaps", count(gaps)),
            Card("Checks passed", f"{checked - failed - warned} of {checked}"),
            Card("Free on disk", f"{found.free / 1e9:,.0f} GB"),
        ],
        key="health",
    )


def _show_freshness(fresh: list[Freshness], state: LedgerState) -> None:
    st.subheader("Freshness by feed", anchor=False)
    if not fresh:
        nothing_to_show("Nothing is loaded of any feed.")
        return
    st.caption("Up to when each feed is loaded, and when the next file is due by the publisher's usual lag.")
    rows = sum_rows(state)
    state_of_feeds = pd.DataFrame(
        {
            "feed": [one.feed.name for one in fresh],
            "state": [_in_words(one) for one in fresh],
            "newest loaded": [one.newest.key if one.newest else "nothing" for one in fresh],
            "next": [one.next.key if one.next else "none" for one in fresh],
            "due on": [f"{one.next_due_on or ''}" for one in fresh],
            "lag, days": [one.feed.publication_lag_days for one in fresh],
            "rows loaded": [rows.get(one.feed.name, 0) for one in fresh],
        }
    )
    # The file of a reference feed is of no time. The period it is filed under says nothing.
    of_no_time = [one.feed.is_reference for one in fresh]
    table(
        state_of_feeds.style.format("no period", subset=(of_no_time, "newest loaded")),
        {
            "rows loaded": st.column_config.NumberColumn("Rows loaded", format="localized"),
            "feed": st.column_config.TextColumn("Feed", pinned=True),
            "lag, days": st.column_config.NumberColumn(
                "Lag, days", help="How long after a period ends its file is published"
            ),
        },
    )


def _in_words(one: Freshness) -> str:
    if one.is_behind and one.next and one.next_due_on:
        return f"⚠ {one.due} {one.feed.grain}{'' if one.due == 1 else 's'} behind since {one.next_due_on}"
    return "✓ up to date"


def sum_rows(state: LedgerState) -> dict[str, int]:
    """The rows loaded of each feed."""
    rows: dict[str, int] = {}
    for (feed, _), watermark in state.watermarks.items():
        rows[feed] = rows.get(feed, 0) + watermark.rows
    return rows


def _show_checks(checks: list[Check]) -> None:
    st.subheader("Checks", anchor=False)
    if not checks:
        nothing_to_show("Nothing was checked.", ("nyc build", "nyc check", "nyc publish"))
        return
    last = max(check["checked_at"] for check in checks)
    st.caption(
        plain(
            f"The last result of every check of dbt, Great Expectations and Dagster, until {last:%Y-%m-%d %H:%M} UTC."
        )
    )
    bad = [check for check in checks if not check["passed"]]
    if not bad:
        st.success("Every check passed.", icon=":material/check_circle:")
    else:
        shown = pd.DataFrame(
            {
                "result": ["✗ failed" if check["severity"] == "error" else "⚠ warned" for check in bad],
                "check": [f"{check['asset']}.{check['check']}" for check in bad],
                "of": [check["partition"] or "all" for check in bad],
                "observed": [check["observed"] for check in bad],
                "expected": [check["expected"] for check in bad],
                "rows": [", ".join(check["rows"]) for check in bad],
                "at (UTC)": [check["checked_at"] for check in bad],
            }
        ).sort_values("result", kind="stable")
        table(shown)
    table(_counted(checks))


def _counted(checks: list[Check]) -> pd.DataFrame:
    """How many checks there are and how they ended, by subject and who checks."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check["subject"], check["source"]), []).append(check)
    return pd.DataFrame(
        [
            {
                "subject": subject,
                "checked by": source.replace("_", " "),
                "checks": len({(each["asset"], each["check"]) for each in group}),
                "failed": count_failed(group),
                "warned": count_failed(group, "warn"),
                "last at (UTC)": max(each["checked_at"] for each in group),
            }
            for (subject, source), group in groups.items()
        ]
    )


def _show_table(rows: pd.DataFrame, title: str, about: str) -> None:
    st.subheader(title, anchor=False)
    st.caption(plain(about))
    if rows.empty:
        st.info("There are none yet.", icon=":material/info:")
        return
    if "status" in rows:
        rows = rows.assign(status=[_SIGNS.get(status, "") + status for status in rows["status"]])
    one_decimal = {
        name: st.column_config.NumberColumn(capitalised(name), format="%,.1f")
        for name in ("seconds", "MB written")
        if name in rows
    }
    table(rows, {"error": st.column_config.TextColumn("Error", width="large"), **one_decimal})


def _show_sizes(release: Release, found: Room) -> None:
    st.subheader("Disk", anchor=False)
    st.caption(plain(f"The disk of {found.folder}. Releases share the files that did not change."))
    show_cards(
        [
            Card("This release", _megabytes(release.size)),
            Card("Working file", _megabytes(found.taken) if found.taken else "none"),
            Card("Free", _megabytes(found.free)),
        ],
        key="disk",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size < 10e9 else f"{size / 1e9:,.0f} GB"
