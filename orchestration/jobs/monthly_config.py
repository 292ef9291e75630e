"""What the monthly jobs are asked for, and what they refuse."""

from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field, field_validator, model_validator

from ingestion.feeds import ALIASES, DEFAULT_SOURCES, FEEDS, Feed, resolve_sources

FIRST_YEAR = min(feed.first_month.year for feed in FEEDS.values())
_KNOWN_SOURCES = ", ".join([*ALIASES, *FEEDS])


class MonthlyIngestionConfig(dg.Config):
    """The month to load, and of which sources."""

    year: int = Field(ge=FIRST_YEAR, description=f"The year of the files, {FIRST_YEAR} or later, such as 2025.")
    month: int = Field(ge=1, le=12, description="The month of the files, 1 to 12.")
    sources: str = Field(
        default=DEFAULT_SOURCES,
        description=f"Comma-separated: {_KNOWN_SOURCES}; taxi stands for {', '.join(ALIASES['taxi'])}.",
    )

    @field_validator("sources")
    @classmethod
    def _are_known(cls, sources: str) -> str:
        resolve_sources(sources)
        return sources

    @model_validator(mode="after")
    def _has_begun(self) -> "MonthlyIngestionConfig":
        if self.first_day > datetime.now(UTC).date():
            raise ValueError(f"{self.first_day:%Y-%m} has not begun yet")
        return self

    @property
    def first_day(self) -> date:
        """The month as the rest of the platform names it: by its first day."""
        return date(self.year, self.month, 1)

    @property
    def feeds(self) -> list[Feed]:
        """The feeds that the sources stand for."""
        return resolve_sources(self.sources)
