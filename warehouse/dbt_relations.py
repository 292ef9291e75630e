"""Find a relation for less: dbt compares each name it looks for with every relation of the database, part by part.

A build asks five times a model, and each answer takes longer the more models there are.
"""

from collections.abc import Iterable
from typing import Any

from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import ComponentName
from dbt.adapters.exceptions.cache import NoneRelationFoundError
from dbt_common.utils.formatting import lowercase

_make_match = BaseAdapter._make_match


def relations_of_schema(cache: RelationsCache, database: str | None, schema: str | None) -> list[Any]:
    """What `RelationsCache.get_relations` returns."""
    wanted = (lowercase(database), lowercase(schema))
    with cache.lock:
        found = [each.inner for key, each in cache.relations.items() if (key.database, key.schema) == wanted]
    if None in found:
        raise NoneRelationFoundError
    return found


def matches(
    adapter: BaseAdapter, relations: Iterable[BaseRelation], database: str, schema: str, identifier: str
) -> list[BaseRelation]:
    """What `BaseAdapter._make_match` returns, by itself of those whose name differs by case and quotes alone."""
    if identifier:
        relations = [each for each in relations if _name(each) == identifier.lower().strip(each.quote_character)]
    return _make_match(adapter, [*relations], database, schema, identifier)


def _name(relation: BaseRelation) -> str:
    return str(relation.path.get_lowered_part(ComponentName.Identifier)).strip(relation.quote_character)


def find_relations_for_less() -> None:
    """Have dbt in this process do so from now on."""
    cache: Any = RelationsCache
    cache.get_relations = relations_of_schema
    adapter: Any = BaseAdapter
    adapter._make_match = matches
