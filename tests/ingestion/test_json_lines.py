"""Each line of a file of JSON lines becomes one row, whatever bytes it has."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.readers.file_lists import SourceFile, write_file_list
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.published import close_scratch
from warehouse.periods import Grain, Period

FEED = FEEDS["pipeline_events"]
HOUR = Partition(FEED, Period.parse(Grain.HOUR, "2026-01-05T08"))
FIELDS = [
    column.name
    for column in FEED.columns
    if column.name not in ("file_name", "line_number", "other_fields", "problem", "line")
]

Row = dict[str, Any]


def _rows(folder: Path, *contents: bytes) -> list[Row]:
    files = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.jsonl"
        path.write_bytes(content)
        files.append(SourceFile(f"events/{path.name}", path, len(content)))
    return _read(write_file_list(files, folder))


def _read(listed: Path) -> list[Row]:
    with duckdb.connect() as connection:
        published = JsonLinesReader()(HOUR, listed, connection)
        relation = connection.sql(f"select * from ({published.query}) order by source_row")
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        close_scratch(connection)
    assert published.count == len(rows)
    assert [row["source_row"] for row in rows] == list(range(len(rows)))
    return rows


def _expected(content: bytes) -> list[bytes]:
    """The lines that are rows."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [line.removesuffix(b"\r") for line in lines if line.removesuffix(b"\r")]


def _python_json(line: bytes) -> Any:
    """What Python's json says of a line; an error where it is not JSON, or holds half a character."""
    parsed = json.loads(line.decode())
    json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def _same(text: str | None, value: Any) -> bool:
    """Whether a column's text says what Python's json has."""
    if value is None or isinstance(value, str):
        return text == value
    return text is not None and _in_order(json.loads(text)) == _in_order(value)


def _in_order(value: Any) -> str:
    """A JSON value as text that tells 1 from 1.0 and True, whatever the order of its names."""
    return json.dumps(value, sort_keys=True)


def _check(content: bytes, rows: list[Row]) -> None:
    lines = _expected(content)
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        try:
            parsed = _python_json(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(parsed, dict):
            assert row["problem"] == "not_an_object"
            continue
        assert row["problem"] is None, line
        for field in FIELDS:
            assert _same(row[field], parsed.get(field)), (field, line)
        others = {name: value for name, value in parsed.items() if name not in FIELDS}
        assert _same(row["other_fields"], others or None)


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(FIELDS) | st.text(max_size=4)


def _object(pairs: list[tuple[str, Any]]) -> bytes:
    """An object with these pairs, also where a name is there twice."""
    return b"{" + b", ".join(json.dumps(name).encode() + b": " + json.dumps(one).encode() for name, one in pairs) + b"}"


objects = st.lists(st.tuples(names, values), max_size=12).map(_object)
odd_lines = st.sampled_from(
    [
        b"null",
        b"[1]",
        b'"x"',
        b"{",
        b'{"event_id": 1,}',
        b'{"event_id": ",}"}',
        b'{"event_id": [1, 2 , ]}',
        b'{"rows": 1e999}',
        b"\xff\xfe",
        b"\0",
        b'{"event_id": "\\ud800"}',
        b"{'event_id': 1}",
        b'{"event_id": 01}',
        b"  ",
        b"",
        b"\r",
        b"{}{}",
        b"nan",
    ]
)
files = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(objects | odd_lines | st.binary(max_size=12), max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n", b'{"a":']),
).map(lambda parts: parts[0] + parts[2].join(parts[1]) + parts[3])


@given(content=files)
@example(content=b"")
@example(content=b"\xef\xbb\xbf")
@example(content=b'{"rows": -0.0, "payload": {"a": 1.50}}\n')
def test_any_bytes_become_as_many_rows_as_there_are_lines(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _check(content, _rows(tmp_path_factory.mktemp("files"), content))
