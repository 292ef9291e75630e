"""Views and tables as the project makes them: in place, in one transaction, with comments where they differ."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse, parsed_project

PROJECT = """
name: toys
version: "1.0"
profile: nyc_mobility
macro-paths: [macros]
models:
  +persist_docs: {relation: true, columns: true}
"""

DESCRIBED = """
models:
  - name: seen
    description: "It's a view of a table: C:\\\\temp, 100 %; $1"
    columns:
      - {name: number, description: "Of 'them' all"}
  - name: held
    description: A table
    columns:
      - {name: number, description: One}
      - {name: gone, description: Not in the table}
"""

COMMENTS = """
    select table_name, column_name, comment from duckdb_columns() where schema_name = 'core' and comment is not null
    union all
    select view_name, null, comment from duckdb_views() where schema_name = 'core'
    union all
    select table_name, null, comment from duckdb_tables() where schema_name = 'core'
    order by all
"""


@pytest.fixture
def toys(database: Path, tmp_path: Path) -> Warehouse:
    """A view that reads a table, built once."""
    project = tmp_path / "toys"
    for folder in ("ledger", "engine"):
        shutil.copytree(DBT_DIRECTORY / "macros" / folder, project / "macros" / folder)
    (project / "models").mkdir()
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "models" / "models.yml").write_text(DESCRIBED)
    write(project, "held", "select 1 as number", "table")
    write(project, "seen", "select number from {{ ref('held') }}", "view")
    warehouse = Warehouse(database, database.parent, project=project)
    warehouse.build()
    return warehouse


def write(project: Path, model: str, query: str, materialized: str) -> None:
    path = project / "models" / f"{model}.sql"
    path.write_text("{{ config(materialized='" + materialized + "') }}\n" + query)


def statements_of(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the next build sends to DuckDB."""
    sent: list[str] = []

    def listen(event: Any) -> None:
        if event.info.name == "SQLQuery":
            sent.append(event.data.sql)

    monkeypatch.setattr(warehouse, "listener", lambda: listen)
    return sent


def test_descriptions_are_comments_whatever_is_in_them(toys: Warehouse) -> None:
    assert toys.execute(COMMENTS) == [
        ("held", "number", "One"),
        ("held", None, "A table"),
        ("seen", "number", "Of 'them' all"),
        ("seen", None, "It's a view of a table: C:\\temp, 100 %; $1"),
    ]


def test_a_view_and_a_table_take_each_others_place(toys: Warehouse) -> None:
    write(toys.project, "held", "select 2 as number", "view")
    write(toys.project, "seen", "select number from {{ ref('held') }}", "table")
    toys.build()
    assert toys.execute("select number from core.seen") == [(2,)]
    kinds = "select table_name, table_type from information_schema.tables where table_schema = 'core' order by all"
    assert toys.execute(kinds) == [("held", "VIEW"), ("seen", "BASE TABLE")]
    assert ("seen", None, "It's a view of a table: C:\\temp, 100 %; $1") in toys.execute(COMMENTS)
    write(toys.project, "held", "select 3 as number", "table")
    toys.build()
    assert toys.execute(kinds) == [("held", "BASE TABLE"), ("seen", "BASE TABLE")]


@pytest.mark.parametrize("materialized", ["table", "view"])
def test_a_model_that_fails_leaves_what_was_there(toys: Warehouse, materialized: str) -> None:
    before = toys.execute(COMMENTS)
    for model in ("held", "seen"):
        write(toys.project, model, "select error('no') as number from nowhere", materialized)
    assert not toys.dbt("run").success
    assert toys.execute("select number from core.seen") == [(1,)]
    assert toys.execute(COMMENTS) == before


def test_a_table_that_reads_itself_is_refused(toys: Warehouse) -> None:
    write(toys.project, "held", "select number + 1 as number from {{ this }}", "table")
    assert not toys.dbt("run", "--select", "held").success
    assert "expected a query of other tables" in "\n".join(toys.said)
    assert toys.execute("select number from core.held") == [(1,)]


def test_a_view_is_made_by_three_statements(toys: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = statements_of(toys, monkeypatch)
    toys.build("--select", "seen")
    own = [" ".join(sql.partition("*/")[2].split()[:3]) for sql in sent if "model.toys.seen" in sql]
    # The adapter asks for more of the database, the first time that it opens it.
    assert [words for words in own if not words.startswith(("select database_name", "select table_name"))] == [
        "create or replace",
        "select null as",
        "comment on view",
    ]


def test_comments_that_are_there_are_not_written_again(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = Warehouse(database, database.parent, parsed_project())
    select = ("seed", "--select", "taxi_zone_lookup")
    assert seeded.dbt(*select).success
    sent = statements_of(seeded, monkeypatch)
    assert seeded.dbt(*select).success
    assert not [sql for sql in sent if "comment on" in sql]
