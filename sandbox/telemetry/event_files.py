"""Writes the sandbox's event files into a folder, as those who send events lay them out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from sandbox.telemetry.event_lines import ODD_EVERY, Sample, event_lines, profile_lines

# So many lines are made at once, which takes some 100 MB.
_LINES_AT_ONCE = 50_000
# What a file that is still being written has of its last line.
_BYTES_OF_HALF_LINE = 40


@dataclass(frozen=True)
class WrittenFiles:
    """What is in the folder now: files and lines, and how many of the files were not there so before."""

    files: int
    lines: int
    changed: int


def write_event_files(folder: Path, sample: Sample) -> WrittenFiles:
    """Write a sample. A file that is there with the same contents is left as it is, and other files stay.

    Unless the sample is tidy or too small for all oddities, its last file of events ends within a line.

    Raises:
        OSError: the folder cannot be written.
    """
    has_half_line = not sample.is_tidy and sample.events >= ODD_EVERY
    last = _lines_of(sample, sample.hours - 1)
    files = lines = changed = 0
    with duckdb.connect() as connection:
        for name, number, text in _files(connection, sample):
            is_last = has_half_line and name == _event_file(sample, sample.hours - 1, _part(sample, last - 1, last))
            contents = f"{text}\n".encode()
            if is_last:
                contents = contents[: contents.rstrip(b"\n").rfind(b"\n") + 1 + _BYTES_OF_HALF_LINE]
            changed += _write(folder / name, contents)
            files += 1
            lines += number
    return WrittenFiles(files, lines, changed)


def _files(connection: duckdb.DuckDBPyConnection, sample: Sample) -> Iterator[tuple[str, int, str]]:
    """Each file's name, how many lines it has, and the lines."""
    hours = max(1, _LINES_AT_ONCE * sample.hours // max(1, sample.events))
    for first in range(0, sample.hours, hours):
        made = event_lines(sample, first, min(first + hours, sample.hours))
        grouped = f"""
            select hour, part, count(*), string_agg(line, chr(10) order by number)
            from ({made}) group by hour, part order by hour, part
        """
        for hour, part, lines, text in connection.execute(grouped).fetchall():
            yield _event_file(sample, hour, part), lines, text
    for day in range(sample.days if sample.profiles else 0):
        made = profile_lines(sample, day)
        whole = f"select count(*), string_agg(line, chr(10) order by number) from ({made})"
        ((lines, text),) = connection.execute(whole).fetchall()
        yield f"profiles/{sample.first + timedelta(days=day):%Y/%m/%d}/profiles-{sample.seed}.jsonl", lines, text


def _lines_of(sample: Sample, hour: int) -> int:
    return sample.first_line(hour + 1) - sample.first_line(hour)


def _part(sample: Sample, position: int, lines: int) -> int:
    """Which of an hour's files has the line at a position, counted from 0."""
    return position * sample.files_an_hour // max(1, lines)


def _event_file(sample: Sample, hour: int, part: int) -> str:
    return f"events/{sample.first + timedelta(hours=hour):%Y/%m/%d/%H}/events-{sample.seed}-{part:04}.jsonl"


def _write(path: Path, contents: bytes) -> bool:
    """Write a file if it is not there so. It is there whole or not at all."""
    if path.is_file() and path.read_bytes() == contents:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(contents)
    new.replace(path)
    return True
