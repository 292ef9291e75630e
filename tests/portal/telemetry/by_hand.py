"""Fill the raw tables of telemetry with files, as the loader does."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

import duckdb

from ingestion.feeds import Column
from ingestion.telemetry.event_files import EVENT_COLUMNS, PROFILE_COLUMNS
from tests.dbt.small_warehouse import Warehouse
from warehouse.ledger import utc_now

Row = dict[str, object]

# By the folder that their files are in.
_FEEDS = {"events": ("pipeline_events", EVENT_COLUMNS), "profiles": ("crawler_results", PROFILE_COLUMNS)}


def load_event_files(warehouse: Warehouse, folder: Path) -> None:
    """Load all files of a folder, each hour and each day."""
    for place, paths in groupby(sorted(folder.rglob("*.jsonl")), key=lambda path: path.parent):
        kind, *parts = place.relative_to(folder).parts
        when = datetime(*(int(part) for part in parts))  # type: ignore[arg-type]
        feed, columns = _FEEDS[kind]
        by_file = {path: list(_rows(path, columns)) for path in paths}
        warehouse.load(feed, when, [row for rows in by_file.values() for row in rows])
        _record(warehouse, feed, "-".join(parts[:3]) + "".join(f"T{hour}" for hour in parts[3:]), by_file)


def _rows(path: Path, columns: tuple[Column, ...]) -> Iterator[Row]:
    names = {column.name for column in columns}
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines, 1):
        place: Row = {"file_name": path.name, "line_number": number}
        try:
            found = json.loads(line)
        except ValueError:
            if line:
                problem = "half_line" if number == len(lines) else "not_json"
                yield place | {"problem": problem, "line": line}
            continue
        if isinstance(found, dict):
            yield place | {name: _text(value) for name, value in found.items() if name in names}
        else:
            yield place | {"problem": "not_an_object", "line": line}


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _record(warehouse: Warehouse, feed: str, key: str, by_file: dict[Path, list[Row]]) -> None:
    now = utc_now()
    with duckdb.connect(str(warehouse.path)) as connection:
        for path, rows in by_file.items():
            problems = [row["problem"] for row in rows if "problem" in row]
            is_half = "half_line" in problems
            state = "broken" if len(problems) == len(rows) else "incomplete" if is_half else "whole"
            values = [
                feed,
                key,
                path.name,
                state,
                len(rows),
                len(problems),
                path.stat().st_size,
                None,
                now,
                "load",
                now,
            ]
            marks = ", ".join("?" for _ in values)
            connection.execute(f"insert into meta.source_files values ({marks})", values)
