"""What people may be told of: conditions, and what was found at one look."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from monitoring.runbooks import Runbook
from warehouse.verdict import Trouble


class Source(StrEnum):
    """Where a condition is seen. A source that cannot be looked at now says nothing: what was told stays told."""

    LEDGER = "ledger"
    DISK = "disk"


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong.

    `key` is the same as long as it is the same thing, and begins with its source. `label` names it in a few words.
    `facts` are what `words` makes troubles of, for all conditions of a message together: the words of `nyc health`.
    One that `is_patient` is told only if it stays, because a load or a build that is on its way may end it. `since` is
    when it was so at the latest, in seconds since 1970; None where only the look tells.
    """

    key: str
    runbook: Runbook
    label: str
    facts: tuple[Any, ...]
    words: Callable[[Sequence[Any]], Iterable[Trouble]]
    is_patient: bool = True
    since: float | None = None


@dataclass(frozen=True)
class Look:
    """What was found, at which sources, and the keys of which nobody can say now whether they are still so."""

    conditions: tuple[Condition, ...] = ()
    sources: frozenset[Source] = frozenset()
    unsure: frozenset[str] = field(default_factory=frozenset)

    def has_seen(self, key: str) -> bool:
        """Whether the look can say of a condition that it is over, if it is not among those found."""
        return key.partition("/")[0] in self.sources and key not in self.unsure
