"""Lines of files of events and profiles for tests, and the tables that they have a part in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dbt.artifacts.resources.types import NodeType

from ingestion.catalog import SUBJECTS
from tests.dbt.small_warehouse import Trip, parsed_project

# Around midnight, so that an event of one day may be in a file of another.
HOURS = tuple(datetime(2026, 3, 6, 22) + timedelta(hours=number) for number in range(4))
DAYS = (date(2026, 3, 6), date(2026, 3, 7))
EVENTS, RUNS, CRAWLS = "pipeline_events", "platform_runs", "crawler_results"

SUBJECT = "telemetry"

# The versions of a line that are kept where no later one is there.
SOUND = range(4)
VERSIONS = range(9)


@dataclass(frozen=True)
class Line:
    """What a line says: of which event or user, of how many minutes after the first hour began, and how.

    Every version has other values. Those from 4 on have a fault.
    """

    thing: int
    minute: int
    version: int = 0

    @property
    def is_sound(self) -> bool:
        return self.version in SOUND

    @property
    def time(self) -> datetime:
        return HOURS[0] + timedelta(minutes=self.minute)

    @property
    def end(self) -> datetime | None:
        return None if self.version == 2 else self.time + timedelta(minutes=7 * self.version)


def rows_of(feed: str, lines: Sequence[Line]) -> list[Trip]:
    """Rows of the raw table, as the lines of one file would come."""
    row = _profile if feed == CRAWLS else _event
    return [
        {**row(line, feed), "file_name": "one.jsonl", "line_number": number}
        for number, line in enumerate(lines, start=1)
    ]


def _event(line: Line, feed: str) -> dict[str, object]:
    if line.version == 4:
        return {"problem": "half_line", "line": '{"event_id": "E'}
    return {
        "event_id": f"E{line.thing}" if line.version != 5 else " ",
        "workspace": "platform" if feed == RUNS or line.version == 8 else f"W{line.thing % 2}",
        "pipeline": "load",
        "run_id": f"R{line.minute}",
        "status": ("OK", "Failure", "running", "skipped")[line.version % 4],
        "started_at": _written(line.time, "Z") if line.version != 6 else "infinity",
        "finished_at": _written(line.end, "+01:00"),
        "rows": ("120", "many", None)[line.thing % 3],
        "error": "TimeoutError: no answer" if line.version == 1 else None,
        "payload": f'{{"minute": {line.minute}}}',
        **({"status": "lost"} if line.version == 7 and feed == EVENTS else {}),
        **({"pipeline": ""} if line.version >= 7 and feed == RUNS else {}),
    }


def _profile(line: Line, feed: str) -> dict[str, object]:
    if line.version == 4:
        return {"problem": "not_an_object", "line": "[1]"}
    return {
        "user_name": f"user_{line.thing}" if line.version != 5 else None,
        "display_name": "Ada" if line.thing else None,
        "followers": str(100 * (line.version + line.minute)) if line.minute % 3 else "1,200",
        "following": str(line.minute),
        "posts": str(10 * line.version),
        "verified": ("true", "FALSE", "perhaps")[line.thing % 3],
        "created_at": "2020-02-29",
        "crawled_at": {6: "infinity", 7: "1772787540", 8: None}.get(line.version, _written(line.time, "Z")),
        "raw_json": f'{{"minute": {line.minute}}}',
    }


def _written(time: datetime | None, offset: str) -> str | None:
    """The UTC time as a text with an offset."""
    if time is None:
        return None
    there = time + timedelta(hours=1) if offset == "+01:00" else time
    return f"{there.isoformat()}{offset}"


def tables_of_telemetry() -> dict[str, str]:
    """Every table of dbt that these lines have a part in, with its schema, as dbt's manifest says."""
    nodes = parsed_project().nodes
    raw_tables = {feed.raw_table for feed in SUBJECTS[SUBJECT].feeds}

    def reads_them(id_: str) -> bool:
        if id_ not in nodes:
            return id_.split(".")[-2:-1] == ["raw_data"] and id_.split(".")[-1] in raw_tables
        return any(reads_them(upstream) for upstream in nodes[id_].depends_on_nodes)

    return {
        node.name: node.schema
        for id_, node in nodes.items()
        if node.resource_type is NodeType.Model
        and node.config.materialized != "view"
        and SUBJECT in node.fqn
        and reads_them(id_)
    }
