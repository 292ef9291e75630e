"""What is to be told of a look, by what was told before. Nothing here reads, writes or sends anything.

An outage begins when a condition is seen, and is over when it was not seen for `SETTLED_SECONDS`: what comes back
before is the same outage. Each is told once, and that it is over once. One that was over before it was told is not
told at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitoring.alerts.conditions import Condition, Look
from monitoring.runbooks import Runbook

# A condition that comes and goes, such as a disk at its limit, is one outage.
SETTLED_SECONDS = 600


@dataclass(frozen=True)
class Outage:
    """A condition that was seen. Times are seconds since 1970; None: it was not told, or is not gone."""

    runbook: Runbook
    label: str
    since: float
    told_at: float | None = None
    gone_since: float | None = None


Outages = Mapping[str, Outage]
"""By the key of the condition."""


@dataclass(frozen=True)
class Decision:
    """What to tell, what to tell the end of, and what is known after that."""

    to_tell: tuple[Condition, ...]
    over: tuple[Outage, ...]
    outages: dict[str, Outage]


def decide(known: Outages, look: Look, now: float, *, patience: float) -> Decision:
    """Decide what to tell at `now`. A patient condition is told when it has been so for `patience` seconds."""
    to_tell: list[Condition] = []
    outages: dict[str, Outage] = {}
    for condition in look.conditions:
        since = min(now, now if condition.since is None else condition.since)
        outage = known.get(condition.key) or Outage(condition.runbook, condition.label, since)
        outage = replace(outage, label=condition.label, gone_since=None)
        if outage.told_at is None and now - outage.since >= (patience if condition.is_patient else 0):
            to_tell.append(condition)
            outage = replace(outage, told_at=now)
        outages[condition.key] = outage
    over = []
    for key, outage in known.items():
        if key in outages:
            continue
        if not look.has_seen(key):
            outages[key] = outage
        elif outage.told_at is None:
            continue
        elif outage.gone_since is None:
            outages[key] = replace(outage, gone_since=now)
        elif now - outage.gone_since < SETTLED_SECONDS:
            outages[key] = outage
        else:
            over.append(outage)
    return Decision(tuple(to_tell), tuple(over), outages)
