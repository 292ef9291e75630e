"""dbt finds the same relations for less."""

from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Policy, RelationType
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt.adapters.exceptions import ApproximateMatchError  # type: ignore[attr-defined]

from tests.dbt.test_dbt_contexts import _of_dbt
from warehouse.dbt_relations import find_relations_for_less, matches, relations_of_schema

NAMES = [
    ("nyc_mobility", "core_core", "fct_trips"),
    ("nyc_mobility", "core_core", "FCT_Zones"),
    ("nyc_mobility", "CORE_core", '"dim_time"'),
    ("nyc_mobility", "core_markets", "fct_trips"),
    ("slim", "core_core", "fct_trips"),
]
ASKED = [
    *NAMES,
    ("nyc_mobility", "core_core", "dim_time"),
    ("nyc_mobility", "core_core", "fct_zones"),
    ("NYC_mobility", "core_core", "fct_trips"),
    ("nyc_mobility", "core_core", "none_of_this_name"),
    ("nyc_mobility", "core_core", ""),
]


def _cache(*, is_created_by_dbt: bool) -> RelationsCache:
    policy = Policy(identifier=not is_created_by_dbt)
    cache = RelationsCache()
    for database, schema, identifier in NAMES:
        relation = DuckDBRelation.create(
            database=database, schema=schema, identifier=identifier, quote_policy=policy, type=RelationType.Table
        )
        cache.add(relation.replace(dbt_created=is_created_by_dbt))  # type: ignore[no-untyped-call]
    return cache


def _found(match: Any, adapter: Any, relations: list[Any], asked: tuple[str, str, str]) -> Any:
    try:
        return match(adapter, relations, *asked)
    except ApproximateMatchError as error:
        return str(error)


@pytest.mark.parametrize("is_created_by_dbt", [False, True])
@pytest.mark.parametrize("asked", ASKED)
def test_each_name_is_the_same_relation(asked: tuple[str, str, str], is_created_by_dbt: bool) -> None:
    cache = _cache(is_created_by_dbt=is_created_by_dbt)
    own = _of_dbt("dbt.adapters.base.impl").BaseAdapter
    quoting = {"database": True, "schema": True, "identifier": True}
    adapter: Any = SimpleNamespace(config=SimpleNamespace(quoting=quoting))
    adapter._make_match_kwargs = lambda *parts: own._make_match_kwargs(adapter, *parts)
    everything = [each.inner for each in cache.relations.values()]
    assert _found(matches, adapter, everything, asked) == _found(own._make_match, adapter, everything, asked)


@pytest.mark.parametrize("schema", ["core_core", "CORE_CORE", "core_markets", "none_of_this_name", None])
@pytest.mark.parametrize("database", ["nyc_mobility", "NYC_MOBILITY", "slim", None])
def test_a_schema_has_the_same_relations(database: str | None, schema: str | None) -> None:
    cache = _cache(is_created_by_dbt=True)
    before, after = (
        DuckDBRelation.create(database="slim", schema="core_core", identifier=name) for name in ("fct_trips", "other")
    )
    cache.rename(before, after)  # type: ignore[no-untyped-call]
    theirs = _of_dbt("dbt.adapters.cache").RelationsCache.get_relations(cache, database, schema)
    assert relations_of_schema(cache, database, schema) == theirs


def test_dbt_finds_them_so_once_its_plugin_is_loaded() -> None:
    import warehouse.dbt_plugin  # noqa: F401

    assert RelationsCache.get_relations is relations_of_schema
    find_relations_for_less()
    assert RelationsCache.get_relations is relations_of_schema
