"""Is all well? The answer in one line, then why not, then what to do: for `nyc health` and for the portal.

Whoever knows of a kind of trouble says so as `Trouble`; `quality/judging.py` asks all of them. Nothing here reads
anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# The line names so many troubles, and counts the others.
_NAMED = 4

# What makes readers see what was loaded or built anew.
PUBLISH_COMMANDS = ("nyc build", "nyc publish")


class Level(StrEnum):
    """How bad it is. What is wrong must not be used as it is; what needs attention can be."""

    WELL = "well"
    ATTENTION = "attention"
    WRONG = "wrong"


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble.

    `summary` is a few words for the line, such as `2 checks failed`. `reasons` say each in one line what is wrong.
    `advice` says what to do, and `commands` can be copied, to be run one after the other. `otherwise` are those to run
    in place of them where it is to stay as it is.
    """

    level: Level
    summary: str
    reasons: tuple[str, ...] = ()
    advice: str = ""
    commands: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """All troubles, the worst first."""

    troubles: tuple[Trouble, ...] = ()

    @classmethod
    def of(cls, troubles: Sequence[Trouble]) -> "Verdict":
        """The verdict on these troubles."""
        return cls(tuple(sorted(troubles, key=lambda trouble: trouble.level is not Level.WRONG)))

    @property
    def level(self) -> Level:
        """That of the worst trouble."""
        return self.troubles[0].level if self.troubles else Level.WELL

    @property
    def line(self) -> str:
        """The answer in one line."""
        if not self.troubles:
            return "All is well."
        said = [trouble.summary for trouble in self.troubles[:_NAMED]]
        more = len(self.troubles) - len(said)
        words = "; ".join(said) + (f"; and {more} more" if more else "")
        return f"Not well: {words}." if self.level is Level.WRONG else f"Needs attention: {words}."


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its word: `1 check`, `2 checks`."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
