"""Messages come late, corrected, doubled and out of order, in batches, with builds between, some of them killed.

Whatever comes before what, the tables are those of a clean build of the same messages.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.dbt.any_order import Build, KilledBuild, any_order, contents, delays, kill_in
from tests.dbt.markets.files import rows_of
from tests.dbt.markets.messages import DAYS, STREAMS, Message, Said, Topics, tables_of_streams, take
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.paths import DATABASE_VARIABLE

# Asked for by tests alone: the project is parsed for it, which takes longer than to collect all other tests.
schemas = cache(tables_of_streams)


def compared() -> dict[str, str]:
    """Which day found that a trade has messages of several depends on what came when; what follows from it does not."""
    return {
        **{table: schema for table, schema in schemas().items() if table != "int_trades_of_several_days"},
        "int_trades_moved": schemas()["int_trades_of_several_days"],
    }


def tables_alone() -> tuple[str, ...]:
    return ("--select", *schemas())


def models() -> tuple[str, ...]:
    """The tables with what they are made of, and what joins them."""
    return ("--select", *(f"+{table}" for table in schemas()), "stream_reconciliation", "stream_rejects")


WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
DATA_TESTS = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")
REFERENCES = tuple(product(("symbols", "traders", "accounts", "exchanges"), DAYS[:2]))


@dataclass(frozen=True)
class Batch:
    """The next messages come: so many of each partition that has as many."""

    messages: int


Step = Batch | Build | KilledBuild

said = st.builds(
    Said,
    st.sampled_from(("trades", "trades", "trades", *STREAMS)),
    subject=st.integers(0, 3),
    day=st.sampled_from(DAYS),
    version=st.integers(0, 7),
    written=st.none() | st.integers(0, 5),
    partition=st.integers(0, 1),
)
builds = st.builds(Build, st.sampled_from(((), (), ("--full-refresh",))))
kills = st.deferred(lambda: st.builds(KilledBuild, st.sampled_from(sorted(schemas())), delays, st.just(tables_alone())))
steps = st.lists(st.builds(Batch, st.integers(1, 4)) | builds, min_size=1, max_size=6)

# What is there before the first step: each thing once on each day, and a trade that was moved already.
LOADED_FIRST = [
    *(Said(feed, subject, day, 1, 0, subject % 2) for feed, subject, day in product(STREAMS, (4, 5), DAYS[:2])),
    Said("trades", 0, DAYS[0], 1, 1),
    Said("trades", 0, DAYS[1], 0, 2, 1),
    Said("trades", 1, DAYS[0], 0, 3),
]


@dataclass
class Streams:
    """The topics, of which a part has come."""

    warehouse: Warehouse
    topics: Topics = field(default_factory=Topics)
    waiting: dict[tuple[str, object], list[tuple[str, Message]]] = field(default_factory=dict)

    def append(self, said: list[Said]) -> None:
        for one in said:
            feed, message = self.topics.append(one)
            self.waiting.setdefault((feed, message["kafka_partition"]), []).append((feed, message))

    def come(self, messages: int) -> None:
        """A batch comes; within a partition in order, as Kafka has it."""
        batch = [message for queue in self.waiting.values() for message in queue[:messages]]
        for queue in self.waiting.values():
            del queue[:messages]
        if batch:
            take(self.warehouse, batch)

    def all_come(self) -> None:
        self.come(len(self.topics.messages))

    def built_from_nothing(self) -> dict[str, list[tuple[object, ...]]]:
        """What a new warehouse holds that got all messages in one batch, and was built once."""
        self.warehouse.path.unlink()
        _make(self.warehouse)
        take(self.warehouse, self.topics.messages)
        _build_all(self.warehouse)
        return contents(self.warehouse, compared())


def _make(warehouse: Warehouse) -> None:
    warehouse.create_raw_tables()
    for feed, day in REFERENCES:
        warehouse.load(feed, day, rows_of(feed, day, 1))


def _build_all(warehouse: Warehouse) -> None:
    """The tables with all that they are made of, seeds as well."""
    assert warehouse.dbt("build", *models(), *WITHOUT_TESTS).success, warehouse.said


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    """The first messages have come and are built. `restore` of the warehouse puts that back."""
    folder = tmp_path_factory.mktemp("messages")
    with pytest.MonkeyPatch.context() as patch:
        streams = Streams(Warehouse(folder / "nyc_mobility.duckdb", folder, parsed_project()))
        patch.setenv(DATABASE_VARIABLE, str(streams.warehouse.path))
        _make(streams.warehouse)
        streams.append(LOADED_FIRST)
        streams.all_come()
        _build_all(streams.warehouse)
        shutil.copy(streams.warehouse.path, streams.warehouse.base)
        yield streams


def _as_it_was(streams: Streams) -> Streams:
    """The first messages alone."""
    streams.warehouse.restore()
    again = Streams(streams.warehouse)
    again.append(LOADED_FIRST)
    again.waiting.clear()
    return again


@any_order(examples=1)
@given(messages=st.lists(said, min_size=8, max_size=30), before=steps, kill=kills, after=steps)
def test_messages_in_any_order_give_what_a_clean_build_gives(
    streams: Streams, messages: list[Said], before: list[Step], kill: KilledBuild, after: list[Step]
) -> None:
    here = _as_it_was(streams)
    here.append(messages)
    for step in [*before, kill, *after]:
        match step:
            case Batch(count):
                here.come(count)
            case Build(arguments):
                here.warehouse.build(*tables_alone(), *arguments)
            case KilledBuild():
                event(f"killed: {kill_in(here.warehouse, step)}")
    here.all_come()
    assert here.warehouse.dbt("build", *models(), *DATA_TESTS).success, here.warehouse.said
    _every_message_is_somewhere(here)
    built = contents(here.warehouse, compared())
    clean = here.built_from_nothing()
    for table in compared():
        assert built[table] == clean[table], table


def _every_message_is_somewhere(streams: Streams) -> None:
    """Of each trade the latest sound message is kept, whatever its day; and every other is in quarantine."""
    held = streams.warehouse.execute(
        "select feed, kafka_partition, kafka_offset from core_markets.silver_trades"
        " union all select feed, kafka_partition, kafka_offset from core_markets.silver_orderbook_snapshots"
        " union all select feed, kafka_partition, kafka_offset from core_markets.silver_market_data"
        " union all select feed, kafka_partition, kafka_offset from core_markets.quarantined_stream_rows"
    )
    places = [(feed, one["kafka_partition"], one["kafka_offset"]) for feed, one in streams.topics.messages]
    assert sorted(held) == sorted(places)
    kept = streams.warehouse.execute(
        "select trade_id, kafka_partition, kafka_offset from core_markets.silver_trades order by trade_id"
    )
    assert kept == sorted(latest_of_trades(streams.topics.messages))


def latest_of_trades(messages: list[tuple[str, Message]]) -> list[tuple[object, object, object]]:
    """Place of the message of each trade that is right, in plain Python."""
    latest: dict[object, tuple[object, ...]] = {}
    for feed, one in messages:
        is_sound = one.get("trade_id") and one["symbol"] and one.get("side") != "HOLD" and one.get("price") != -1.0
        if feed == "trades" and is_sound:
            age = (str(one["event_timestamp"] or ""), one["kafka_timestamp"])
            place = (one["kafka_partition"], one["kafka_offset"])
            latest[one["trade_id"]] = max(latest.get(one["trade_id"], ()), (*age, *place))
    return [(trade, found[-2], found[-1]) for trade, found in latest.items()]


def test_the_first_messages_are_in_every_table_of_streams(streams: Streams) -> None:
    """Otherwise it would prove nothing that they are equal."""
    here = _as_it_was(streams)
    before = contents(here.warehouse, schemas())
    here.append([Said(feed, 4, DAYS[1], 5 if feed == "marketdata" else 0, 5) for feed in STREAMS])
    here.append([Said("trades", 5, DAYS[0], 1, 4), Said("trades", 5, DAYS[1], 0, 5)])
    here.all_come()
    here.warehouse.build(*tables_alone())
    after = contents(here.warehouse, schemas())
    assert [table for table in schemas() if not after[table] or before[table] == after[table]] == []


def test_only_days_that_messages_change_are_built_again(streams: Streams) -> None:
    here = _as_it_was(streams)

    def built(model: str = "silver_trades") -> set[str]:
        here.all_come()
        here.warehouse.build(*tables_alone())
        return {key.removeprefix("trades/") for key in here.warehouse.rebuilt(model)}

    first, second, third = (str(day) for day in DAYS)
    assert built() == set()
    here.append([Said("trades", 6, DAYS[2], 0, 0)])
    assert built() == {third}
    # The trade leaves the first day, of which no message came.
    here.append([Said("trades", 6, DAYS[0], 0, 1)])
    assert built() == {first, third}
    assert _days_of_trade(here, "T6") == [DAYS[0]]
    # Late: it was written before, so it changes no other day.
    here.append([Said("trades", 6, DAYS[1], 0, 0)])
    assert built() == {second}
    assert _days_of_trade(here, "T6") == [DAYS[0]]
    here.append([Said("orderbook", 6, DAYS[1], 0, 1)])
    assert built() == set()


def _days_of_trade(streams: Streams, trade_id: str) -> list[object]:
    rows = streams.warehouse.execute(
        f"select source_date from core_markets.silver_trades where trade_id = '{trade_id}'"
    )
    return [day for (day,) in rows]


def test_a_trade_has_one_trader_and_one_symbol_as_of_its_day(streams: Streams) -> None:
    """The trader changes desk on the second day; the file of that day is loaded after the trades."""
    here = _as_it_was(streams)
    for feed in ("symbols", "traders"):
        here.warehouse.load(feed, DAYS[1], rows_of(feed, DAYS[1], 2))
    here.warehouse.build("--select", "+dim_trader", "+dim_symbol")
    joined = here.warehouse.execute(
        """
        select trades.trade_id, trades.source_date, traders.desk, traders.version_number, symbols.company_name
        from core_markets.silver_trades as trades
        left join core_markets.dim_trader as traders
            on trades.trader_id = traders.trader_id
            and trades.source_date >= traders.valid_from
            and (traders.valid_to is null or trades.source_date < traders.valid_to)
        left join core_markets.dim_symbol as symbols
            on trades.symbol = symbols.symbol
            and trades.source_date >= symbols.valid_from
            and (symbols.valid_to is null or trades.source_date < symbols.valid_to)
        where trades.symbol = 'F'
        order by all
        """
    )
    assert joined == [("T1", DAYS[0], "Desk 1", 1, "Ford"), ("T4", DAYS[1], "Desk 2", 2, "Ford")]
    test = "assert_trades_have_one_description_as_of_their_day"
    assert here.warehouse.dbt("test", "--select", test).success, here.warehouse.said
    here.warehouse.execute(
        "insert into core_markets.dim_trader by name"
        f" select * replace (date '{DAYS[0]}' as valid_from, 'again' as trader_version_id)"
        " from core_markets.dim_trader where trader_id = 'R2'"
    )
    assert not here.warehouse.dbt("test", "--select", test).success
