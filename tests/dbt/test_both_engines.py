"""Models are one text for both engines: nothing in it is known to one of them alone."""

import re

import pytest

from tests.dbt.both_engines import faults_of
from tests.dbt.small_warehouse import DBT_DIRECTORY

# What is there to say things as one engine has them, and what is said to the ledger, which is in DuckDB.
OF_ONE_ENGINE = ("macros/engine/", "macros/ledger/", "macros/replace_partitions/", "macros/checks/check_raw_tables.sql")


def sources() -> dict[str, str]:
    """The text of models, data tests and macros by path below `dbt`."""
    folders = ("models", "tests", "macros")
    found = (path for folder in folders for path in sorted((DBT_DIRECTORY / folder).rglob("*.sql")))
    texts = {str(path.relative_to(DBT_DIRECTORY)): path.read_text() for path in found}
    return {name: text for name, text in texts.items() if not name.startswith(OF_ONE_ENGINE)}


def macros() -> frozenset[str]:
    texts = [path.read_text() for path in (DBT_DIRECTORY / "macros").rglob("*.sql")]
    return frozenset(name for text in texts for name in re.findall(r"\{%-? *macro +(\w+)", text))


def test_no_model_says_what_one_engine_alone_knows() -> None:
    known = macros()
    faults = [f"dbt/{name}:{fault}" for name, text in sources().items() for fault in faults_of(text, known)]
    assert not faults, "write macros of dbt/macros/engine/ or of dbt's own:\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select list_transform(prices, x) as prices from trades", "list_transform"),
        ("select array_join(names, ',') as names from trades", "array_join"),
        ("select try_strptime(day, '%Y') as day from trades", "try_strptime"),
        ("select * from trades qualify row_number() over (order by id) = 1", "qualify"),
        ("select price::double as price from trades", "::"),
        ("select seconds // 60 as minutes from trades", "//"),
        ("select * exclude (id) from trades", "exclude"),
        ("select a from one union all by name select a from other", "by name"),
        ("select [1, 2] as numbers", "["),
        ("select {'a': 1} as pair", "{"),
        ('select "from" from trades', "for Spark it is a text"),
        ("select cast(id as varchar) as id from trades", "varchar"),
        (r"select replace(path, '\', '/') as path from trades", "backslash"),
        ("select opened_at + interval 1 day as closed_at from trades", "interval"),
        ("select opened_at at time zone 'UTC' as opened_at from trades", "at time zone"),
        ("select round(price, 2) as price from trades", "round"),
        ("{{ median('list_sum(prices)') }}", "list_sum"),
        ("{% set first = 'strftime(' ~ day ~ ')' %}", "strftime"),
    ],
)
def test_what_one_engine_alone_knows_is_found(sql: str, said: str) -> None:
    (fault,) = faults_of(f"-- a comment's words: list_sum(x)\n{sql}\n")
    assert fault.startswith("2: ")
    assert said in fault


def test_what_both_know_is_no_fault() -> None:
    sql = """
    {#- list_sum(x) #}
    with trades as (select * from {{ ref('trades') }} where {{ is_finite('price') }})
    select
        coalesce(max(price), 0) as price,
        cast(sum(quantity) as bigint) as quantity,
        cast(null as {{ dbt.type_string() }}) as note,
        count(case when side = 'BUY' then 1 end) over (partition by symbol order by traded_at) as bought,
        {{ rounded('avg(price)', 4) }} as mean
    from trades
    where exists (select 1 from trades) and price between 1 and 2.5 and symbol in ('A', 'it''s')
    """
    assert faults_of(sql) == []
