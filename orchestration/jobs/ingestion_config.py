"""What the ingestion jobs of a grain can be asked to load, and what they refuse."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from ingestion.partitions import Partition, no_file_expected, partitions_between
from ingestion.publication import is_due
from warehouse.periods import RESOLUTION, BadPeriodError, Grain, Period, compress, month, period_range

ADVERBS: Mapping[Grain, str] = {Grain.MONTH: "monthly", Grain.DAY: "daily", Grain.HOUR: "hourly"}

_LONGEST_FIRST = (Grain.MONTH, Grain.DAY, Grain.HOUR)

# The field of the config that names one period. A month is asked for as year and month.
_FIELD_OF_ONE: Mapping[Grain, str] = {Grain.DAY: "date", Grain.HOUR: "hour"}


def stream_job_name(feed: Feed) -> str:
    """The name of the job that loads the new messages of a stream."""
    return f"bronze_{feed.name}_ingestion"


def backfill_job_name(grain: Grain) -> str:
    """The name of the job that loads periods of a grain and rebuilds everything."""
    return f"backfill_{ADVERBS[grain]}_data"


class PeriodsToLoad(dg.Config):
    """The keys of the periods to load, and the sources to load of each."""

    periods: list[str]
    sources: str


@dataclass(frozen=True)
class IngestionOptions:
    """What the ingestion jobs of one grain can be asked for: the fields of their config, and what these mean."""

    catalog: Catalog
    grain: Grain

    @property
    def feeds(self) -> list[Feed]:
        """The feeds that the jobs can load. A stream has no files: it has a job of its own."""
        return [feed for feed in self.catalog.feeds.values() if feed.grain is self.grain and not feed.is_stream]

    @property
    def first(self) -> Period:
        """The first period that any of the feeds has."""
        return min(feed.first_period for feed in self.feeds)

    @property
    def default_sources(self) -> str:
        """What is loaded if nobody names sources."""
        return self.catalog.default_sources(self.grain)

    def schema(self) -> dict[str, dg.Field]:
        """The fields as the Launchpad shows them. What Dagster's types cannot say is refused by `to_load`."""
        one = self._fields_of_months() if self.grain is Grain.MONTH else self._field_of_one()
        return {**one, **self._fields_of_range(), "sources": self._field_of_sources()}

    def _fields_of_months(self) -> dict[str, dg.Field]:
        first_year = self.first.start.year
        return {
            "year": _optional(int, f"The year of the files, {first_year} or later, such as 2025."),
            "month": _optional(int, "The month of the files, 1 to 12."),
            "months": _optional([int], "Several months of that year, such as [1, 2, 3], instead of month."),
        }

    def _field_of_one(self) -> dict[str, dg.Field]:
        return {_FIELD_OF_ONE[self.grain]: _optional(str, f"The {self.grain} to load, such as '{self.grain.example}'.")}

    def _fields_of_range(self) -> dict[str, dg.Field]:
        one = "year and month" if self.grain is Grain.MONTH else _FIELD_OF_ONE[self.grain]
        return {
            "from": _optional(
                str,
                f"The first {self.grain} of a range, such as '{self.grain.example}', instead of {one}.{self._longer()}",
            ),
            "to": _optional(str, f"The last {self.grain} of the range.{self._longer()}"),
        }

    def _longer(self) -> str:
        """What else a range may be of, in words."""
        longer = _LONGEST_FIRST[: _LONGEST_FIRST.index(self.grain)]
        words = " or ".join(f"{grain} as '{grain.example}'" for grain in longer)
        return f" A {words} stands for all its {self.grain}s." if words else ""

    def _field_of_sources(self) -> dg.Field:
        names = {feed.name for feed in self.feeds}
        aliases = {alias: meant for alias, meant in self.catalog.aliases.items() if set(meant) <= names}
        meanings = "".join(f"; {alias} stands for {', '.join(meant)}" for alias, meant in aliases.items())
        return dg.Field(
            str,
            default_value=self.default_sources,
            description=f"Comma-separated: {', '.join([*aliases, *(feed.name for feed in self.feeds)])}{meanings}.",
        )

    def to_load(self, asked: Mapping[str, Any]) -> PeriodsToLoad:
        """What a config of this schema asks for.

        Raises:
            dagster.DagsterInvalidConfigError: a value is not valid. Dagster shows the message of this error first. That
                of any other error it would show below a stack trace.
        """
        try:
            feeds = self.resolve(asked["sources"])
            periods = self._periods(asked)
            if periods[-1] < (begins := min(feed.first_period for feed in feeds)):
                raise ValueError(f"expected {self.grain}s from {begins} on, but got {periods[-1]}")
            expected = [period.key for period in periods if partitions_of(feeds, [period])]
            if not expected:
                raise ValueError(f"{compress(periods)}: {no_file_expected(feeds)}")
        except ValueError as error:
            refusal = dg.DagsterInvalidConfigError(f"No run was started: {error}", [], asked)  # type: ignore[no-untyped-call]
            raise refusal from None
        return PeriodsToLoad(periods=expected, sources=asked["sources"])

    def partitions(self, config: PeriodsToLoad) -> list[Partition]:
        """The partitions to load, period by period."""
        return partitions_of(self.resolve(config.sources), [Period.parse(self.grain, key) for key in config.periods])

    def resolve(self, sources: str) -> list[Feed]:
        """The feeds that these sources stand for.

        Raises:
            ValueError: a name is not known, or is of a stream or a feed of another grain.
        """
        asked = self.catalog.resolve(sources)
        feeds = [feed for feed in asked if not feed.is_stream]
        named = {name.strip() for name in sources.split(",")}
        for feed in asked:
            # A subject stands for its streams, too, and they are left out of it.
            if feed.is_stream and (feed.name in named or not feeds):
                raise ValueError(f"{feed.name} is a stream and has no files: run {stream_job_name(feed)} for it")
        others = {feed.grain: feed.name for feed in feeds if feed.grain is not self.grain}
        for grain, name in others.items():
            raise ValueError(
                f"expected sources with a file each {self.grain}, but {name} has one each {grain}: "
                f"run {ADVERBS[grain]}_ingestion for it"
            )
        return feeds

    def _periods(self, asked: Mapping[str, Any]) -> list[Period]:
        """The periods that are asked for, in order, each once.

        Raises:
            ValueError: a value is not valid, or the fields do not go together.
        """
        one = _FIELD_OF_ONE.get(self.grain)
        match sorted(name for name in asked if name != "sources"):
            case ["month", "year"] if one is None:
                periods = [self._month(asked["year"], asked["month"], "month")]
            case ["months", "year"] if one is None:
                periods = sorted({self._month(asked["year"], number, "months") for number in asked["months"]})
            case [field] if field == one:
                periods = [Period.parse(self.grain, asked[field])]
            case ["from", "to"]:
                periods = self._range(asked["from"], asked["to"])
            case given:
                ways = f"{one}; or from and to" if one else "year and month; year and months; or from and to"
                raise ValueError(f"expected one of: {ways}; but got {' and '.join(given) or 'none of them'}")
        if not periods:
            raise ValueError(f"expected at least one {self.grain}, but got none: from must not be after to")
        self._refuse_unknown_times(periods[0], periods[-1])
        return periods

    def _range(self, first_key: str, last_key: str) -> list[Period]:
        begin, end = self._period_or_longer(first_key), self._period_or_longer(last_key)
        # Before the periods are listed: up to the year 9999 there are many.
        self._refuse_unknown_times(begin, end)
        first, last = Period(self.grain, begin.start), Period(self.grain, end.end - RESOLUTION)
        # Of the present month or day those that have begun.
        return list(period_range(first, min(last, Period(self.grain, datetime.now(UTC).replace(tzinfo=None)))))

    def _period_or_longer(self, key: str) -> Period:
        """The period of a key of this grain, or of a longer one that it divides."""
        for grain in _LONGEST_FIRST[: _LONGEST_FIRST.index(self.grain)]:
            with suppress(BadPeriodError):
                return Period.parse(grain, key)
        return Period.parse(self.grain, key)

    def _month(self, year: int, number: int, field: str) -> Period:
        if not 1 <= number <= 12:
            raise ValueError(f"{field}: expected a month from 1 to 12, but got {number}")
        if not self.first.start.year <= year <= datetime.now(UTC).year:
            raise ValueError(f"year: expected {self.first.start.year} to {datetime.now(UTC).year}, but got {year}")
        return month(year, number)

    def _refuse_unknown_times(self, first: Period, last: Period) -> None:
        if first.start < self.first.start:
            raise ValueError(f"expected {self.grain}s from {self.first} on, but got {first}")
        if not last.has_begun(datetime.now(UTC).replace(tzinfo=None)):
            raise ValueError(f"{last} has not begun yet")

    def prefilled(self) -> dict[str, Any]:
        """What the Launchpad begins with: the newest period of which all default sources have a file by their lags."""
        return self.config_of(self._newest_due())

    def config_of(self, period: Period) -> dict[str, Any]:
        """The config that asks for one period, of the default sources."""
        if self.grain is Grain.MONTH:
            return {"year": period.start.year, "month": period.start.month}
        return {_FIELD_OF_ONE[self.grain]: period.key}

    def _newest_due(self) -> Period:
        now = datetime.now(UTC).replace(tzinfo=None)
        feeds = self.resolve(self.default_sources)
        period = Period(self.grain, now)
        while period > self.first:
            expected = partitions_of(feeds, [period])
            if expected and all(is_due(partition, now) for partition in expected):
                break
            period = period.previous()
        return period


def _optional(kind: Any, description: str) -> dg.Field:
    return dg.Field(kind, is_required=False, description=description)


def partitions_of(feeds: list[Feed], periods: list[Period]) -> list[Partition]:
    """The partitions of these feeds and periods that the feeds' calendars expect, period by period, each once."""
    # A reference file goes with every period.
    return list(
        dict.fromkeys(partition for period in periods for partition in partitions_between(feeds, period, period))
    )
