"""MetricFlow's answers about markets are those of plain SQL on what was published."""

from itertools import product

import duckdb
import pytest

from tests.metrics.markets.definitions import DEFINITIONS, DIMENSIONS
from tests.metrics.parity import answered, assert_same, computed

# The dimensions of each view, beside those that every metric is asked by.
_BY_ONE_METRIC = {
    "deals": "trade_vwap",
    "symbol_days": "avg_spread",
    "deals_of_traders": "trader_notional",
    "closed": "win_rate",
    "held": "unrealized_pnl",
    "bars": "market_notional",
    "closings": "advancing_pct",
    "contracts": "put_call_ratio",
    "volatilities": "avg_realised_volatility",
}


def test_the_days_have_what_a_definition_can_get_wrong(raw_data: duckdb.DuckDBPyConnection) -> None:
    """Every session, quarantine, half-days, a company that moved and one that ended: else parity is empty."""
    sessions = "select is_half_day, count(distinct session) from bars group by all order by all"
    assert raw_data.execute(sessions).fetchall() == [(False, 4), (True, 4)]
    counts = raw_data.execute(
        """
        select
            (select count(*) from raw_data.minute_aggs) - (select count(*) from bars),
            (select count(*) from raw_data.options_snapshots) - (select count(*) from contracts),
            (select count(*) from bars where transactions is null),
            (select count(*) from bars where sector is null and company_name is not null),
            (select count(*) from bars where company_name is null),
            (select count(distinct sector) - 1 from bars where ticker = 'AAA'),
            (select count(*) from bars where ticker = 'BBB' and day = '2026-02-17' and sector is null),
            (select count(*) from contracts where volume is null or open_interest is null),
            (select count(*) from volatilities where at_the_money is not null),
            (select count(*) from volatilities where realised is null),
            (select count(*) from volatilities where realised > 0),
            (select count(*) from closings where step > 0),
            (select count(*) from closings where step < 0),
            (select count(*) from closings where step = 0),
            (select count(*) from closings where step is null),
            (select count(*) from raw_data.trades) - (select count(*) from deals),
            (select count(*) from deals where price is null),
            (select count(*) from deals where quantity is null),
            (select count(*) from deals where trader_id is null),
            (select count(*) from deals where sector is null),
            (select count(*) from deals_of_traders where firm is null),
            (select count(distinct firm) - 1 from deals where trader_id = 'T1'),
            (select count(*) from symbol_days where spread is null),
            (select count(*) from symbol_days where step > 0),
            (select count(*) from symbol_days where step < 0),
            (select count(*) from symbol_days where step is null),
            (select count(*) from closed where gain > 0 and is_long),
            (select count(*) from closed where gain < 0 and not is_long),
            (select count(distinct day) from held) - (select count(distinct day) from deals),
            (select count(*) from held where value < 0)
        """
    ).fetchall()
    assert all(count > 0 for count in counts[0]), counts


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_a_metric_is_its_plain_definition(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection, metric: str
) -> None:
    """Over all, and by day and a dimension, which is another from metric to metric."""
    view, definition = DEFINITIONS[metric]
    further = list(DIMENSIONS[view].items())[1:]
    dimension, column = further[list(DEFINITIONS).index(metric) % len(further)]
    assert_same(answered(release, metric, ()), computed(raw_data, view, definition, ()))
    assert_same(
        answered(release, metric, ("metric_time__day", dimension)),
        computed(raw_data, view, definition, ("day", column)),
    )


@pytest.mark.parametrize(
    ("view", "dimension"), [(view, dimension) for view, named in DIMENSIONS.items() for dimension in named]
)
def test_they_can_be_grouped_by(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection, view: str, dimension: str
) -> None:
    metric = _BY_ONE_METRIC[view]
    # What is held is that of the last day of all, also in groups.
    is_of_last_day = view == "held" and not dimension.startswith("metric_time")
    where = "day = (select max(day) from held)" if is_of_last_day else "true"
    plain = computed(raw_data, view, DEFINITIONS[metric][1], (DIMENSIONS[view][dimension],), where)
    assert_same(answered(release, metric, (dimension,)), plain)


@pytest.mark.parametrize(("session", "sector"), product(("market", "closed"), ("Energy", "Technology")))
def test_they_can_be_filtered_by_session_and_by_the_sector_of_the_day(
    release: duckdb.DuckDBPyConnection, raw_data: duckdb.DuckDBPyConnection, session: str, sector: str
) -> None:
    where = (f"ticker_session__session = '{session}'", f"symbol__sector = '{sector}'")
    plain = computed(
        raw_data, "bars", DEFINITIONS["market_vwap"][1], ("ticker",), f"session = '{session}' and sector = '{sector}'"
    )
    assert plain
    assert_same(answered(release, "market_vwap", ("ticker_session__ticker",), where), plain)


def test_the_days_of_the_market_have_the_figures_of_the_metrics(release: duckdb.DuckDBPyConnection) -> None:
    """What briefings read of a day is what anybody gets who asks for it."""
    metrics_of = {
        "volume": "market_volume",
        "notional": "market_notional",
        "trade_count": "market_trade_count",
        "ticker_count": "traded_tickers",
        "compared_count": "compared_tickers",
        "advancer_count": "advancing_tickers",
        "decliner_count": "declining_tickers",
        "unchanged_count": "unchanged_tickers",
    }
    for column, metric in metrics_of.items():
        # Where no ticker is compared, there is no metric.
        of_days = f"nullif({column}, 0)"
        plain = release.execute(f"select source_date, {of_days} from core_markets.fct_market_days").fetchall()
        answer = {group: value or None for group, value in answered(release, metric, ("metric_time__day",)).items()}
        assert_same(answer, {(day,): value for day, value in plain})
