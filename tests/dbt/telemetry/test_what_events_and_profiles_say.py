"""What is read of texts, and the scores of events and profiles, by the macros' own SQL on many rows."""

import duckdb
import pytest
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.contracts.graph.nodes import SqlNode

from tests.dbt.small_warehouse import Warehouse

ROWS = 20_000

_EVENT_TIME = "coalesce(finished_at, started_at)"
_QUALITY = (
    "{{ quality_score('run_id', 'status', 'started_at', 'finished_at', 'row_count', 'error', 'event_time',"
    " 'source_hour') }}"
)

# Events that silver could keep: they do not end before they start. Files of a day before to two days after.
_EVENTS = (
    "select setseed(0.20)",
    "create table starts as"
    " select range as number, timestamp '2026-03-06' + to_microseconds((86400e6 * random())::bigint) as start_time"
    f" from range({ROWS})",
    """
    create table drawn as
    select
        number,
        case when random() < 0.7 then 'r' end as run_id,
        ['queued', 'running', 'success', 'failed', 'canceled', 'skipped'][1 + floor(6 * random())::int] as status,
        case when random() < 0.9 then start_time end as started_at,
        case when random() < 0.7 then start_time + to_microseconds((7200e6 * random())::bigint) end as finished_at,
        case when random() < 0.7 then floor(1000 * random())::bigint end as row_count,
        case when random() < 0.7 then 'TimeoutError: no answer' end as error,
        date_trunc('hour', start_time) + to_hours(floor(72 * random())::int - 24) as source_hour
    from starts
    """,
)

# Each event beside itself with less said of it, or filed later.
_TAKEN_AWAY = {
    **{name: f"null as {name}" for name in ("run_id", "status", "started_at", "finished_at", "row_count", "error")},
    "an hour": "source_hour + to_hours(1 + number::int % 30) as source_hour",
}


def rendered(warehouse: Warehouse, inline: str) -> str:
    """The SQL of a query, with its macros."""
    compiled = warehouse.dbt("compile", "--inline", inline)
    assert compiled.success, warehouse.said
    assert isinstance(compiled.result, RunExecutionResult)
    (query,) = compiled.result.results
    assert isinstance(query.node, SqlNode)
    assert query.node.compiled_code
    return query.node.compiled_code


def _scores(connection: duckdb.DuckDBPyConnection, query: str, changed: str = "number as number") -> list[float]:
    connection.execute(
        "create or replace table events as"
        f" select *, {_EVENT_TIME} as event_time from (select * replace ({changed}) from drawn)"
    )
    return [score for (score,) in connection.execute(query).fetchall()]


def test_the_quality_score_is_bounded_and_never_rises_when_less_is_said_or_later(warehouse: Warehouse) -> None:
    query = rendered(warehouse, f"select {_QUALITY} as score from events order by number")
    with duckdb.connect() as connection:
        for statement in _EVENTS:
            connection.execute(statement)
        scores = _scores(connection, query)
        assert len(scores) == ROWS
        assert (min(scores), max(scores)) == (0.0, 100.0)
        assert len(set(scores)) > 50
        for name, changed in _TAKEN_AWAY.items():
            less = _scores(connection, query, changed)
            assert [pair for pair in zip(scores, less, strict=True) if pair[1] > pair[0]] == [], name
            assert less != scores, name
            assert min(less) >= 0


def test_punctuality_falls_in_a_straight_line_to_nothing(warehouse: Warehouse) -> None:
    """Hours are from the start of the event's hour to that of the file's; the third is the first to fall short."""
    query = rendered(warehouse, f"select {_QUALITY} as score from events order by source_hour")
    # 25 points are lost in 24 hours.
    points = {-30: 25, 0: 25, 1: 25, 2: 25, 3: 24, 14: 12.5, 25: 1, 26: 0, 400: 0}
    with duckdb.connect() as connection:
        connection.execute(
            "create table events as select 'r' as run_id, 'success' as status, timestamp '2026-03-06 10:59:59' as"
            " started_at, started_at as finished_at, 5 as row_count, null as error, started_at as event_time,"
            " timestamp '2026-03-06 10:00' + to_hours(hours) as source_hour from (select unnest(?) as hours)",
            [list(points)],
        )
        scores = [score for (score,) in connection.execute(query).fetchall()]
    assert scores == [75 + each for each in points.values()]


def test_completeness_is_the_share_of_fields_and_falls_with_each_that_is_taken_away(warehouse: Warehouse) -> None:
    query = rendered(warehouse, "select {{ completeness() }} as share, * from profiles order by number")
    fields = ("display_name", "followers", "following", "posts", "is_verified", "created_at")
    with duckdb.connect() as connection:
        there = ", ".join(f"case when number >> {bit} & 1 = 1 then 0 end as {name}" for bit, name in enumerate(fields))
        connection.execute(f"create table profiles as select number, {there} from range(64) as numbers (number)")
        shares = {number: share for share, number, *_ in connection.execute(query).fetchall()}
    assert (shares[0], shares[63]) == (0.0, 1.0)
    for number, share in shares.items():
        assert share == pytest.approx(number.bit_count() / 6)
        assert all(shares[number & ~(1 << bit)] <= share for bit in range(6))


_TIMES = {
    "2026-03-06": "2026-03-06 00:00:00",
    "2026-03-06T10:00": "2026-03-06 10:00:00",
    " 2026-03-06t10:00:01.5z ": "2026-03-06 10:00:01.5",
    "2026-03-06 10:00:01,123456789+01": "2026-03-06 09:00:01.123456",
    "2026-03-06T00:30:00-0130": "2026-03-06 02:00:00",
    "2026-03-06T00:30:00+14:00": "2026-03-05 10:30:00",
    "20260306T103000": "2026-03-06 10:30:00",
    "20260306T103000.25+0100": "2026-03-06 09:30:00.25",
    "2024-02-29T24:00:00": "2024-03-01 00:00:00",
    **dict.fromkeys(
        (
            *("", "1772787540", "1772787540.5", "20260306", "infinity", "-infinity", "epoch", "today", "now"),
            *("290000-01-01", "0001-01-01", "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-13-01T00:00:00Z"),
            *("2026-03-06T25:00", "2026-03-06T10:00+99:00", "2026-03-06T10:00 Europe/Berlin", "2026-03-06T", "{}"),
            *("2026-03-06T10:00:00Z'; drop table texts; --", "2026-03-06\n", "٢٠٢٦-03-06", "true", "2026-W10-5"),
        )
    ),
    "2026-03-06 ": "2026-03-06 00:00:00",
}
_NUMBERS = {
    **{"0": 0, " 12 ": 12, "12.0": 12, "007": 7, "999999999999999999": 999_999_999_999_999_999},
    **dict.fromkeys(
        ("", "-1", "1,200", "12k", "1.5", "1e3", "true", '{"a":1}', "NaN", "9" * 19, "0x10", "+5", "1_000")
    ),
}
_TRUTHS = {"true": True, " FALSE ": False, **dict.fromkeys(("", "1", "yes", "perhaps", "null"))}
_ERRORS = {
    "TimeoutError: no answer": "TimeoutError",
    "requests.HTTPError:404": "requests.HTTPError",
    **dict.fromkeys(
        ("no answer", "no answer: at all", ":x", '{"message": "x"}', "Ünlucky: x", "e" * 61 + ": x", "a\nb: c"), "other"
    ),
    "e" * 60 + ": x": "e" * 60,
}


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("cast({{ utc_of_iso_text('text') }} as varchar)", _TIMES),
        ("{{ whole_number_of_text('text') }}", _NUMBERS),
        ("{{ boolean_of_text('text') }}", _TRUTHS),
        ("{{ kind_of_error(\"'failed'\", 'text') }}", _ERRORS),
    ],
)
def test_texts_say_what_they_can_and_nothing_else(
    warehouse: Warehouse, macro: str, expected: dict[str, object]
) -> None:
    query = rendered(warehouse, f"select text, {macro} as said from texts")
    with duckdb.connect() as connection:
        # In whatever time zone the machine is.
        connection.execute("set timezone = 'America/New_York'")
        connection.execute("create table texts as select unnest(?::varchar[]) as text", [list(expected)])
        assert dict(connection.execute(query).fetchall()) == expected
