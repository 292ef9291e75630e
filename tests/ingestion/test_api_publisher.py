"""A partition that is the pages of an API: all of them or none, from an API that may do anything."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import IngestionError, SettingError, message_of
from ingestion.fetch.questions import Paging
from ingestion.gap_survey import ask
from ingestion.pipeline import Result, Status, ingest
from tests.ingestion.api import QUICK, Api, Call, Prices, Reply, day, fetched, served

KEY, SECRET = "key-of-the-test", "s3cret-of-the-test"
ITEM = {"ticker": "NA", "price": 1.5, "sold_at": "2025-05-02T13:30:00.123456789Z"}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", KEY)
    monkeypatch.setenv("TEST_API_SECRET", SECRET)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Call], Reply]], Api]]:
    """Serves an API that answers by a function, until the test ends."""
    open_ones = []

    def begin(reply: Callable[[Call], Reply]) -> Api:
        context = served(reply)
        api = context.__enter__()
        open_ones.append(context)
        monkeypatch.setenv("SOURCES__TEST_API__BASE_URL", api.url)
        return api

    yield begin
    for context in open_ones:
        context.__exit__(None, None, None)


Answering = Callable[[Callable[[Call], Reply]], Api]


def _in_pages(*pages: list[Any]) -> Callable[[Call], Reply]:
    """Pages whose tokens are their numbers."""

    def reply(call: Call) -> Reply:
        number = int(call.query.get("page_token", "0"))
        following = str(number + 1) if number + 1 < len(pages) else None
        return Reply({"items": pages[number], "next_page_token": following})

    return reply


def _load(number: int = 2) -> Result:
    (result,) = ingest([day(number)], policy=QUICK)
    return result


def _rows(database: Path, columns: str) -> list[Any]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute(f"select {columns} from raw_data.test_prices order by source_row").fetchall()


def _fetched(number: int = 2, columns: str = "ticker") -> tuple[list[Any], str | None]:
    return fetched(day(number), columns)


def _failed(number: int = 2) -> str:
    with pytest.raises(IngestionError) as raised:
        _fetched(number)
    message = message_of(raised.value, "the day")
    assert len(message) < 600
    assert SECRET not in message
    return message


def test_all_pages_are_one_partition_with_the_keys_in_every_request(answering: Answering, database: Path) -> None:
    api = answering(_in_pages([ITEM], [], [{**ITEM, "ticker": "TRUE", "size": "12"}]))
    result = _load()
    assert (result.status, result.rows, result.note) == (Status.LOADED, 2, None)
    assert _rows(database, "ticker, price, sold_at::varchar, size, source_date::varchar, source_row") == [
        ("NA", 1.5, "2025-05-02 13:30:00.123456", None, "2025-05-02", 0),
        ("TRUE", 1.5, "2025-05-02 13:30:00.123456", 12, "2025-05-02", 1),
    ]
    assert [call.query.get("page_token") for call in api.calls] == [None, "1", "2"]
    assert {(call.query["day"], call.headers["X-Key"], call.headers["X-Secret"]) for call in api.calls} == {
        ("2025-05-02", KEY, SECRET)
    }


def test_the_same_rows_are_unchanged_however_they_are_paged(answering: Answering, database: Path) -> None:
    other = {**ITEM, "ticker": "B"}
    answering(_in_pages([ITEM, other]))
    assert _load().status is Status.LOADED
    answering(_in_pages([ITEM], [other]))
    assert _load().status is Status.UNCHANGED
    answering(_in_pages([other], [ITEM]))
    assert _load().status is Status.LOADED


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=6), tokens=st.randoms(use_true_random=False))
def test_any_paging_gives_each_item_once_in_its_order(sizes: list[int], tokens: Any) -> None:
    """Whatever the sizes of the pages and their tokens are."""
    items = [{**ITEM, "ticker": f"T{number}"} for number in range(sum(sizes))]
    names = ["", *(f"{number}/{tokens.random()}&?=é" for number in range(1, len(sizes)))]

    def reply(call: Call) -> Reply:
        number = names.index(call.query.get("page_token", ""))
        begun = sum(sizes[:number])
        following = names[number + 1] if number + 1 < len(names) else None
        return Reply(
            json.dumps({"items": items[begun : begun + sizes[number]], "next_page_token": following}, indent=1)
        )

    with served(reply) as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCES__TEST_API__BASE_URL", api.url)
        patch.setenv("TEST_API_KEY", KEY)
        patch.setenv("TEST_API_SECRET", SECRET)
        rows, _ = _fetched(columns="ticker, source_row")
    assert rows == [(item["ticker"], number) for number, item in enumerate(items)]


# Pages that do not end


@pytest.mark.parametrize("lengths", [[1], [2, 1], [3, 2]])
def test_pages_that_go_in_a_circle_are_an_error(answering: Answering, lengths: list[int]) -> None:
    """Of one page, that names itself, or of several."""
    following = {"": "1", **{str(number): str(number % lengths[0] + 1) for number in range(1, lengths[0] + 1)}}
    api = answering(
        lambda call: Reply({"items": [ITEM], "next_page_token": following[call.query.get("page_token", "")]})
    )
    assert "the pages go in a circle" in _failed()
    assert len(api.calls) == lengths[0] + 1


def test_pages_without_end_are_an_error(answering: Answering) -> None:
    api = answering(lambda call: Reply({"items": [], "next_page_token": f"{call.query.get('page_token', '')}x"}))
    assert "at most 50 pages, but there are more" in _failed()
    assert len(api.calls) == 50


@pytest.mark.parametrize("token", [7, True, ["x"], {"x": 1}, "x" * 5000])
def test_a_token_that_is_none_is_an_error(answering: Answering, token: Any) -> None:
    answering(lambda _: Reply({"items": [ITEM], "next_page_token": token}))
    assert "to name the next one by a text in next_page_token" in _failed()


def test_an_empty_token_ends_the_pages(answering: Answering) -> None:
    answering(lambda _: Reply({"items": [ITEM], "next_page_token": ""}))
    assert len(_fetched()[0]) == 1


# Refusals and bad moments


def _once(*first: Reply) -> Callable[[Call], Reply]:
    """These answers first, then good ones."""
    left = list(first)
    return lambda _: left.pop(0) if left else Reply({"items": [ITEM]})


@pytest.mark.parametrize(
    "bad",
    [
        Reply("Too Many Requests", 429, {"Retry-After": "0"}),
        Reply("oops", 500),
        Reply("", 503),
        Reply('{"items": [{"ticker": "A"'),
        Reply("<html>a page</html>"),
        Reply(""),
        Reply('{"items": []}', headers={"Content-Length": "50", "Connection": "close"}),
    ],
    ids=["429", "500", "503", "truncated", "a page", "empty", "broken off"],
)
def test_what_may_pass_is_asked_for_again(answering: Answering, bad: Reply) -> None:
    api = answering(_once(bad, bad))
    assert len(_fetched()[0]) == 1
    assert len(api.calls) == 3


def test_a_pause_that_is_asked_for_is_kept(answering: Answering) -> None:
    answering(_once(Reply("", 429, {"Retry-After": "1"})))
    begun = time.monotonic()
    assert len(_fetched()[0]) == 1
    assert time.monotonic() - begun >= 1


def test_a_long_pause_is_said_instead_of_kept(answering: Answering) -> None:
    api = answering(lambda _: Reply("slow down", 429, {"Retry-After": "3600"}))
    assert "answered 429 Too Many Requests (slow down) and asks to be left alone for 3,600 seconds" in _failed()
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    "body", ['{"items": [1,', "[]", '"items"', '{"items": NaN}', '{"a": 1, "a": 2}', "\xff" * 9, "[" * 99_999]
)
def test_what_stays_no_page_is_an_error(answering: Answering, body: str) -> None:
    api = answering(lambda _: Reply(body.encode("latin-1")))
    assert "page 1 of the items, but the answer is not whole JSON: it" in _failed()
    assert len(api.calls) == QUICK.attempts


def test_another_refusal_is_not_asked_again(answering: Answering) -> None:
    api = answering(lambda _: Reply({"reason": f"no such day for {SECRET} of {KEY}"}, 400))
    error = _failed()
    assert "answered 400 Bad Request (no such day for … of …)" in error
    assert len(api.calls) == 1


def test_keys_do_not_follow_a_redirect(answering: Answering) -> None:
    with served(lambda _: Reply({"items": [ITEM]})) as elsewhere:
        answering(lambda _: Reply("", 302, {"Location": f"{elsewhere.url}/items"}))
        assert "answered 302" in _failed()
        assert elsewhere.calls == []


@pytest.mark.parametrize("key", [None, "", "two words", "a\nb", "ключ"])
def test_without_keys_nobody_is_asked(answering: Answering, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    api = answering(_in_pages([ITEM]))
    if key is None:
        monkeypatch.delenv("TEST_API_SECRET")
    else:
        monkeypatch.setenv("TEST_API_SECRET", key)
    with pytest.raises(
        SettingError, match="expected keys in TEST_API_KEY and TEST_API_SECRET, but TEST_API_SECRET"
    ) as error:
        _fetched()
    assert not error.value.is_transient
    assert not key or key not in str(error.value)
    assert api.calls == []


def test_a_cancelled_load_ends_and_leaves_nothing(answering: Answering, tmp_path: Path) -> None:
    cancelled = threading.Event()

    def reply(call: Call) -> Reply:
        if "page_token" in call.query:
            cancelled.set()
        return Reply({"items": [ITEM], "next_page_token": f"{call.query.get('page_token', '')}x"})

    api = answering(reply)
    visit = Prices().visit([day(2)], QUICK)
    with pytest.raises(CancelledError):
        visit.fetch(day(2), tmp_path, cancelled, known=None, progress=lambda *_: None)
    visit.close()
    assert len(api.calls) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_is_too_large_is_given_up(answering: Answering) -> None:
    answering(lambda _: Reply({"items": [ITEM], "more": "x" * 200_000}))
    assert "with at most 100,000 bytes, but it has more" in _failed()
    answering(
        lambda call: Reply(
            {"items": [], "more": "x" * 90_000, "next_page_token": call.query.get("page_token", "") + "x"}
        )
    )
    assert "expected answers of at most 1,000,000 bytes" in _failed()


# What is in the pages


def test_fields_that_nobody_knows_are_kept(answering: Answering) -> None:
    answering(_in_pages([ITEM], [{**ITEM, "Venue": "X", "rowid": 7, "Price": 2, "tags": ["a"], "source_row": 1.5}]))
    rows, note = _fetched(columns="price, venue, rowid_published, price_published, tags, source_row_published")
    assert rows == [
        (1.5, None, None, None, None, None),
        (1.5, "X", 7, 2, '["a"]', 1.5),
    ]
    assert "venue (VARCHAR)" in str(note)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("price", "4.10", 4.1),
        ("price", 7, 7.0),
        ("price", None, None),
        ("size", 3.0, 3),
        ("size", "9007199254740993", 9007199254740993),
        ("on_day", "2025-05-02", "2025-05-02"),
        ("sold_at", "2025-05-02T09:30:00-04:00", "2025-05-02 13:30:00"),
        ("ticker", "x" * 9_000, "x" * 9_000),
    ],
)
def test_values_are_read_as_their_types(answering: Answering, field: str, value: Any, expected: Any) -> None:
    answering(_in_pages([{**ITEM, field: value}]))
    assert _fetched(columns=f"{field}::varchar" if isinstance(expected, str) else field)[0] == [(expected,)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "much"),
        ("price", True),
        ("price", "1e5"),
        ("price", "٣"),
        ("price", 10**400),
        ("price", [1]),
        ("size", 1.5),
        ("size", 2**63),
        ("size", "1.5"),
        ("sold_at", "2025-05-02T13:30:00"),
        ("sold_at", "0001-01-01T00:00:00+14:00"),
        ("sold_at", 1_746_192_600),
        ("on_day", "2025-02-30"),
        ("on_day", "20250502"),
        ("ticker", 7),
        ("ticker", "x" * 1_000_000),
        ("ticker", "a\0b"),
        ("ticker", "\ud800"),
        ("new", "x" * 20_000),
        ("new", "\ud800"),
    ],
)
def test_a_value_of_another_type_is_an_error(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, field: str, value: Any
) -> None:
    monkeypatch.setattr(Prices, "paging", Paging(largest_page_bytes=10_000_000))
    monkeypatch.setattr(Prices, "largest_bytes", 10_000_000)
    answering(_in_pages([ITEM], [{**ITEM, field: value}]))
    error = _failed()
    assert f"as '{field}', but got" in error
    assert "in record 2" in error


def test_a_field_without_a_usable_name_is_an_error(answering: Answering) -> None:
    answering(_in_pages([{**ITEM, "x" * 300: 1}]))
    assert "names of at most 200 letters" in _failed()
    answering(_in_pages([ITEM | {f"f{number}": number for number in range(600)}]))
    assert "at most 500 columns" in _failed()


def test_nothing_never_replaces_something(answering: Answering, database: Path) -> None:
    answering(_in_pages([ITEM]))
    assert _load().status is Status.LOADED
    answering(_in_pages([]))
    assert "the published file has none" in str(_load().error)
    assert _rows(database, "ticker") == [("NA",)]


def test_what_cannot_be_had_is_not_published_and_nobody_is_asked(answering: Answering) -> None:
    api = answering(_in_pages([ITEM]))
    assert "not published (yet)" in _failed(1)
    answers, unreachable = ask([day(1), day(2)])
    assert [answer and answer.url for answer in answers.values()] == [None, f"{api.url}/items?day=2025-05-02"]
    assert (unreachable, api.calls) == ({}, [])
