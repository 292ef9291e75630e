"""A downloaded file, and the words in which messages speak of it."""

import re
from dataclasses import dataclass
from pathlib import Path

from ingestion.errors import UnreadableFileError, load_again
from ingestion.partitions import Partition

_BEGINNING_BYTES = 40
_REASON_CHARACTERS = 250


@dataclass(frozen=True)
class PublishedFile:
    """The file of a partition. `called` is its name in messages, where it has none of its own."""

    partition: Partition
    path: Path
    called: str = ""

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.called or self.path.name

    @property
    def load_again(self) -> str:
        """What helps where the file was damaged on its way: "load the month again"."""
        return load_again(self.partition.feed.grain)

    def unreadable(self, expected: str, came: str, advice: str = "") -> UnreadableFileError:
        """The error for a file that is not as expected. Without other advice it is to be loaded again."""
        advice = advice or f"{self.load_again.capitalize()}."
        return UnreadableFileError(f"{self.name}: expected {expected}, but {came}. {advice}")

    def beyond_bounds(self, expected: str, came: str) -> UnreadableFileError:
        """The error for a file that is larger in some way than any that the feed has had."""
        return self.unreadable(
            expected,
            f"{came}, which no file of {self.partition.feed.name} has",
            f"Look at the publisher's page; {self.load_again} when the file is repaired.",
        )

    def wrong_values(self, error: Exception) -> UnreadableFileError:
        """The error for values that are not of the types that the feed declares."""
        return self.unreadable(
            f"values of the types in {self.partition.feed.declared_in}",
            self.reason(error),
            f"{self.load_again.capitalize()}; if it stays so, the publisher's file is broken, or has changed for good "
            "and the feed must follow.",
        )

    def beginning(self) -> str:
        """How the file begins, which tells what it is."""
        return beginning(self.path)

    def reason(self, error: Exception) -> str:
        """What DuckDB says is wrong, without its advice, the statement, and the folder, which is gone by then."""
        text = re.split(r"\n\*|\nLINE |\n?Possible |\n?Candidate |\n\s*file ?=", str(error))[0]
        text = text.replace(f"{self.path.parent}/", "") if self.path.is_absolute() else text
        text = re.sub(r"(Original Line: .{60}).*", r"\1…", re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text))
        return shortened(re.sub(r"\s+", " ", text).strip(), _REASON_CHARACTERS)


def beginning(path: Path) -> str:
    """How a file begins, in words."""
    with path.open("rb") as file:
        start = file.read(_BEGINNING_BYTES)
    return f"it begins with {start!r}" if start else "it is empty"


def shortened(text: str, length: int = 150) -> str:
    """A text that others wrote, cut so that it fits into a message."""
    return text if len(text) <= length else f"{text[:length]}…"
