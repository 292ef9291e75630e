"""Days that are loaded late or again rebuild those that are compared with them, and no others."""

from datetime import date, timedelta

from tests.dbt.small_warehouse import Trip, Warehouse

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 1, day) for day in (20, 21, 22, 23))

FLOW = "source_date, contract, previous_source_date, open_interest_change, volume_change, is_new_contract"


def _chain(day: date, **open_interest: int) -> list[Trip]:
    """Contracts of one underlying, by their open interest."""
    return [
        {
            "underlying": contract[0],
            "contract": contract,
            "option_type": "call",
            "strike": 100,
            "expiration_date": date(2026, 2, 20),
            "volume": 10 * count,
            "open_interest": count,
            "snapshot_at": f"{day} 23:00:00",
        }
        for contract, count in open_interest.items()
    ]


def _flow(markets: Warehouse) -> list[tuple[object, ...]]:
    return markets.execute(f"select {FLOW} from core_markets.options_flow order by all")


def _build_flow(markets: Warehouse) -> set[str]:
    """The days of flow that were built again."""
    markets.build("--select", "+options_flow")
    return {key.removeprefix("options_snapshots/") for key in markets.rebuilt("options_flow")}


def test_flow_is_rebuilt_where_the_day_before_comes_late_is_replaced_or_goes(markets: Warehouse) -> None:
    markets.load("options_snapshots", TUESDAY, _chain(TUESDAY, A1=5, B1=7))
    markets.load("options_snapshots", THURSDAY, _chain(THURSDAY, A1=9, A2=1))
    markets.load("options_snapshots", FRIDAY, _chain(FRIDAY, A1=9, B1=1))
    assert _build_flow(markets) == {f"{TUESDAY}", f"{THURSDAY}", f"{FRIDAY}"}
    assert (THURSDAY, "A1", TUESDAY, 4.0, 40.0, False) in _flow(markets)
    # A chain is compared with the last of its own underlying.
    assert (FRIDAY, "B1", TUESDAY, -6.0, -60.0, False) in _flow(markets)
    assert _build_flow(markets) == set()

    # Late: the next day of A's chain, and that of B's, have another day before.
    markets.load("options_snapshots", WEDNESDAY, _chain(WEDNESDAY, A1=6, B1=8))
    assert _build_flow(markets) == {f"{WEDNESDAY}", f"{THURSDAY}", f"{FRIDAY}"}
    assert _flow(markets) == [
        (TUESDAY, "A1", None, None, None, False),
        (TUESDAY, "B1", None, None, None, False),
        (WEDNESDAY, "A1", TUESDAY, 1.0, 10.0, False),
        (WEDNESDAY, "B1", TUESDAY, 1.0, 10.0, False),
        (THURSDAY, "A1", WEDNESDAY, 3.0, 30.0, False),
        (THURSDAY, "A2", WEDNESDAY, None, None, True),
        (FRIDAY, "A1", THURSDAY, 0.0, 0.0, False),
        (FRIDAY, "B1", WEDNESDAY, -7.0, -70.0, False),
    ]

    markets.load("options_snapshots", TUESDAY, _chain(TUESDAY, A1=2, B1=7))
    assert _build_flow(markets) == {f"{TUESDAY}", f"{WEDNESDAY}"}
    assert (WEDNESDAY, "A1", TUESDAY, 4.0, 40.0, False) in _flow(markets)

    markets.unload("options_snapshots", WEDNESDAY)
    assert _build_flow(markets) == {f"{WEDNESDAY}", f"{THURSDAY}", f"{FRIDAY}"}
    assert (THURSDAY, "A1", TUESDAY, 7.0, 70.0, False) in _flow(markets)


def _bars(day: date, close: float, volume: float = 30_000) -> list[Trip]:
    """A bar at ten o'clock in New York's winter."""
    nanoseconds = ((day - date(1970, 1, 1)).days * 24 + 15) * 3_600_000_000_000
    prices = {"open": close, "high": close, "low": close, "close": close}
    return [{"ticker": "A", "volume": volume, "window_start": nanoseconds, "transactions": 3, **prices}]


def _anomalies(markets: Warehouse) -> list[tuple[object, ...]]:
    return markets.execute("select source_date, reason, days_before from core_markets.ticker_anomalies order by all")


def _build_anomalies(markets: Warehouse) -> set[str]:
    markets.build("--select", "+ticker_anomalies", "fct_ticker_days")
    return _rebuilt(markets, "ticker_anomalies")


def _rebuilt(markets: Warehouse, model: str) -> set[str]:
    return {key.removeprefix("minute_aggs/") for key in markets.rebuilt(model)}


def test_days_are_rebuilt_where_one_that_they_are_compared_with_comes_late_or_is_replaced(markets: Warehouse) -> None:
    """Anomalies are compared with the 20 days before, closing prices with the one before."""
    days = [day for number in range(40) if (day := TUESDAY + timedelta(number)).weekday() < 5 and number != 27][:26]
    late = days[12]
    for day in days:
        if day != late:
            # From the late day on the price is twice as high.
            markets.load("minute_aggs", day, _bars(day, 20.0 if day > late else 10.0))
    assert _build_anomalies(markets) == {f"{day}" for day in days if day != late}
    assert _anomalies(markets) == [(days[13], "likely_split", 12)]
    assert _build_anomalies(markets) == set()

    markets.load("minute_aggs", late, _bars(late, 20.0))
    assert _build_anomalies(markets) == {f"{day}" for day in days[12:]}
    assert _rebuilt(markets, "fct_ticker_days") == {f"{late}", f"{days[13]}"}
    change = "select source_date, change_pct from core_markets.fct_ticker_days where change_pct <> 0"
    assert markets.execute(change) == [(late, 100.0)]
    assert _anomalies(markets) == [(late, "likely_split", 12)]

    # The first day is one of the 20 before for those up to the 21st.
    markets.load("minute_aggs", days[0], _bars(days[0], 10.0, volume=5))
    assert _build_anomalies(markets) == {f"{day}" for day in days[:21]}
    assert _rebuilt(markets, "fct_ticker_days") == {f"{day}" for day in days[:2]}
    assert _anomalies(markets) == [(late, "likely_split", 12)]
