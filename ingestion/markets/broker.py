"""Alpaca's API: daily candles of a watchlist's shares, daily bars of their options, and chains of options.

Market data come from one address, the list of option contracts and the market's clock from the trading API. The modules
`broker_bars` and `broker_chains` say what is asked and read, and where those facts are from.

The keys are in APCA_API_KEY_ID and APCA_API_SECRET_KEY. The trading API takes those of a paper account, unless the
setting `sources.broker.trading_url` names the one of live accounts.

Sources: https://docs.alpaca.markets/us/docs/market-data-faq says that 403 stands for wrong keys as well as for data
that the subscription does not cover; the reference's OpenAPI definitions, that 429 comes with X-RateLimit-Reset, in
seconds since 1970. Bars of shares begin in 2016, those of options in February of 2024.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb

from ingestion.feeds import Column, Feed, columns
from ingestion.fetch.api_publisher import ApiPublisher
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.questions import Conversation, Question
from ingestion.fetch.settings import address_setting, setting
from ingestion.markets import broker_bars, broker_chains
from ingestion.markets.broker_answers import said_by_api
from ingestion.markets.broker_desk import Desk
from ingestion.markets.trading_days import TRADING_DAYS
from ingestion.markets.watchlist import watchlist
from ingestion.partitions import Partition
from ingestion.readers.published import PublishedRows
from ingestion.readers.published_file import PublishedFile
from ingestion.readers.records import read_records
from warehouse.periods import Grain

_PAPER = "https://paper-api.alpaca.markets"
_LIVE = "https://api.alpaca.markets"
_NOT_COVERED = re.compile(r"subscription|agreement|not (permit|entitle)", re.IGNORECASE)


@dataclass(frozen=True)
class _Product:
    """How a feed is asked for and read. `first` is the question that names its answers in the ledger."""

    availability: Callable[[Desk, Partition], Conversation]
    ask: Callable[[Desk, Partition], Conversation]
    first: Callable[[Desk, Partition], Question]
    records: Callable[[PublishedFile, list[str]], Iterator[dict[str, Any]]]
    is_had_once: bool = False


_PRODUCTS = {
    "candle": _Product(
        lambda _, partition: broker_bars.availability(partition),
        broker_bars.ask_for_candles,
        broker_bars.candles_question,
        broker_bars.candles,
    ),
    "option_bar": _Product(
        lambda _, partition: broker_bars.availability(partition),
        broker_bars.ask_for_option_bars,
        lambda desk, partition: desk.contracts(desk.watchlist[0], "active", partition.period.first_day),
        broker_bars.option_bars,
    ),
    "option_snapshot": _Product(
        broker_chains.availability,
        broker_chains.ask_for_chains,
        lambda desk, partition: broker_chains.chain_question(desk, partition, desk.watchlist[0]),
        broker_chains.snapshots,
        is_had_once=True,
    ),
}


class Broker(ApiPublisher):
    """Alpaca's API."""

    name = "broker"
    default_base_url = "https://data.alpaca.markets"
    key_names = KeyNames("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
    key_headers = ("APCA-API-KEY-ID", "APCA-API-SECRET-KEY")

    def desk(self) -> Desk:
        """Where the API is, and what it is asked about, by the settings.

        Raises:
            SettingError: the watchlist is none.
        """
        return Desk(
            data=self.base_address(),
            trading=address_setting(self.name, "trading_url", _PAPER),
            watchlist=watchlist(),
            keeps_chains=setting(self.name, "keeps_chains").lower() == "true",
        )

    def locate(self, partition: Partition) -> list[str]:
        """The address of the first of the questions."""
        question = _product(partition).first(self.desk(), partition)
        return [f"{question.address}?{urlencode(question.parameters, safe=',:')}"]

    def availability(self, partition: Partition) -> Conversation:
        """Whether a day's bars are final, or its chains still stand."""
        return _product(partition).availability(self.desk(), partition)

    def conversation(self, partition: Partition) -> Conversation:
        """Ask for a day of the feed."""
        return _product(partition).ask(self.desk(), partition)

    def is_had_once(self, partition: Partition) -> bool:
        """A day's chains are not asked for again: they stand only until the next session opens."""
        return _product(partition).is_had_once

    def hash_of(self, partition: Partition, path: Path) -> str:
        """A hash of the rows. Lists of contracts and tokens may differ while the bars are the same."""
        digest = hashlib.sha256()
        for record in _product(partition).records(said_by_api(partition, path), []):
            digest.update(json.dumps(record, sort_keys=True, default=str).encode())
        return digest.hexdigest()

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of the answers, with the names and types that the feed declares.

        Raises:
            UnreadableFileError: an answer is not what was asked for: of another day or symbol, or with other fields.
        """
        notes: list[str] = []
        file = said_by_api(partition, path)
        return read_records(file, _product(partition).records(file, notes), connection, notes)

    def refusal(self, status: int, text: str) -> str | None:
        """Whether wrong keys or the subscription keep the answer from us."""
        if status not in (401, 403):
            return None
        why = f"{status} {text}".strip()
        if status == 403 and _NOT_COVERED.search(text):
            return f"the subscription does not cover it ({why}). Ask for another day, or change the subscription."
        other = f"keys of a live account need SOURCES__BROKER__TRADING_URL={_LIVE}"
        if status == 401:
            return f"the API does not take these keys ({why}). Check {self.key_names}; {other}."
        return f"the keys are wrong, or their subscription does not cover it ({why}). Check {self.key_names}; {other}."

    def text(self, start: str) -> str:
        """The reason that an answer gives, which is in `message`."""
        try:
            said = json.loads(start)
        except (ValueError, RecursionError):
            said = None
        return super().text(str(said["message"]) if isinstance(said, dict) and "message" in said else start)

    def pause_by_headers(self, headers: Mapping[str, str], now: datetime) -> float:
        """How long to wait: the API names the second in which more questions are allowed."""
        asked, reset = super().pause_by_headers(headers, now), headers.get("X-RateLimit-Reset", "")
        if not (reset.isascii() and reset.isdecimal() and len(reset) <= 12):
            return asked
        # A minute is the longest that its limits are counted over.
        return max(asked, min(60.0, int(reset) - now.timestamp()), 0.0)


def _product(partition: Partition) -> _Product:
    return _PRODUCTS[partition.feed.kind]


BROKER = Broker()

_BAR = columns(required="timestamp:t", optional="open:d high:d low:d close:d volume:d trade_count:b vwap:d")


def _feed(name: str, kind: str, first_day: date, event_time: str, listed: tuple[Column, ...]) -> Feed:
    return Feed(
        name=name,
        publisher=BROKER,
        raw_table=name,
        file_names=("",),  # the addresses are those of questions
        columns=listed,
        event_time=event_time,
        first_day=first_day,
        publication_lag_days=1,
        is_default=False,
        kind=kind,
        staging_model=f"stg_broker__{name}",
        kept_in=f"fct_{name}",
        quarantined_in="quarantined_broker_rows",
        grain=Grain.DAY,
        calendar=TRADING_DAYS,
    )


FEEDS = (
    _feed("candles_daily", "candle", date(2016, 1, 4), "timestamp", (*columns(required="symbol:s"), *_BAR)),
    _feed(
        "options_bars",
        "option_bar",
        date(2024, 2, 1),
        "timestamp",
        (*columns(required="contract:s underlying:s"), *_BAR),
    ),
    _feed(
        "options_snapshots",
        "option_snapshot",
        date(2024, 2, 1),
        # The chain is often taken on the day after in UTC; its last quotes are of the day itself.
        "quoted_at",
        (
            *columns(required="underlying:s contract:s", optional="expiration_date:date strike:d option_type:s"),
            *columns(required="snapshot_at:t", optional="bid:d ask:d bid_size:d ask_size:d last_price:d"),
            *columns(
                required="quoted_at:t",
                optional="last_trade_at:t volume:d open_interest:d implied_volatility:d delta:d gamma:d theta:d vega:d"
                " rho:d underlying_price:d",
            ),
        ),
    ),
)
