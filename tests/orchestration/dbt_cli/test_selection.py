"""Which part of the dbt project is built for what was loaded."""

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from ingestion.catalog import CATALOG, FEEDS, SUBJECTS, Catalog
from ingestion.feeds import Subject
from orchestration.dbt_cli.project import dbt_project
from orchestration.dbt_cli.selection import selection_to_build, subjects_of_node

TOY = replace(FEEDS["green"], name="toy_sales")
TOYS = Catalog.of(*CATALOG.subjects.values(), Subject("toys", (TOY,)))
SELECTED = ["path:models/*/toys+", "path:seeds/toys+", "path:tests/toys"]


def _node(kind: str, schema: str, name: str, *folders: str) -> dict[str, Any]:
    config = {"materialized": "view"}
    return {"resource_type": kind, "schema": schema, "alias": name, "fqn": ["nyc", *folders, name], "config": config}


NODES = [
    _node("model", "core", "fct_trips", "marts", "mobility"),
    _node("seed", "staging", "zones", "mobility"),
    _node("test", "core", "assert_something", "mobility"),
    _node("model", "core", "fct_toy_sales", "marts", "toys"),
    _node("model", "checks", "reconciliation", "checks"),
]


def test_a_subject_is_a_folder_and_what_is_shared_is_of_none() -> None:
    assert [subjects_of_node(node, TOYS) for node in NODES] == [["mobility"], ["mobility"], ["mobility"], ["toys"], []]


def test_a_subject_is_built_alone_once_the_others_are_there() -> None:
    with duckdb.connect() as connection:
        assert selection_to_build(TOYS, [TOY], NODES, connection) == []
        connection.execute("create schema core; create view core.fct_trips as select 1")
        assert selection_to_build(TOYS, [TOY], NODES, connection) == [], "a seed is missing"
        connection.execute("create schema staging; create table staging.zones as select 1 as id")
        assert selection_to_build(TOYS, [TOY], NODES, connection) == SELECTED


def test_everything_is_built_where_every_subject_was_loaded() -> None:
    one_of_each = [subject.feeds[0] for subject in SUBJECTS.values()]
    with duckdb.connect() as connection:
        assert selection_to_build(CATALOG, one_of_each, NODES, connection) == []
        assert selection_to_build(TOYS, [TOY, *one_of_each], NODES, connection) == []


@pytest.mark.parametrize("selector", SELECTED)
def test_the_folders_that_are_selected_are_those_of_the_project(selector: str) -> None:
    # Not every subject has seeds or tests of its own.
    patterns = [selector.removeprefix("path:").removesuffix("+").replace("toys", subject) for subject in SUBJECTS]
    assert any(list(dbt_project.project_dir.glob(pattern)) for pattern in patterns)
