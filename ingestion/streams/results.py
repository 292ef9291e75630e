"""What a session of streams did."""

from dataclasses import dataclass, field


@dataclass
class StreamResult:
    """What a session did to one feed.

    `rows`, `rejected` and `skipped` are those of this session. `error` says what could not be read, and why;
    `is_missing` that its topic is not there yet.
    """

    feed: str
    topic: str
    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    batches: int = 0
    last_load_id: str | None = None
    errors: list[str] = field(default_factory=list)
    is_missing: bool = False
    is_transient: bool = False

    @property
    def error(self) -> str | None:
        """What went wrong with the feed, in one text."""
        return " ".join(self.errors) or None
