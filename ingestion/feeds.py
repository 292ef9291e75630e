"""What a feed and a subject are. Feeds are declared in the folders of their subjects."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.calendars import EVERY_PERIOD, Calendar, IrregularPeriods, OnePeriod
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import Grain, Period

if TYPE_CHECKING:
    from ingestion.publishers import Publisher


# The columns that say where a message stood in its topic. The raw tables of streams have them in place of `source_row`.
KAFKA_COLUMN_NAMES = ("kafka_partition", "kafka_offset", "kafka_timestamp")

# The columns that say where a row is from. Every raw table has `feed`, a period, and `source_row` or Kafka's columns.
PARTITION_COLUMN_NAMES = frozenset({"feed", "source_row", *KAFKA_COLUMN_NAMES, *(grain.column for grain in Grain)})


class ColumnType(StrEnum):
    """Types of raw columns, spelled as DuckDB spells them."""

    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    TIMESTAMP = "TIMESTAMP"  # without zone, as published
    DATE = "DATE"


@dataclass(frozen=True)
class Column:
    """A published column, as the raw table has it.

    `name` is the raw name in snake_case. Capitals and underscores of the published name do not matter: `PULocationID`
    and `PUlocationID` are both `pu_location_id`.
    """

    name: str
    type: ColumnType
    required: bool = False


_PLACE_IN_FILE = (Column("source_row", ColumnType.BIGINT, required=True),)
_PLACE_IN_TOPIC = tuple(
    Column(name, type_, required=True)
    for name, type_ in zip(
        KAFKA_COLUMN_NAMES, (ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.TIMESTAMP), strict=True
    )
)


@dataclass(frozen=True)
class FormerSchema:
    """Names that a feed's columns had in files of periods before `until`, as pairs (published, raw).

    A pair is here where the meaning is the same. In those periods no other columns are required.
    """

    until: date
    raw_names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stream:
    """Where the messages of a feed come from, if it is a stream: a topic of Kafka, in Avro.

    A message belongs to the day on which its event happened, in this time zone.
    """

    topic: str
    zone: str


@dataclass(frozen=True)
class Feed:
    """One series of files by one publisher, a file a period.

    `grain` says how long a period is, and `calendar` which periods have a file. `file_names` are the names a
    period's file may have below the publisher's base address, tried in order, with `{period}` for the period's start.
    `event_time` is the raw column that says when a row happened; a reference feed, whose rows have no time, has none.
    `first_day` is the first day with rows; the file of its period has no earlier ones. `publication_lag_days` counts
    from the period's end.

    `code` is the feed's number in surrogate keys: never used again for another feed, and missing where no key needs
    one. `staging_model` is the dbt model that reads the raw table. `kept_in` and `quarantined_in` are the dbt models
    that hold the rows kept and the rows rejected. `kind` is what a row is; feeds of one kind share a fact.

    A feed with a `stream` has messages and no files: its periods are the days on which its events happened.
    """

    name: str
    publisher: "Publisher" = field(repr=False)
    raw_table: str
    file_names: tuple[str, ...]
    columns: tuple[Column, ...]
    event_time: str | None
    first_day: date
    publication_lag_days: int
    kind: str
    staging_model: str
    kept_in: str
    quarantined_in: str | None = None
    code: int | None = None
    is_default: bool = True
    former_schema: FormerSchema | None = None
    grain: Grain = Grain.MONTH
    calendar: Calendar = EVERY_PERIOD
    stream: Stream | None = None

    @property
    def first_period(self) -> Period:
        """The period of the first file."""
        return self.period_of(self.first_day)

    @property
    def is_reference(self) -> bool:
        """Whether the feed is one file that is of no time, filed under one period."""
        return isinstance(self.calendar, OnePeriod)

    @property
    def is_irregular(self) -> bool:
        """Whether only the publisher's listing says which periods have a file."""
        return isinstance(self.calendar, IrregularPeriods)

    @property
    def is_stream(self) -> bool:
        """Whether the feed comes as messages, not as files."""
        return self.stream is not None

    @property
    def is_own(self) -> bool:
        """Whether the platform itself is the publisher."""
        return self.publisher.is_own

    @property
    def declared_in(self) -> str:
        """The module that declares the feed's publisher, as a path below the project's root: for messages."""
        module = Path(inspect.getfile(type(self.publisher)))
        return str(module.relative_to(PROJECT_ROOT) if module.is_relative_to(PROJECT_ROOT) else module.name)

    @property
    def period_column(self) -> Column:
        """The raw column that says which file a row is from."""
        return Column(self.grain.column, ColumnType(self.grain.sql_type), required=True)

    @property
    def raw_columns(self) -> tuple[Column, ...]:
        """The columns of the raw table: the published ones, then those that say where a row is from."""
        position = _PLACE_IN_TOPIC if self.is_stream else _PLACE_IN_FILE
        return (
            *self.columns,
            Column("feed", ColumnType.VARCHAR, required=True),
            self.period_column,
            *position,
        )

    def period_of(self, when: date | datetime) -> Period:
        """The period that a date or time is in. Of a reference feed it is the one period, whatever the date."""
        if isinstance(self.calendar, OnePeriod):
            return self.calendar.period
        return Period(self.grain, when if isinstance(when, datetime) else datetime.combine(when, time()))

    def period(self, key: str) -> Period:
        """The period of this key.

        Raises:
            BadPeriodError: the text is not a key of the feed's grain.
        """
        return Period.parse(self.grain, key)


@dataclass(frozen=True)
class Subject:
    """A field of data: its feeds, and the words that stand for several of them.

    `name` is the name of its folders everywhere. `seeds` are facts that Python knows and dbt needs, such as a calendar:
    by the name of the seed, a function that gives its CSV.
    """

    name: str
    feeds: tuple[Feed, ...]
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seeds: dict[str, Callable[[], str]] = field(default_factory=dict)


def columns(required: str, optional: str = "") -> tuple[Column, ...]:
    """Columns from words `name:type`; the types are i(nteger), b(igint), d(ouble), s(tring), t(imestamp) and date."""
    types = {
        "i": ColumnType.INTEGER,
        "b": ColumnType.BIGINT,
        "d": ColumnType.DOUBLE,
        "s": ColumnType.VARCHAR,
        "t": ColumnType.TIMESTAMP,
        "date": ColumnType.DATE,
    }
    return tuple(
        Column(name, types[letter], is_required)
        for words, is_required in ((required, True), (optional, False))
        for name, letter in (word.split(":") for word in words.split())
    )
