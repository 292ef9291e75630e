"""Answers of the broker's API that are not what was asked for, or not as usual."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.catalog import FEEDS
from ingestion.errors import IngestionError, NotPublishedError, SettingError, message_of
from ingestion.markets.broker import BROKER
from ingestion.markets.broker_answers import contract_of
from ingestion.markets.watchlist import DEFAULT, watchlist
from tests.ingestion.api import Api, Call, Reply, fetched, served
from tests.partitions import partition_of
from warehouse.paths import PROJECT_ROOT

FRIDAY = date(2026, 1, 9)
CANDLES, BARS, CHAINS = (
    partition_of(FEEDS[name], FRIDAY) for name in ("candles_daily", "options_bars", "options_snapshots")
)
KEYS = {"APCA_API_KEY_ID": "key-of-the-test", "APCA_API_SECRET_KEY": "s3cret-of-the-test"}

BAR = {"t": "2026-01-09T05:00:00Z", "o": 120, "h": 122.5, "l": 119, "c": 121, "v": 1000, "n": 10, "vw": 120.5}
CALL, PUT = "XOM260116C00120000", "XOM260116P00120000"
CLOSED = {
    "timestamp": "2026-01-09T17:30:00.123456789-05:00",
    "is_open": False,
    "next_open": "2026-01-12T09:30:00-05:00",
    "next_close": "2026-01-12T16:00:00-05:00",
}
SNAPSHOT = {
    "latestQuote": {"ap": 2.2, "as": 5, "ax": "B", "bp": 2.1, "bs": 4, "bx": "C", "c": "A", "t": "2026-01-09T20:59:59Z"}
}


def _contract(name: str, **others: Any) -> dict[str, Any]:
    return {"symbol": name, "underlying_symbol": "XOM", "open_interest": "7", **others}


GOOD: Mapping[str, Any] = {
    "/v2/stocks/bars": {"bars": {"XOM": [BAR]}},
    "/v2/clock": CLOSED,
    "/v2/stocks/snapshots": {"XOM": {"dailyBar": BAR}},
    "/v2/options/contracts": {"option_contracts": [_contract(CALL), _contract(PUT)]},
    "/v1beta1/options/snapshots/XOM": {"snapshots": {CALL: SNAPSHOT, PUT: SNAPSHOT}},
    "/v1beta1/options/bars": {"bars": {CALL: [BAR]}},
}

Answers = Mapping[str, Any]
"""What is answered, by path: a page, or what makes one of a call."""


def _set(patch: pytest.MonkeyPatch, api: Api) -> None:
    patch.setenv("SOURCES__BROKER__BASE_URL", api.url)
    patch.setenv("SOURCES__BROKER__TRADING_URL", api.url)
    patch.delenv("SOURCES__BROKER__KEEPS_CHAINS", raising=False)
    patch.setenv("MARKETS_WATCHLIST", "XOM")
    for name, value in KEYS.items():
        patch.setenv(name, value)


def _answering(answers: Answers) -> AbstractContextManager[Api]:
    def reply(call: Call) -> Reply:
        page = {**GOOD, **answers}[call.path]
        page = page(call) if callable(page) else page
        return page if isinstance(page, Reply) else Reply(page)

    return served(reply)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answers], Api]]:
    """Serves an API that answers so, until the test ends."""
    open_ones = []

    def begin(answers: Answers) -> Api:
        context = _answering(answers)
        open_ones.append(context)
        api = context.__enter__()
        _set(monkeypatch, api)
        return api

    yield begin
    for context in open_ones:
        context.__exit__(None, None, None)


Answering = Callable[[Answers], Api]


def _failed(partition: Any) -> str:
    with pytest.raises(IngestionError) as raised:
        fetched(partition, "*")
    text = message_of(raised.value, "the day")
    assert len(text) < 600
    assert not any(key in text for key in KEYS.values())
    return text


# Bars


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ({"CVX": [BAR]}, "expected bars of what was asked for, but one is of CVX"),
        (
            {"XOM": [{**BAR, "t": "2026-01-08T05:00:00Z"}]},
            "expected bars of 2026-01-09, but one of XOM is of 2026-01-08",
        ),
        ({"XOM": [{**BAR, "t": "2026-01-09T04:59:59Z"}]}, "one of XOM is of 2026-01-08"),
        ({"XOM": [BAR, BAR]}, "expected one bar of XOM a day, but there is another one"),
        ({"XOM": [{"o": 1}]}, "expected a time with a zone, such as 2026-01-05T21:00:00Z, but got 'None'"),
        ({"XOM": [{**BAR, "t": "2026-01-09T05:00:00"}]}, "expected a time with a zone"),
        ({"XOM": BAR}, "expected a list of bars of XOM"),
        ({"XOM": ["bar"]}, "expected an object as a bar of XOM"),
        ({"x" * 1_000_000: [BAR]}, "expected the name of a share or contract, but got 'xxx"),
        ([], "expected an object as bars"),
    ],
)
def test_bars_of_something_else_are_an_error(answering: Answering, bars: Any, message: str) -> None:
    answering({"/v2/stocks/bars": {"bars": bars}})
    assert message in _failed(CANDLES)


def test_numbers_may_be_texts_and_fields_may_be_missing(answering: Answering) -> None:
    answering({"/v2/stocks/bars": {"bars": {"XOM": [{"t": BAR["t"], "c": "121.50", "v": 10.5, "n": "12"}]}}})
    assert fetched(CANDLES, "open, close, volume, trade_count, vwap")[0] == [(None, 121.5, 10.5, 12, None)]


@pytest.mark.parametrize("bars", [None, {}])
def test_no_bars_are_not_published(answering: Answering, bars: Any) -> None:
    answering({"/v2/stocks/bars": {"bars": bars}})
    with pytest.raises(NotPublishedError, match="no share of XOM has a bar"):
        fetched(CANDLES, "*")


def test_contracts_are_asked_for_a_hundred_at_once(answering: Answering) -> None:
    names = [f"XOM260116C{strike:08}" for strike in range(1000, 251_000, 1000)]

    def contracts(call: Call) -> dict[str, Any]:
        """The active ones on two pages; those that have expired since are the rest."""
        if call.query["status"] == "inactive":
            return {"option_contracts": [_contract(name, status="inactive") for name in names[200:]]}
        if "page_token" in call.query:
            return {"option_contracts": [_contract(name) for name in names[150:200]], "next_page_token": None}
        return {"option_contracts": [_contract(name) for name in names[:150]], "next_page_token": "MTUw"}

    api = answering(
        {
            "/v2/options/contracts": contracts,
            "/v1beta1/options/bars": lambda call: {"bars": {name: [BAR] for name in call.query["symbols"].split(",")}},
        }
    )
    rows, note = fetched(BARS, "contract, underlying")
    assert rows == [(name, "XOM") for name in names]
    assert note is None
    asked = [call for call in api.calls if call.path == "/v1beta1/options/bars"]
    assert [len(call.query["symbols"].split(",")) for call in asked] == [100, 100, 50]
    assert {(call.query["start"], call.query["end"], call.query["timeframe"]) for call in asked} == {
        ("2026-01-09T05:00:00Z", "2026-01-10T01:00:00Z", "1Day")
    }


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([_contract(CALL, underlying_symbol="CVX")], f"expected contracts of XOM, but {CALL} is of 'CVX'"),
        ([_contract("x" * 1_000_000)], "expected the name of a share or contract"),
        ({}, "expected a list of contracts"),
        (["x"], "expected an object as a contract"),
    ],
)
@pytest.mark.parametrize("partition", [BARS, CHAINS])
def test_a_list_of_something_else_is_an_error(answering: Answering, partition: Any, listed: Any, message: str) -> None:
    answering({"/v2/options/contracts": {"option_contracts": listed}})
    assert message in _failed(partition)


def test_a_page_without_contracts_is_an_error(answering: Answering) -> None:
    answering({"/v2/options/contracts": {"message": "try later"}})
    assert "expected an answer with option_contracts, but it has 'message'" in _failed(BARS)


# Chains


def test_a_chain_is_read_as_it_stands(answering: Answering) -> None:
    answering({})
    columns = "contract, strike, option_type, snapshot_at::varchar, bid, volume, open_interest, delta, underlying_price"
    rows, note = fetched(CHAINS, columns)
    at = "2026-01-09 22:30:00.123456"
    assert rows == [
        (CALL, 120.0, "call", at, 2.1, None, 7.0, None, 121.0),
        (PUT, 120.0, "put", at, 2.1, None, 7.0, None, 121.0),
    ]
    assert note is None


@pytest.mark.parametrize(
    ("bar", "volume"),
    [
        ({"t": "2026-01-09T05:00:00Z", "v": "12"}, 12),
        ({"t": "2026-01-08T05:00:00Z", "v": 12}, 0),
        (None, None),
        ({}, None),
    ],
)
def test_the_volume_is_that_of_the_day(answering: Answering, bar: Any, volume: Any) -> None:
    answering({"/v1beta1/options/snapshots/XOM": {"snapshots": {CALL: {**SNAPSHOT, "dailyBar": bar}}}})
    assert fetched(CHAINS, "volume")[0] == [(volume,)]


def test_a_price_of_another_day_is_none(answering: Answering) -> None:
    answering({"/v2/stocks/snapshots": {"XOM": {"dailyBar": {**BAR, "t": "2026-01-08T05:00:00Z"}}}})
    rows, note = fetched(CHAINS, "underlying_price")
    assert set(rows) == {(None,)}
    assert note == "no price of the day of XOM"


def test_odd_contracts_and_unknown_fields_are_kept(answering: Answering) -> None:
    odd = {
        "XOM2260116P00112150": SNAPSHOT,
        "XOMX": {"latestQuote": None, "greeks": {"delta": 0.5, "charm": 1}, "iv_rank": [1]},
    }
    answering({"/v1beta1/options/snapshots/XOM": {"snapshots": odd}})
    rows, note = fetched(
        CHAINS, "contract, expiration_date::varchar, strike, bid, delta, greeks_charm, iv_rank, open_interest"
    )
    assert rows == [
        ("XOM2260116P00112150", "2026-01-16", 112.15, 2.1, None, None, None, None),
        ("XOMX", None, None, None, 0.5, 1, "[1]", None),
    ]
    assert "greeks_charm (BIGINT)" in str(note)


@pytest.mark.parametrize(
    ("snapshots", "message"),
    [
        ({"CVX260116C00120000": SNAPSHOT}, "expected the chain of XOM, but its contracts are such as 'CVX260116C"),
        ({CALL: "x"}, f"expected an object as {CALL}"),
        ({CALL: {"latestQuote": "x"}}, "expected an object as latestQuote"),
        ({CALL: SNAPSHOT, "x" * 1_000_000: SNAPSHOT}, "expected the name of a share or contract"),
        ({CALL: {"latestQuote": {"t": "yesterday"}}}, "expected a time with a zone"),
        ({CALL: {"latestQuote": {"bp": True}}}, "expected a finite number as 'bid'"),
        ({CALL: {"greeks": {"delta": "x" * 1_000_000}}}, "expected a finite number as 'delta', but got 'xxx"),
        ([], "expected an object as snapshots"),
    ],
)
def test_a_chain_of_something_else_is_an_error(answering: Answering, snapshots: Any, message: str) -> None:
    answering({"/v1beta1/options/snapshots/XOM": {"snapshots": snapshots}})
    assert message in _failed(CHAINS)


def test_a_contract_on_two_pages_is_an_error(answering: Answering) -> None:
    """The chain has moved between them, and another contract may be missing."""
    answering(
        {
            "/v1beta1/options/snapshots/XOM": lambda call: {
                "snapshots": {CALL: SNAPSHOT},
                "next_page_token": None if "page_token" in call.query else "x",
            }
        }
    )
    assert f"expected {CALL} once in the chain, but it is on two pages" in _failed(CHAINS)


@settings(max_examples=15, deadline=None)
@given(strikes=st.integers(1, 12), chain_cuts=st.sets(st.integers(1, 11)), list_cuts=st.sets(st.integers(1, 11)))
def test_a_chain_is_the_same_however_it_is_paged(strikes: int, chain_cuts: set[int], list_cuts: set[int]) -> None:
    names = [f"XOM260116C{strike:08}" for strike in range(1000, 1000 + strikes)]

    def page(call: Call, cuts: set[int]) -> tuple[list[str], str | None]:
        edges = [0, *sorted(cut for cut in cuts if cut < strikes), strikes]
        number = int(call.query.get("page_token", "0"))
        return names[edges[number] : edges[number + 1]], str(number + 1) if number + 2 < len(edges) else None

    def chain(call: Call) -> dict[str, Any]:
        found, token = page(call, chain_cuts)
        return {"snapshots": dict.fromkeys(found, SNAPSHOT), "next_page_token": token}

    def contracts(call: Call) -> dict[str, Any]:
        found, token = page(call, list_cuts)
        listed = [_contract(name, open_interest=str(int(name[-8:]))) for name in found]
        return {"option_contracts": listed, "next_page_token": token}

    answers = {"/v1beta1/options/snapshots/XOM": chain, "/v2/options/contracts": contracts}
    with _answering(answers) as api, pytest.MonkeyPatch.context() as patch:
        _set(patch, api)
        rows, _ = fetched(CHAINS, "contract, open_interest, source_row")
    assert rows == [(name, int(name[-8:]), number) for number, name in enumerate(names)]


# The clock


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"timestamp": "2026-01-09T10:00:00-05:00", "is_open": True}, "a chain is taken after its session has closed"),
        ({"timestamp": "2026-01-08T17:00:00-05:00", "next_open": "2026-01-09T09:30:00-05:00"}, "after its session"),
        ({"timestamp": "2026-01-12T09:31:00-05:00", "is_open": True}, "no longer to be had"),
        ({"timestamp": "2026-01-12T16:01:00-05:00", "next_open": "2026-01-13T09:30:00-05:00"}, "no longer to be had"),
        ({"is_open": "no"}, "expected true or false as is_open, but got 'no'"),
        ({"next_open": 5}, "expected a time with a zone"),
        ({"timestamp": None}, "expected a time with a zone"),
    ],
)
def test_another_time_gives_no_chain(answering: Answering, said: dict[str, Any], message: str) -> None:
    api = answering({"/v2/clock": {**CLOSED, **said}})
    assert message in _failed(CHAINS)
    assert [call.path for call in api.calls] == ["/v2/clock"]


def test_the_night_before_the_next_session_gives_the_chain(answering: Answering) -> None:
    answering({"/v2/clock": {**CLOSED, "timestamp": "2026-01-12T09:29:59-05:00"}})
    assert len(fetched(CHAINS, "1")[0]) == 2


def test_a_session_that_opens_meanwhile_spoils_the_chain(answering: Answering) -> None:
    times = iter([CLOSED, {**CLOSED, "timestamp": "2026-01-12T09:30:01-05:00", "is_open": True}])
    api = answering({"/v2/clock": lambda _: next(times)})
    assert "no longer to be had" in _failed(CHAINS)
    assert len(api.calls) == 5


def test_an_answer_without_a_clock_is_an_error(answering: Answering) -> None:
    answering({"/v2/clock": {"message": "hello"}})
    assert "expected an answer with is_open, but it has 'message'" in _failed(CHAINS)


# Keys, limits and settings


def test_keys_in_an_answer_are_not_repeated(answering: Answering) -> None:
    said = " ".join(KEYS.values())
    for status in (400, 401, 403, 418):
        answering({"/v2/stocks/bars": Reply({"message": f"no such key: {said}"}, status)})
        text = _failed(CANDLES)
        assert str(status) in text
        assert "no such key: … …" in text
    answering({"/v2/stocks/bars": Reply(f"{said} is no JSON")})
    assert "it begins with '… … is no JSON'" in _failed(CANDLES)


def test_keys_of_a_live_account_are_a_reason_to_name(answering: Answering) -> None:
    answering({"/v2/clock": Reply({"message": "forbidden."}, 401)})
    assert "need SOURCES__BROKER__TRADING_URL=https://api.alpaca.markets" in _failed(CHAINS)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "1767963645"}, 45),
        ({"X-RateLimit-Reset": "1767963645", "Retry-After": "50"}, 50),
        ({"X-RateLimit-Reset": "1767963645", "Retry-After": "5"}, 45),
        ({"X-RateLimit-Reset": "1767960000"}, 0),
        ({"X-RateLimit-Reset": "1999999999"}, 60),
        ({"X-RateLimit-Reset": "soon"}, 0),
        ({"X-RateLimit-Reset": "9" * 5000}, 0),
        ({}, 0),
    ],
)
def test_the_pause_ends_when_the_limit_is_lifted(headers: dict[str, str], seconds: float) -> None:
    now = datetime(2026, 1, 9, 13, 0, 0, tzinfo=UTC)
    assert int(now.timestamp()) == 1767963600
    assert BROKER.pause_by_headers(headers, now) == seconds


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SPY260116C00688000", ("SPY", date(2026, 1, 16), 688.0, "call")),
        ("XOM2241220P00112150", ("XOM2", date(2024, 12, 20), 112.15, "put")),
        ("F260130P00000500", ("F", date(2026, 1, 30), 0.5, "put")),
        ("SPY260230C00688000", None),
        ("SPY260116X00688000", None),
        ("260116C00688000", None),
        ("SPY", None),
    ],
)
def test_a_contract_is_read_from_its_name(name: str, said: Any) -> None:
    found = contract_of(name)
    assert (found and (found.root, found.expiration_date, found.strike, found.option_type)) == said


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("", tuple(DEFAULT.split(","))),
        ("AAPL", ("AAPL",)),
        (" SPY , BRK.B,SPY", ("SPY", "BRK.B")),
        ("NA,TRUE", ("NA", "TRUE")),
    ],
)
def test_a_watchlist_is_symbols_with_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, symbols: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MARKETS_WATCHLIST", text)
    assert watchlist() == symbols


@pytest.mark.parametrize(
    "text",
    [
        "spy",
        "SPY QQQ",
        "SPY,,QQQ",
        ",",
        " ",
        "SPY;QQQ",
        "../etc",
        "SPY&limit=1",
        "A" * 9,
        "É",
        ",".join(f"A{chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(201)),
    ],
)
def test_what_is_no_watchlist_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MARKETS_WATCHLIST", text)
    with pytest.raises(SettingError, match="MARKETS_WATCHLIST: expected symbols in capitals with commas between them"):
        watchlist()


def test_addresses_are_shown_without_keys_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETS_WATCHLIST", "SPY,BRK.B")
    arguments = [
        "--sources",
        "candles_daily,options_snapshots",
        "--from",
        "2026-01-09",
        "--to",
        "2026-01-09",
        "--dry-run",
    ]
    shown = subprocess.run(
        [sys.executable, "-m", "ingestion.run_pipeline", *arguments], capture_output=True, text=True, cwd=PROJECT_ROOT
    )
    assert shown.returncode == 0, shown.stderr
    text = "".join(shown.stdout.split())
    assert "https://data.alpaca.markets/v2/stocks/bars?symbols=SPY,BRK.B&timeframe=1Day" in text
    assert "https://data.alpaca.markets/v1beta1/options/snapshots/SPY?limit=1000" in text
