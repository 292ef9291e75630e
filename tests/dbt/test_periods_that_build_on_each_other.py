"""A model of replace_partitions that carries balances from day to day, in a project of its own."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger

PROJECT = """
name: toys
version: "1.0"
profile: nyc_mobility
macro-paths: [macros]
"""

# Shops that owe nothing have no row, so a day may have none.
MODEL = """
{{{{
    config(
        materialized='replace_partitions',
        partition_by=[{feed}{{'field': 'paid_on', 'data_type': 'date', 'granularity': 'day'}}],
        event_time='paid_on',
        batch_rows={batch_rows},
    )
}}}}
{{%- set expected %}}
    select {keys}, {{{{ version_with_all_before('paid_on', 'max(version)'{chain_of}) }}}} as version,
        'a load' as load_id, count(*) as row_count
    from raw.payments
    group by {keys}
{{%- endset %}}
{{%- set partitions = partitions_to_build(expected) %}}
with

before as (
    {{{{ rows_before(partitions, [('feed', 'varchar'), ('shop', 'varchar'), ('balance', 'bigint')]) }}}}
),

days as (
    select distinct feed, paid_on from ({{{{ rows_of_partitions('raw.payments', partitions) }}}}) as payments
),

entries as (
    select days.feed, days.paid_on, before.shop, before.balance as amount
    from before inner join days on before.feed = days.feed
    union all
    select feed, paid_on, shop, amount
    from ({{{{ rows_of_partitions('raw.payments', partitions) }}}}) as payments
)

select feed, paid_on, shop, cast(sum(amount) as bigint) as balance
from entries
where shop is not null
group by feed, paid_on, shop
having sum(amount) <> 0
"""

FIRST = date(2025, 5, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(8)]
# What each shop pays by day; 'none' makes a day that has no payments of shops.
PAYMENTS = {0: ("a", 5), 1: ("b", 7), 2: ("a", -5), 3: ("b", -7), 4: (None, 0), 5: ("a", 3), 7: ("b", 1)}


def _write_model(project: Path, name: str, *, has_feed: bool, batch_rows: int = 0) -> None:
    text = MODEL.format(
        feed="{'field': 'feed', 'data_type': 'varchar'}, " if has_feed else "",
        keys="feed, paid_on" if has_feed else "paid_on",
        chain_of=", 'feed'" if has_feed else "",
        batch_rows=batch_rows,
    )
    (project / "models" / f"{name}.sql").write_text(text)


@pytest.fixture(scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("toys")
    for folder in ("replace_partitions", "ledger", "engine"):
        shutil.copytree(DBT_DIRECTORY / "macros" / folder, project / "macros" / folder)
    (project / "models").mkdir()
    (project / "dbt_project.yml").write_text(PROJECT)
    _write_model(project, "balances", has_feed=False)
    _write_model(project, "balances_by_feed", has_feed=True)
    _write_model(project, "balances_in_large_batches", has_feed=False, batch_rows=1000)
    return project


@pytest.fixture(scope="module")
def _manifest(_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    scratch = tmp_path_factory.mktemp("parsed")
    parsed = Warehouse(scratch / "nyc_mobility.duckdb", scratch, project=_project).dbt("parse").result
    assert isinstance(parsed, Manifest)
    return parsed


@pytest.fixture
def toys(_project: Path, _manifest: Manifest, database: Path) -> Warehouse:
    """Payments of two shops, which have paid all on the fourth and fifth day, built by day."""
    warehouse = Warehouse(
        database, database.parent, _manifest, project=_project, left_out=("balances_in_large_batches",)
    )
    with open_for_writing() as connection:
        Ledger(connection)
        connection.execute(
            "create schema raw; create table raw.payments"
            " (feed text, paid_on date, shop text, amount bigint, version text)"
        )
    for number, (shop, amount) in PAYMENTS.items():
        _pay(warehouse, number, shop, amount)
    warehouse.build()
    return warehouse


def _pay(toys: Warehouse, number: int, shop: str | None, amount: int, feed: str = "east") -> None:
    said = f"'{shop}'" if shop else "null"
    toys.execute(f"insert into raw.payments values ('{feed}', '{DAYS[number]}', {said}, {amount}, '1')")


def _balances(toys: Warehouse, model: str = "balances") -> list[tuple[object, ...]]:
    return [
        (DAYS.index(paid_on), shop, balance)  # type: ignore[arg-type]
        for paid_on, shop, balance in toys.execute(f"select paid_on, shop, balance from core.{model} order by all")
    ]


def _keys(*numbers: int, feed: str = "") -> set[str]:
    return {f"{feed}{DAYS[number]}" for number in numbers}


BALANCES = [(0, "a", 5), (1, "a", 5), (1, "b", 7), (2, "b", 7), (5, "a", 3), (7, "a", 3), (7, "b", 1)]


@pytest.mark.parametrize("options", [[], ["--full-refresh"]])
def test_balances_are_carried_from_day_to_day(toys: Warehouse, options: list[str]) -> None:
    # Days 3 and 4 have no rows: what is carried into day 5 is nothing, not what day 2 had.
    toys.build(*options)
    assert _balances(toys) == _balances(toys, "balances_by_feed") == BALANCES


def test_a_late_day_builds_itself_and_those_after_it(toys: Warehouse) -> None:
    toys.build()
    assert toys.rebuilt("balances") == set()

    _pay(toys, 6, "a", 10)
    toys.build()
    assert toys.rebuilt("balances") == _keys(6, 7)
    assert toys.rebuilt("balances_by_feed") == _keys(6, 7, feed="east/")
    assert _balances(toys) == [*BALANCES[:5], (6, "a", 13), (7, "a", 13), (7, "b", 1)]

    toys.execute(f"update raw.payments set amount = 6, version = '2' where paid_on = '{DAYS[1]}'")
    toys.build()
    assert toys.rebuilt("balances") == _keys(1, 2, 3, 4, 5, 6, 7)
    assert _balances(toys)[1:5] == [(1, "a", 5), (1, "b", 6), (2, "b", 6), (3, "b", -1)]
    incremental = _balances(toys)
    toys.build("--full-refresh")
    assert _balances(toys) == incremental


def test_nothing_is_carried_into_a_day_that_is_gone(toys: Warehouse) -> None:
    toys.execute(f"delete from raw.payments where paid_on in ('{DAYS[1]}', '{DAYS[7]}')")
    toys.build()
    assert toys.rebuilt("balances") == _keys(1, 2, 3, 4, 5, 7)
    # The first day and the third are neighbours now.
    assert _balances(toys) == [(0, "a", 5), (3, "b", -7), (4, "b", -7), (5, "a", 3), (5, "b", -7)]
    assert _balances(toys, "balances_by_feed") == _balances(toys)


def test_each_feed_has_a_day_before_of_its_own(toys: Warehouse) -> None:
    for number in (0, 4):
        _pay(toys, number, "w", 2, feed="west")
    toys.build("--select", "balances_by_feed")
    assert toys.rebuilt("balances_by_feed") == _keys(0, 4, feed="west/")
    of_west = "select paid_on, balance from core.balances_by_feed where feed = 'west' order by all"
    assert toys.execute(of_west) == [(DAYS[0], 2), (DAYS[4], 4)]


def test_a_backfill_of_days_far_apart_reads_the_days_before_each(toys: Warehouse) -> None:
    """The days between are not built, and the days before are read as they are."""
    toys.execute(f"update raw.payments set version = '2' where paid_on = '{DAYS[7]}'")
    window = {"backfill_start_date": f"{DAYS[2]}", "backfill_end_date": f"{DAYS[2]}"}
    toys.build("--vars", json.dumps(window))
    assert toys.rebuilt("balances") == _keys(2, 7)
    assert _balances(toys) == BALANCES


def test_batches_of_several_days_are_refused(toys: Warehouse) -> None:
    assert not toys.dbt("run", "--select", "balances_in_large_batches").success
    said = "\n".join(toys.said)
    assert "balances_in_large_batches: expected the configuration batch_rows to be 0, one period at a time" in said
    assert "got 1000" in said
