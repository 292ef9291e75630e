"""Candles, option bars and chains from the sandbox's API, by the words that stand in the broker's modules."""

import logging
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.errors import (
    DownloadError,
    IngestionError,
    NotPublishedError,
    RefusedError,
    SettingError,
    UnreadableFileError,
    message_of,
)
from ingestion.feeds import Feed
from ingestion.fetch.questions import Paging
from ingestion.gap_survey import survey
from ingestion.pipeline import Status, ingest
from ingestion.publication import State
from sandbox.faults import Fault
from sandbox.markets.candles import candle, shares_by_symbol
from sandbox.markets.option_chains import bar_of, chain, has_open_interest, open_interest
from sandbox.markets.option_contracts import contracts_listed
from sandbox.server import SamplePublisher
from tests.ingestion.api import QUICK, fetched
from tests.partitions import partition_of
from warehouse.periods import day as period_of_day

pytestmark = pytest.mark.usefixtures("made_tables")

CANDLES, BARS, CHAINS = (FEEDS[name] for name in ("candles_daily", "options_bars", "options_snapshots"))
# A Thursday and a Friday, on which contracts expire, and a Monday.
THURSDAY, FRIDAY, MONDAY = date(2026, 1, 8), date(2026, 1, 9), date(2026, 1, 12)
WATCHLIST = ("XOM", "BRK.A")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """The sandbox's API on Monday evening, for a watchlist of a share with options and one without."""
    with SamplePublisher(date(2025, 12, 1), MONDAY, rows=200) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MARKETS_WATCHLIST", ",".join(WATCHLIST))
        yield server


def _paths(api: SamplePublisher) -> list[str]:
    """What was asked, without parameters."""
    return [entry.path.partition("?")[0].removeprefix("/broker/") for entry in api.requests]


# What is loaded


def test_candles_are_those_of_the_watchlist(api: SamplePublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETS_WATCHLIST", "XOM,ZZZZ,BRK.A")
    columns = "symbol, timestamp::varchar, open, high, low, close, volume, trade_count, vwap"
    rows, note = fetched(partition_of(CANDLES, FRIDAY), columns)
    expected = [(symbol, candle(shares_by_symbol()[symbol], FRIDAY)) for symbol in ("BRK.A", "XOM")]
    assert rows == [
        (symbol, "2026-01-09 05:00:00", *(bar[name] for name in ("o", "h", "l", "c", "v", "n", "vw")))
        for symbol, bar in expected
    ]
    assert note == "no bar of ZZZZ"
    assert _paths(api) == ["data/v2/stocks/bars"]


@pytest.mark.parametrize("day", [date(2025, 12, 3), FRIDAY])
def test_option_bars_are_those_of_all_contracts_of_the_day_expired_since_or_not(
    api: SamplePublisher, day: date
) -> None:
    rows, note = fetched(partition_of(BARS, day), "contract, underlying, close, volume")
    expected = [
        (contract.name, symbol, bar["c"], bar["v"])
        for symbol in WATCHLIST
        for contract in contracts_listed(shares_by_symbol()[symbol], day)
        if (bar := bar_of(shares_by_symbol()[symbol], contract, day))
    ]
    assert sorted(rows) == sorted(expected)
    assert {row[0][:4] for row in rows} >= {"XOM2"}
    assert note == "no contracts on BRK.A"


def test_a_chain_has_everything_that_the_api_says_of_a_contract(api: SamplePublisher) -> None:
    rows, note = fetched(partition_of(CHAINS, FRIDAY), "struct_pack(*columns(*))")
    found = {row[0]["contract"]: row[0] for row in rows}
    assert note == "no contracts on BRK.A"
    assert len(found) == len(rows)
    share = shares_by_symbol()["XOM"]
    listed = {one.name: one for one in contracts_listed(share, FRIDAY)}
    expired = found.keys() - listed.keys()
    assert len(expired) == 1
    assert {found[name]["expiration_date"] for name in expired} == {date(2026, 1, 2)}
    assert all(found[name]["open_interest"] is None for name in expired)
    for name, said in chain(share, FRIDAY).items():
        row = found[name]
        assert (row["underlying"], row["underlying_price"]) == ("XOM", candle(share, FRIDAY)["c"])
        assert (row["bid"], row["ask"]) == (said["latestQuote"]["bp"], said["latestQuote"]["ap"])
        assert row["last_price"] == said.get("latestTrade", {}).get("p")
        assert row["delta"] == said.get("greeks", {}).get("delta")
        assert row["implied_volatility"] == said.get("impliedVolatility")
        if name in listed:
            one = listed[name]
            assert (row["expiration_date"], row["strike"]) == (one.expires, pytest.approx(one.strike))
            assert row["option_type"] == ("call" if one.is_call else "put")
            assert row["open_interest"] == (open_interest(one, THURSDAY) if has_open_interest(one) else None)
            bar = bar_of(share, one, FRIDAY)
            assert row["volume"] == (bar["v"] if bar else (0 if "dailyBar" in said else None))
    assert {str(row["snapshot_at"]) for row in found.values()} == {"2026-01-10 01:30:00"}
    _check_oddities(list(found.values()))


def _check_oddities(rows: list[dict[str, Any]]) -> None:
    """What makes chains hard is there, and comes as it is."""
    assert any(row["bid"] > row["ask"] for row in rows)
    assert any(row["bid"] == 0 for row in rows)
    assert any(row["open_interest"] == 0 for row in rows)
    assert any(row["volume"] == 0 for row in rows)
    assert any(row["volume"] is None and row["last_trade_at"] is None for row in rows)
    assert any(row["delta"] is None and row["implied_volatility"] is None for row in rows)
    assert any(row["contract"].startswith("XOM2") and row["underlying"] == "XOM" for row in rows)
    assert all(row["quoted_at"] <= row["snapshot_at"] for row in rows)


def test_three_feeds_are_loaded_and_are_then_unchanged(
    api: SamplePublisher, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    partitions = [partition_of(feed, FRIDAY) for feed in (CANDLES, BARS, CHAINS)]
    loaded = ingest(partitions, policy=QUICK)
    assert [(result.status, result.error) for result in loaded] == [(Status.LOADED, None)] * 3
    before = len(api.requests)
    # A day later other contracts are listed, with other open interest. The day's bars are the same.
    assert [result.status for result in ingest(partitions, policy=QUICK)] == [Status.UNCHANGED] * 3
    assert "data/v1beta1/options/snapshots/XOM" not in _paths(api)[before:]
    with duckdb.connect(str(database), read_only=True) as connection:
        volumes = connection.execute(
            "select sum(b.volume), sum(s.volume) from raw_data.options_snapshots as s"
            " left join raw_data.options_bars as b using (source_date, contract)"
        ).fetchall()
        assert volumes[0][0] == volumes[0][1] > 0
        marks = connection.execute("select asset, max_event_time::date from meta.asset_watermarks").fetchall()
        assert dict(marks) == dict.fromkeys(("candles_daily", "options_bars", "options_snapshots"), FRIDAY)
    for key in (api.environment["APCA_API_KEY_ID"], api.environment["APCA_API_SECRET_KEY"]):
        assert key not in caplog.text
        assert key.encode() not in database.read_bytes()


# When it can be had


@pytest.mark.parametrize("feed", [CANDLES, BARS])
def test_a_day_that_is_not_over_is_not_asked_for(api: SamplePublisher, feed: Feed) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(NotPublishedError, match=r"its bars are final on .* at 20:15 in New York"):
        fetched(partition_of(feed, tomorrow), "*")
    assert api.requests == []


@pytest.mark.parametrize("feed", [CANDLES, BARS, CHAINS])
def test_a_day_of_which_there_is_nothing_is_not_published(
    api: SamplePublisher, monkeypatch: pytest.MonkeyPatch, feed: Feed
) -> None:
    monkeypatch.setenv("MARKETS_WATCHLIST", "ZZZZ,YYYY")
    with pytest.raises(NotPublishedError, match="ZZZZ, YYYY"):
        fetched(partition_of(feed, FRIDAY), "*")


def test_a_chain_is_only_to_be_had_while_it_stands(
    api: SamplePublisher, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the real API, which keeps none."""
    monkeypatch.delenv("SOURCES__BROKER__KEEPS_CHAINS")
    friday, monday, tuesday = (partition_of(CHAINS, day) for day in (FRIDAY, MONDAY, MONDAY + timedelta(days=1)))
    results = ingest([friday, monday, tuesday], policy=QUICK)
    assert [result.status for result in results] == [Status.NOT_PUBLISHED, Status.LOADED, Status.NOT_PUBLISHED]
    assert "no longer to be had: the API gives chains only as they stand" in str(results[0].error)
    assert "not published (yet): a chain is taken after its session has closed" in str(results[2].error)
    assert not any("as_of" in entry.path for entry in api.requests)

    api.publish(MONDAY + timedelta(days=1))
    results = ingest([friday, monday, tuesday], policy=QUICK)
    assert [result.status for result in results] == [Status.NOT_PUBLISHED, Status.UNCHANGED, Status.LOADED]
    # A chain that is gone is overdue for good; bars that nobody has loaded are there.
    gaps = survey(
        "options_snapshots,candles_daily",
        period_of_day(2026, 1, 9),
        period_of_day(2026, 1, 13),
        now=datetime(2026, 1, 14, 12),
    )
    assert {(str(one.partition), one.state) for one in gaps.plan} == {
        ("options_snapshots 2026-01-09", State.OVERDUE),
        ("options_snapshots 2026-01-12", State.LOADED),
        ("options_snapshots 2026-01-13", State.LOADED),
        *((f"candles_daily {day}", State.MISSING) for day in ("2026-01-09", "2026-01-12", "2026-01-13")),
    }
    assert gaps.unreachable == {}


def test_a_weekend_belongs_to_the_friday_before(api: SamplePublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCES__BROKER__KEEPS_CHAINS")
    api.publish(date(2026, 1, 18))  # a Sunday; Monday is Martin Luther King's day
    assert len(fetched(partition_of(CHAINS, date(2026, 1, 16)), "contract")[0]) > 1000
    api.publish(date(2026, 1, 19))
    assert len(fetched(partition_of(CHAINS, date(2026, 1, 16)), "contract")[0]) > 1000
    api.publish(date(2026, 1, 20))
    with pytest.raises(NotPublishedError, match="no longer to be had"):
        fetched(partition_of(CHAINS, date(2026, 1, 16)), "contract")


# What can go wrong


@pytest.mark.parametrize(
    ("feed", "fault", "kind", "message"),
    [
        (CANDLES, Fault.ENDLESS_PAGES, DownloadError, "on at most 20 pages, but there are more"),
        (
            CANDLES,
            Fault.FORBIDDEN,
            RefusedError,
            "the subscription does not cover it (403 subscription does not permit",
        ),
        (CANDLES, Fault.WRONG_KEYS, RefusedError, "the keys are wrong, or their subscription does not cover it (403"),
        (CANDLES, Fault.TRUNCATED, DownloadError, "the answer is not whole JSON: it begins with '{\""),
        (CANDLES, Fault.HTML, DownloadError, "it begins with '<!DOCTYPE html>"),
        (CANDLES, Fault.UNAVAILABLE, DownloadError, "answered 503 Service Unavailable"),
        (CANDLES, Fault.LONG_PAUSE, DownloadError, "asks to be left alone for 31,622,400 seconds (tried 1 time)"),
        (CANDLES, Fault.REDIRECT, DownloadError, "answered 307 Temporary Redirect. Check its base address"),
        (CANDLES, Fault.REPEATED_NAME, DownloadError, "'next_page_token' is there more than once"),
        (CANDLES, Fault.OTHER_SHAPE, DownloadError, "it is a list, not an object"),
        (CHAINS, Fault.NOT_FINITE, DownloadError, "NaN is not a number in JSON"),
        (CANDLES, Fault.MISSING_COLUMN, UnreadableFileError, "an answer with bars"),
        (CANDLES, Fault.WRONG_TYPES, UnreadableFileError, "a finite number as 'close', but got 'wide'"),
        (CANDLES, Fault.NO_ROWS, NotPublishedError, "no share of XOM, BRK.A has a bar"),
        *((feed, Fault.REPEATING_TOKEN, DownloadError, "the pages go in a circle") for feed in (CANDLES, BARS, CHAINS)),
        (BARS, Fault.MISSING_COLUMN, UnreadableFileError, "an answer with bars"),
        (BARS, Fault.NO_ROWS, NotPublishedError, "no contract on XOM, BRK.A has a bar"),
        (CHAINS, Fault.FORBIDDEN, RefusedError, "the subscription does not cover it"),
        (CHAINS, Fault.MISSING_COLUMN, UnreadableFileError, "an answer with snapshots"),
        (CHAINS, Fault.WRONG_TYPES, UnreadableFileError, "a finite number as 'bid', but got 'wide'"),
        (CHAINS, Fault.NO_ROWS, NotPublishedError, "no contracts on XOM, BRK.A"),
    ],
)
def test_what_goes_wrong_is_said(
    api: SamplePublisher,
    monkeypatch: pytest.MonkeyPatch,
    feed: Feed,
    fault: Fault,
    kind: type[IngestionError],
    message: str,
) -> None:
    monkeypatch.setattr(type(feed.publisher), "paging", Paging(most_pages=20))
    api.break_(feed.name, FRIDAY, fault)
    with pytest.raises(kind) as raised:
        fetched(partition_of(feed, FRIDAY), "*")
    text = message_of(raised.value, "the day")
    assert message in text
    assert len(text) < 600
    assert api.environment["APCA_API_SECRET_KEY"] not in text


def test_a_bad_moment_is_waited_for(api: SamplePublisher) -> None:
    api.break_("options_snapshots", FRIDAY, Fault.TOO_MANY_REQUESTS, times=1)
    begun = clock.monotonic()
    assert fetched(partition_of(CHAINS, FRIDAY), "1")[0]
    assert clock.monotonic() - begun >= 1


def test_new_fields_are_kept(api: SamplePublisher) -> None:
    for feed in (CANDLES, BARS, CHAINS):
        api.break_(feed.name, FRIDAY, Fault.EXTRA_COLUMN)
        rows, note = fetched(partition_of(feed, FRIDAY), "venue")
        assert set(rows) == {("X",)}
        assert "kept columns that ingestion/markets/broker.py does not declare: venue (VARCHAR)" in str(note)


def test_missing_keys_are_named_and_nobody_is_asked(api: SamplePublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with pytest.raises(
        SettingError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY, but APCA_API_SECRET_KEY is not set"
    ):
        fetched(partition_of(CHAINS, FRIDAY), "*")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "another")
    with pytest.raises(RefusedError, match=r"the API does not take these keys \(401 request is not authorized\)"):
        fetched(partition_of(CHAINS, FRIDAY), "*")
    assert {entry.status for entry in api.requests} == {401}
