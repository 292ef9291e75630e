"""A question survives its way through an address and through a command; what is not valid is named and left out."""

import shlex
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.ask import asked
from metrics.comparisons import OPERATORS, Comparison, read_comparison
from metrics.conditions import as_filter
from metrics.query import MetricQuery
from metrics.questions import as_address, as_command, read_address, valid_part
from tests.metrics.conftest import MetricWarehouse
from warehouse.releases import source_for_readers

_names = st.from_regex(r"[A-Za-z0-9_]{1,30}", fullmatch=True)
_lists = st.lists(_names, max_size=5, unique=True).map(tuple)
# A terminal passes no NUL and no half of a character.
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
_days = st.dates().map(lambda day: datetime.combine(day, time()))


@st.composite
def questions(draw: st.DrawFn) -> MetricQuery:
    start, end = sorted([draw(_days), draw(_days)])
    return MetricQuery(
        metrics=draw(_lists),
        group_by=draw(_lists),
        where=tuple(draw(st.lists(_texts.filter(str.strip), max_size=3))),
        order_by=tuple(draw(st.sampled_from(["", "-"])) + name for name in draw(_lists)),
        limit=draw(st.none() | st.integers(1, 10**8)),
        start=draw(st.sampled_from([None, start])),
        end=draw(st.sampled_from([None, end])),
        saved_query=draw(st.none() | _names),
    )


@settings(deadline=None)
@given(questions())
def test_any_question_survives_its_address(question: MetricQuery) -> None:
    assert read_address(as_address(question)) == (question, [])


@settings(deadline=None)
@given(questions())
def test_any_question_survives_its_command(question: MetricQuery) -> None:
    words = shlex.split(as_command(question))
    assert words[:2] == ["nyc", "query"]
    assert asked(words[2:]) == question


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["metrics", "by", "where", "order", "limit", "start", "end", "saved", "x"]) | _texts,
        st.lists(_texts, max_size=3),
    )
)
def test_any_address_gives_a_question_that_survives(address: dict[str, list[str]]) -> None:
    question, problems = read_address(address)
    assert all(len(problem) < 300 for problem in problems)
    assert read_address(as_address(question)) == (question, [])
    assert asked(shlex.split(as_command(question))[2:]) == question


_values: st.SearchStrategy[Any] = (
    st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | _texts
)


@settings(deadline=None)
@given(
    st.from_regex(r"[a-z]{1,8}__[a-z_]{1,8}", fullmatch=True), st.sampled_from(OPERATORS), st.lists(_values, max_size=3)
)
def test_any_comparison_survives_its_condition(dimension: str, operator: Any, values: list[Any]) -> None:
    comparison = Comparison(dimension, operator, () if operator in ("is missing", "is there") else tuple(values))
    if not comparison.is_complete:
        with pytest.raises(ValueError, match="expected values"):
            comparison.as_condition()
        return
    read = read_comparison(comparison.as_condition())
    assert read == comparison
    assert [type(value) for value in read.values] == [type(value) for value in comparison.values]


@pytest.mark.parametrize(
    "condition",
    [
        "trip__is_rain",
        "trip__trip_type in ('fhv') and trip__is_rain",
        "trip__trip_type in ('fhv'); select 1",
        "trip__trip_type in (select 'fhv')",
        "trip__trip_type not in ('fhv')",
        "trip__trip_type not in ('fhv') or trip__rider_type is null",
        "total in (1)",
        "trip__hour_of_day >= 1, 2",
    ],
)
def test_what_says_more_is_no_comparison(condition: str) -> None:
    assert read_comparison(condition) is None


@pytest.mark.parametrize(
    "value", ["'", "'; drop table x; --", "') or true --", "<script>", "a\nb", "trip__trip_type", 'x"y', "--", "/* */"]
)
def test_values_of_a_comparison_stay_values(value: str) -> None:
    written = as_filter(Comparison("trip__trip_type", "is one of", (value,)).as_condition())
    assert written == "({{ Dimension('trip__trip_type') }} in ('" + value.replace("'", "''") + "'))"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"metrics": ["avg fare"]}, "metrics: 'avg fare' is not a name"),
        ({"by": ["'; drop table x"]}, 'by: "\'; drop table x" is not a name'),
        ({"order": ["--avg_fare"]}, "order: '--avg_fare' is not a name"),
        ({"limit": ["-1"]}, "limit: expected a number of rows, 1 or more, but got '-1'"),
        ({"limit": ["9" * 30]}, "limit: expected"),
        ({"start": ["yesterday"]}, "start: expected a day such as 2025-01-31, but got 'yesterday'"),
        ({"end": ["2025-01-01T00:00:00+02:00"]}, "end: expected a day"),
        ({"start": ["2025-02-01"], "end": ["2025-01-01"]}, "start: expected a day that is not after the end"),
        ({"colour": ["red"]}, "'colour' is not a part of a question"),
        ({"metrics": ["x" * 1_000_000]}, "metrics: 'xxxxx"),
        ({"metrics": ["x,y" * 500_000]}, "metrics: more than 50 names"),
        ({"x" * 1_000_000: ["1"]}, "'xxxxx"),
    ],
)
def test_what_is_not_valid_in_an_address_is_named_and_left_out(address: dict[str, list[str]], said: str) -> None:
    question, problems = read_address(address)
    assert any(problem.startswith(said) for problem in problems)
    assert sum(map(len, problems)) < 2000
    assert len(question.metrics) <= 50


def test_many_problems_are_counted() -> None:
    _, problems = read_address({f"part {number}": ["1"] for number in range(1000)})
    assert (len(problems), problems[-1]) == (11, "and 990 more")


def test_the_valid_part_of_a_question_is_kept(metric_warehouse: MetricWarehouse) -> None:
    question = MetricQuery(
        metrics=("avg_fare", "fare"),
        group_by=("trip__trip_type", "trip__type", "metric_time__month", "metric_time__hour"),
        where=("trip__is_rain", "true; select 1", "x" * 1_000_000),
        order_by=("-avg_fare", "total_trips", "metric_time__month"),
        limit=3,
        saved_query="top_zones",
    )
    valid, problems = valid_part(question, source_for_readers())
    assert valid == MetricQuery(
        metrics=("avg_fare",),
        group_by=("trip__trip_type", "metric_time__month"),
        where=("trip__is_rain",),
        order_by=("-avg_fare", "metric_time__month"),
        limit=3,
    )
    assert [problem.split(":")[0] for problem in problems] == ["metrics", "by", "by", "order", "where", "where"]
    assert all(len(problem) < 600 for problem in problems)


def test_without_a_known_metric_nothing_is_asked(metric_warehouse: MetricWarehouse) -> None:
    valid, problems = valid_part(MetricQuery(("x",), ("trip__trip_type",)), source_for_readers())
    assert valid == MetricQuery()
    assert problems == ["metrics: there is no 'x'"]
