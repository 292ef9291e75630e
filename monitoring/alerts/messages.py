"""What people read: an alert of conditions that are new, and one of those that are over."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from monitoring.alerts.conditions import Condition
from monitoring.alerts.delivery import Alert
from monitoring.alerts.outages import Outage
from monitoring.runbooks import Runbook
from warehouse.verdict import Trouble

_NAMED = 10

_TITLES = {
    Runbook.RUN_FAILED: "Run failed",
    Runbook.FRESHNESS_MISSED: "Freshness missed",
    Runbook.GAP: "Gap",
    Runbook.QUARANTINE: "Quarantine above tolerance",
    Runbook.SCHEMA_DRIFT: "Schema drift",
    Runbook.CHECK_FAILED: "Check failed",
    Runbook.DISK_NEARLY_FULL: "Disk nearly full",
}


def alerts_of(conditions: Iterable[Condition]) -> list[Alert]:
    """One alert for each kind of condition, which names all that are new, or the first and how many more."""
    by_runbook: dict[Runbook, list[Condition]] = {}
    for condition in conditions:
        by_runbook.setdefault(condition.runbook, []).append(condition)
    return [_alert_of(runbook, group) for runbook, group in by_runbook.items()]


def _alert_of(runbook: Runbook, conditions: Sequence[Condition]) -> Alert:
    troubles = troubles_of(conditions)
    headline = f"{_TITLES[runbook]}: {'; '.join(trouble.summary for trouble in troubles)}"
    return Alert(headline, "\n\n".join(map(_said_of, troubles)), (runbook.url,))


def troubles_of(conditions: Iterable[Condition]) -> list[Trouble]:
    """The troubles of conditions, in the words of whoever knows of them."""
    facts: dict[Callable[[Sequence[Any]], Iterable[Trouble]], list[Any]] = {}
    for condition in conditions:
        known = facts.setdefault(condition.words, [])
        # Two conditions may be of one fact. Facts need not be hashable.
        known += [fact for fact in condition.facts if not any(fact is other for other in known)]
    return [trouble for words, of_words in facts.items() for trouble in words(of_words)]


def _said_of(trouble: Trouble) -> str:
    more = len(trouble.reasons) - _NAMED
    lines = [f"- {' '.join(reason.split())}" for reason in islice(trouble.reasons, _NAMED)]
    lines += [f"- and {more:,} more: nyc health --live"] if more > 0 else []
    lines += [f"What to do: {trouble.advice}"] if trouble.advice else []
    lines += [f"  {command}" for command in trouble.commands]
    lines += ["If it is to stay as it is:"] if trouble.otherwise else []
    lines += [f"  {command}" for command in trouble.otherwise]
    return "\n".join(lines)


def alert_of_over(over: Sequence[Outage]) -> Alert:
    """The alert of outages that are over, by their labels."""
    runbooks = [outage.runbook for outage in over]
    kinds = ", ".join(dict.fromkeys(_TITLES[runbook].lower() for runbook in runbooks))
    more = len(over) - _NAMED
    lines = [f"- {outage.label}" for outage in over[:_NAMED]] + ([f"- and {more:,} more"] if more > 0 else [])
    return Alert(f"Over: {kinds}", "\n".join(lines))
