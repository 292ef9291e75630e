"""The hand-written statements, composed from the SQL files of this folder."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from string import Template

FACTS = ("fct_trips", "fct_hourly_mobility")
TABLES = (*FACTS, "quarantined_trips")
MONTHS = "select distinct pickup_month from core_core.fct_trips order by all"

_FOLDER = Path(__file__).parent


def select(table: str, condition: str) -> str:
    """The select that makes the rows of a table from the raw rows (the hourly fact: from trips) with the condition."""
    parts = {name: _sql(name).substitute(condition=condition) for name in ("trips", "weather")}
    return _sql(table).substitute(parts, condition=condition)


def create(table: str, months: Sequence[date] = ()) -> str:
    """The SQL that makes the whole table: one statement, or one for each month of pickup.

    The hourly fact needs the months: 100 million trips grouped at once can spill until a disk of 70 GB is full.
    """
    if not months:
        return f"create or replace table core_core.{table} as {select(table, 'true')}"
    selects = [select(table, "false"), *(select(table, f"pickup_month = date '{month}'") for month in months)]
    return f"create or replace table core_core.{table} as {f'; insert into core_core.{table} '.join(selects)}"


def replace(table: str, month: date) -> str:
    """The SQL that replaces the rows of a month's files in the table."""
    condition = _rows_of(table, month)
    return f"""
        begin;
        delete from core_core.{table} where {condition};
        insert into core_core.{table} {select(table, condition)};
        commit;
    """


def _rows_of(table: str, month: date) -> str:
    """The condition of the rows that a month's files can touch; trips start up to two days outside the month."""
    if table != "fct_hourly_mobility":
        return f"source_month = date '{month}'"
    next_month = (month + timedelta(days=31)).replace(day=1)
    return f"pickup_date between date '{month - timedelta(days=2)}' and date '{next_month + timedelta(days=1)}'"


def _sql(name: str) -> Template:
    return Template((_FOLDER / f"{name}.sql").read_text())
