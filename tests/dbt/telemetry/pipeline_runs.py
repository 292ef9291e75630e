"""Random events of pipelines for tests, and what gold says of them by a plain loop."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from tests.dbt.small_warehouse import Warehouse

FEEDS = ("pipeline_events", "platform_runs")
ENDED = ("success", "failed", "canceled", "skipped")
_STATUSES = (*ENDED, "queued", "running")
_WEIGHTS = (60, 22, 5, 4, 3, 6)
_ERRORS = ("Timeout: after 30 s", "BadInput: no column", "no kind at all", None)
# What silver makes of these texts.
_KINDS = {"Timeout: after 30 s": "Timeout", "BadInput: no column": "BadInput", "no kind at all": "other"}

File = tuple[str, datetime]
Pipeline = tuple[str, str]


@dataclass(frozen=True)
class Event:
    """An event as a line of the file of an hour says it."""

    feed: str
    event_id: str
    workspace: str
    pipeline: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    row_count: int | None
    error: str | None

    @property
    def time(self) -> datetime:
        return self.finished_at or self.started_at

    @property
    def seconds(self) -> float | None:
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

    @property
    def error_kind(self) -> str:
        return _KINDS[self.error] if self.error else "unknown"


Files = dict[File, list[Event]]


def random_files(hours: Sequence[datetime], events: int, seed: int) -> Files:
    """As many events in the files of these hours; some are late, and some are filed again, with another end."""
    dice = random.Random(seed)
    files: Files = defaultdict(list)
    told: list[Event] = []
    for number in range(events):
        feed = FEEDS[dice.random() < 0.3]
        hour = dice.choice(hours)
        known = dice.choice(told) if told and dice.random() < 0.2 else None
        # What has not happened yet is not told.
        if known and known.time < hour:
            event = _told_again(dice, known)
        else:
            # Ids are alike in both feeds.
            event = _event(dice, feed, hour, f"e{number // 2}")
            told.append(event)
        files[event.feed, hour].append(event)
    return dict(files)


def _event(dice: random.Random, feed: str, hour: datetime, event_id: str) -> Event:
    hours_late = dice.choice((1, 2, 30)) if dice.random() < 0.04 else 0
    # To the minute, so that many runs of a pipeline end at the same time.
    end = hour - timedelta(hours=hours_late) + timedelta(minutes=dice.randrange(60))
    status = dice.choices(_STATUSES, _WEIGHTS)[0]
    seconds = dice.choice((0, 0.25, 60, 90, dice.randrange(4000)))
    has_ended = status in ENDED and dice.random() < 0.95
    return Event(
        feed,
        event_id,
        "platform" if feed == "platform_runs" else dice.choice(("shop", "lab")),
        dice.choice(("load", "build", "publish")),
        status,
        end - timedelta(seconds=seconds),
        end if has_ended else None,
        dice.choice((None, 0, dice.randrange(1_000_000))),
        dice.choice(_ERRORS) if status == "failed" else None,
    )


def _told_again(dice: random.Random, event: Event) -> Event:
    if not event.finished_at:
        return replace(event, status="success", finished_at=event.started_at + timedelta(minutes=5), error=None)
    # The same, or a correction that ends later: that one is right.
    later = timedelta(minutes=dice.choice((0, 1)))
    return replace(event, finished_at=event.finished_at + later, row_count=dice.randrange(100))


def right_events(files: Mapping[File, Iterable[Event]]) -> list[Event]:
    """The latest line of each event id of a feed."""
    latest: dict[tuple[str, str], tuple[tuple[datetime, datetime, int], Event]] = {}
    for (feed, hour), events in files.items():
        for number, event in enumerate(events):
            order = (event.time, hour, number)
            known = latest.get((feed, event.event_id))
            if known is None or order > known[0]:
                latest[feed, event.event_id] = (order, event)
    return [event for _, event in latest.values()]


@dataclass
class Outage:
    """An outage of a pipeline as it stands."""

    began_at: datetime
    failed_runs: int = 0
    recovered_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        return (self.recovered_at - self.began_at).total_seconds() if self.recovered_at else None


OutageRow = tuple[date, str, str, datetime, int, datetime | None, float | None]


def outages_by_day(events: Iterable[Event]) -> list[OutageRow]:
    """The outages of each day with an event: those that ended on it, and those that are open at its end."""
    of_day: dict[date, list[Event]] = defaultdict(list)
    for event in events:
        of_day[event.time.date()].append(event)
    is_open: dict[Pipeline, Outage] = {}
    rows: list[OutageRow] = []
    for day in sorted(of_day):
        over: list[tuple[Pipeline, Outage]] = []
        decided = [event for event in of_day[day] if event.status in ("failed", "success")]
        for event in sorted(decided, key=lambda one: (one.time, one.status == "success", one.event_id, one.feed)):
            pipeline = (event.workspace, event.pipeline)
            if event.status == "failed":
                is_open.setdefault(pipeline, Outage(event.time)).failed_runs += 1
            elif pipeline in is_open:
                outage = is_open.pop(pipeline)
                outage.recovered_at = event.time
                over.append((pipeline, outage))
        for (workspace, name), one in [*over, *is_open.items()]:
            rows.append((day, workspace, name, one.began_at, one.failed_runs, one.recovered_at, one.seconds))
    return rows


@dataclass
class Day:
    """What the pipelines of a workspace did on a day."""

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    rows: int | None = None

    def add(self, event: Event) -> None:
        self.statuses[event.status] += 1
        if event.seconds is not None:
            self.durations.append(event.seconds)
        if event.row_count is not None:
            self.rows = (self.rows or 0) + event.row_count
        if event.status == "failed":
            self.kinds[event.error_kind] += 1

    @property
    def success_rate(self) -> float | None:
        decided = self.statuses["success"] + self.statuses["failed"]
        return self.statuses["success"] / decided if decided else None


def days_of_workspaces(events: Iterable[Event]) -> dict[tuple[str, date], Day]:
    """The days of each workspace with a run that ended."""
    days: dict[tuple[str, date], Day] = defaultdict(Day)
    for event in events:
        if event.status in ENDED:
            days[event.workspace, event.time.date()].add(event)
    return dict(days)


def interpolated(values: Sequence[float], share: float) -> float | None:
    """The value below which a share of the values are, between two of them by linear interpolation."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def bring_files(warehouse: Warehouse, files: Files) -> None:
    """Load files, in place of those of the same hours, as the loader does."""
    for (feed, hour), events in files.items():
        rows = [_line(event, number) for number, event in enumerate(events)]
        path = warehouse.scratch / "file.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        warehouse.load_query(feed, hour, f"from '{path}'")


def _line(event: Event, number: int) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "workspace": event.workspace,
        "pipeline": event.pipeline,
        "run_id": f"run of {event.event_id}",
        "status": event.status,
        "started_at": event.started_at.isoformat(),
        "finished_at": event.finished_at.isoformat() if event.finished_at else None,
        "rows": None if event.row_count is None else str(event.row_count),
        "error": event.error,
        "file_name": "events.jsonl",
        "line_number": number + 1,
        "source_row": number,
    }
