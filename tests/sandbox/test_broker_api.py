"""The sandbox's API of the broker: its pages, its refusals, and prices that agree with each other."""

import gzip
import math
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests

from sandbox.files import write_file
from sandbox.markets.candles import candle, shares_by_symbol
from sandbox.markets.option_chains import value
from sandbox.markets.option_contracts import contracts_expired, contracts_listed, expiries
from sandbox.server import SamplePublisher

FRIDAY, MONDAY = date(2026, 1, 9), date(2026, 1, 12)
CHAIN, CONTRACTS, BARS = "data/v1beta1/options/snapshots/KO", "trading/v2/options/contracts", "data/v2/stocks/bars"
ALL = {"underlying_symbols": "KO", "expiration_date_gte": "2026-01-01", "expiration_date_lte": "2030-01-01"}


@pytest.fixture(scope="module")
def api() -> Iterator[SamplePublisher]:
    with SamplePublisher(FRIDAY, MONDAY, rows=200) as server:
        yield server


def _get(
    api: SamplePublisher, path: str, query: Mapping[str, str], keys: dict[str, str] | None = None
) -> requests.Response:
    names = {"APCA-API-KEY-ID": "APCA_API_KEY_ID", "APCA-API-SECRET-KEY": "APCA_API_SECRET_KEY"}
    headers = keys if keys is not None else {header: api.environment[name] for header, name in names.items()}
    return requests.get(f"{api.url}/broker/{path}", dict(query), headers=headers, timeout=30)


def _all_pages(api: SamplePublisher, path: str, **query: str) -> list[dict[str, Any]]:
    pages = [_get(api, path, query).json()]
    while token := pages[-1]["next_page_token"]:
        pages.append(_get(api, path, {**query, "page_token": token}).json())
    return pages


def test_pages_of_any_size_have_the_same_chain(api: SamplePublisher) -> None:
    small, large = (_all_pages(api, CHAIN, limit=limit) for limit in ("100", "1000"))
    assert (len(small), len(large)) == (15, 2)
    joined = [{name: said for page in pages for name, said in page["snapshots"].items()} for pages in (small, large)]
    assert joined[0] == joined[1]
    assert len(joined[0]) == sum(len(page["snapshots"]) for page in small) == 1477


def test_lists_of_contracts_say_which_have_expired(api: SamplePublisher) -> None:
    share = shares_by_symbol()["KO"]
    active, inactive = (
        [
            one["symbol"]
            for page in _all_pages(api, CONTRACTS, status=status, limit="999", **ALL)
            for one in page["option_contracts"]
        ]
        for status in ("active", "inactive")
    )
    assert active == [one.name for one in contracts_listed(share, MONDAY)]
    assert inactive == [one.name for one in contracts_expired(share, date(2026, 1, 1), MONDAY)]
    assert {name[2:8] for name in inactive} == {"260102", "260109"}


def test_bars_come_by_symbol_and_time(api: SamplePublisher) -> None:
    window = {"timeframe": "1Day", "start": "2026-01-08T05:00:00Z", "end": "2026-01-13T05:00:00Z"}
    (page,) = _all_pages(api, BARS, symbols="XOM,KO,ZZZZ", **window)
    days = ["2026-01-08", "2026-01-09", "2026-01-12"]
    assert {symbol: [bar["t"][:10] for bar in bars] for symbol, bars in page["bars"].items()} == {
        "KO": days,
        "XOM": days,
    }
    assert len(_all_pages(api, BARS, symbols="XOM,KO", limit="1", **window)) == 6


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (CHAIN, {"limit": "1001"}, 400),
        (CHAIN, {"page_token": "é"}, 400),
        (CHAIN, {"as_of": "yesterday"}, 400),
        (CONTRACTS, {**ALL, "status": "both"}, 400),
        (CONTRACTS, {"underlying_symbols": "KO"}, 400),
        (BARS, {"symbols": "KO", "timeframe": "1Min"}, 400),
        (BARS, {"symbols": "", "timeframe": "1Day", "start": "2026-01-08", "end": "2026-01-09"}, 400),
        ("data/v9", {}, 404),
    ],
)
def test_a_call_that_cannot_be_answered_is_refused(
    api: SamplePublisher, path: str, query: dict[str, str], status: int
) -> None:
    answer = _get(api, path, query)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_nobody_without_the_keys_is_answered(api: SamplePublisher) -> None:
    for keys in ({}, {"APCA-API-KEY-ID": api.environment["APCA_API_KEY_ID"]}):
        assert _get(api, CHAIN, {}, keys).status_code == 401


@pytest.mark.parametrize("day", [date(2025, 11, 28), FRIDAY])
def test_candles_follow_the_minute_file_of_the_day(tmp_path: Path, day: date) -> None:
    """On a half-day, too, whose session ends at 13:00."""
    path = write_file("minute_aggs", day, tmp_path, rows=20_000)
    with gzip.open(path) as packed:
        assert packed.readline().startswith(b"ticker,")
    closes = "13:00" if day.month == 11 else "16:00"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"""
            select ticker, first(open order by window_start), max(high), min(low), last(close order by window_start)
            from read_csv('{path}', all_varchar = false, types = {{'ticker': 'varchar'}}, nullstr = '')
            where make_timestamptz(window_start // 1000) >= timestamptz '{day} 09:30 America/New_York'
                and make_timestamptz(window_start // 1000) < timestamptz '{day} {closes} America/New_York'
                and ticker in ('SPY', 'AAPL', 'BRK.A')
            group by ticker
            """
        ).fetchall()
    assert len(found) == 3
    for symbol, *prices in found:
        bar = candle(shares_by_symbol()[symbol], day)
        assert prices == pytest.approx([bar[name] for name in "ohlc"], rel=0.003)


def test_calls_and_puts_agree_with_the_price_of_the_share() -> None:
    """Put-call parity: the difference of both is the share less the strike that is paid later."""
    share = shares_by_symbol()["SPY"]
    close = candle(share, FRIDAY)["c"]
    listed = {(one.expires, one.strike, one.is_call): one for one in contracts_listed(share, FRIDAY)}
    calls = [one for one in listed.values() if one.is_call]
    assert len({one.expires for one in calls}) == len(expiries(FRIDAY)) > 15
    for one in calls:
        other = listed[one.expires, one.strike, False]
        years = max(0.5, (one.expires - FRIDAY).days) / 365
        parity = value(share, one, FRIDAY).price - value(share, other, FRIDAY).price
        assert parity == pytest.approx(close - one.strike * math.exp(-0.04 * years), abs=0.01)
        assert value(share, one, FRIDAY).delta - value(share, other, FRIDAY).delta == pytest.approx(1)
