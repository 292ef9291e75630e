"""The models of the exchange's streams by layer, and how a step has dbt build a layer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.assets.translator import TRANSLATOR
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.integration import DbtCliResource
from orchestration.dbt_cli.runs import run_dbt

STREAMS = ("trades", "orderbook", "marketdata")
REFERENCE_FEEDS = ("symbols", "exchanges", "traders", "accounts")

SILVER = (
    "silver_trades",
    "silver_orderbook_snapshots",
    "silver_market_data",
    "silver_trader_activity",
    "quarantined_stream_rows",
)
GOLD = (
    "gold_daily_trading_summary",
    "gold_trader_performance",
    "gold_market_overview",
    "gold_portfolio_positions",
)
DIMENSIONS = ("dim_symbol", "dim_trader", "dim_exchange", "dim_account", "dim_trading_day")


def build_layer(
    context: dg.OpExecutionContext,
    dbt: DbtCliResource,
    models: Sequence[str],
    variables: Mapping[str, object] | None = None,
) -> Iterator[Any]:
    """Have dbt build these models and all that they read, with their tests. Only what has changed is built anew.

    Tests that read other models, too, are left to a build of everything.
    """
    arguments = dbt_build_arguments(select=[f"+{model}" for model in models], variables=variables)
    yield from run_dbt(context, dbt, [*arguments, "--indirect-selection", "buildable"], TRANSLATOR)
