"""The rebuild of the silver bars of one ticker's day."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from ingestion.catalog import Catalog
from ingestion.partitions import no_file_expected
from orchestration.assets.subjects import tags_of_feeds
from orchestration.assets.translator import TRANSLATOR
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.integration import DbtCliResource
from orchestration.dbt_cli.runs import run_dbt
from orchestration.execution.retries import SILVER_RETRIES
from orchestration.execution.writer_pool import WRITER_POOL
from orchestration.jobs.ingestion import SharedOps
from orchestration.markets.prefixes import FEED
from warehouse.connection import NotThereYetError, open_for_reading
from warehouse.periods import Grain, Period

_SILVER = "silver_minute_aggs"
_LONGEST_TICKER = 20


class TickerDay(dg.Config):
    """A ticker as it is published, and a trading day."""

    ticker: str
    date: str


def silver_ticker_job(shared: SharedOps) -> dg.JobDefinition:
    """The job that rebuilds the day in silver, and says what it has of the ticker."""
    build = _build_op(shared.catalog).with_retry_policy(SILVER_RETRIES.dbt)

    @dg.job(
        name="silver_ticker_job",
        description="Rebuild silver bars of a trading day, and say what there is of one ticker. The day is rebuilt "
        "whole, which takes seconds: its other tickers stay right.",
        tags=tags_of_feeds(shared.catalog, [shared.catalog.feeds[FEED]]),
    )
    def job() -> None:
        build()

    return job


def _build_op(catalog: Catalog) -> dg.OpDefinition:
    @dg.op(name="build_day_for_ticker", pool=WRITER_POOL)
    def build(context: dg.OpExecutionContext, config: TickerDay, dbt: DbtCliResource) -> Iterator[Any]:
        _refuse_what_is_not_loaded(config)
        arguments = dbt_build_arguments(
            select=[f"+{_SILVER}"], variables={"backfill_start_date": config.date, "backfill_end_date": config.date}
        )
        # What silver reads may not be built yet. Tests of it that also read other models are left to a whole build.
        arguments += ["--indirect-selection", "buildable"]
        yield from run_dbt(context, dbt, arguments, TRANSLATOR)
        with open_for_reading() as connection:
            yield dg.Output(None, metadata=_described(connection, config))

    @dg.configured(
        build,
        config_schema={
            "ticker": dg.Field(str, description="The ticker as it is published, such as AAPL."),
            "date": dg.Field(str, description="The trading day, such as 2026-01-14."),
        },
        name="build_silver_for_ticker",
        description="Rebuild a trading day in silver_minute_aggs, for one of its tickers.",
    )
    def build_what_is_asked_for(asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            _refuse_what_cannot_be(catalog, asked["ticker"], asked["date"])
        except ValueError as error:
            refusal = dg.DagsterInvalidConfigError(f"No run was started: {error}", [], asked)  # type: ignore[no-untyped-call]
            raise refusal from None
        return dict(asked)

    return build_what_is_asked_for


def _refuse_what_cannot_be(catalog: Catalog, ticker: str, date: str) -> None:
    feed = catalog.feeds[FEED]
    if not ticker.strip() or len(ticker) > _LONGEST_TICKER:
        raise ValueError(f"ticker: expected 1 to {_LONGEST_TICKER} characters, such as AAPL, but got {ticker[:50]!r}")
    period = Period.parse(Grain.DAY, date)
    if not list(feed.calendar.expected(period, period)):
        raise ValueError(f"{date}: {no_file_expected([feed])}")
    if period < feed.first_period or not period.has_begun(datetime.now(UTC).replace(tzinfo=None)):
        raise ValueError(f"date: expected a day from {feed.first_period} until today, but got {date}")


def _refuse_what_is_not_loaded(config: TickerDay) -> None:
    rows, of_ticker = _rows_loaded(config)
    if not rows:
        load = f"nyc load --from {config.date} --to {config.date} --sources {FEED}"
        raise dg.Failure(f"{FEED} {config.date} is not loaded. Load it first: {load}", allow_retries=False)
    if not of_ticker:
        raise dg.Failure(
            f"ticker: {config.ticker!r} is in no row of {FEED} {config.date}. Write it as published, such as AAPL or "
            "BRK.B.",
            allow_retries=False,
        )


def _rows_loaded(config: TickerDay) -> tuple[int, int]:
    """How many rows are loaded of the day, and of the ticker on it."""
    try:
        with open_for_reading() as connection:
            ((rows, of_ticker),) = connection.execute(
                "select count(*), count(*) filter (ticker = $ticker) from raw_data.minute_aggs"
                " where source_date = $date",
                {"ticker": config.ticker, "date": config.date},
            ).fetchall()
    except (NotThereYetError, duckdb.CatalogException):
        # No day was ever loaded, so there is no table.
        return 0, 0
    return rows, of_ticker


def _described(connection: duckdb.DuckDBPyConnection, config: TickerDay) -> dict[str, Any]:
    """What silver has of the ticker on the day: bars, volume and closing price by session."""
    rows = connection.execute(
        "select session, count(*), sum(volume), max_by(close, window_start) from core_markets.silver_minute_aggs"
        " where source_date = $date and ticker = $ticker group by session order by min(window_start)",
        {"ticker": config.ticker, "date": config.date},
    ).fetchall()
    return {
        "bars": sum(bars for _, bars, _, _ in rows),
        **{
            session: f"{bars:,} bars, {volume:,.0f} shares, last {close:,.2f} USD"
            for session, bars, volume, close in rows
        },
    }
