"""What dbt does in a fresh clone, and on a disk that is full."""

from pathlib import Path

import pytest
from dbt.cli.main import dbtRunnerResult

from tests.dbt.small_warehouse import Warehouse, keep_parsed_project, parsed_project


@pytest.mark.parametrize(
    "command",
    [["parse"], ["ls"], ["compile"], ["docs", "generate", "--static"]],
    ids=" ".join,
)
def test_without_data_everything_is_compiled_and_documented(database: Path, command: list[str]) -> None:
    empty = Warehouse(database, database.parent)
    if command != ["parse"]:
        keep_parsed_project(empty.scratch / "target")
    assert empty.dbt(*command).success, empty.said


@pytest.mark.parametrize("command", ["build", "run", "test"])
def test_without_data_nothing_is_built(database: Path, command: str) -> None:
    empty = Warehouse(database, database.parent, parsed_project())
    done: dbtRunnerResult = empty.dbt(command)
    assert not done.success
    assert f"expected every raw table in {database}" in str(done.exception)
    assert "Load a month first" in str(done.exception)


def test_another_file_does_not_make_dbt_parse_everything_again(database: Path) -> None:
    empty = Warehouse(database, database.parent)
    keep_parsed_project(empty.scratch / "target")
    assert empty.dbt("parse").success, empty.said
    assert not [line for line in empty.said if "partial pars" in line]


def test_a_database_that_dbt_cannot_create_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "w.duckdb"
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(path))
    warehouse = Warehouse(path, tmp_path, parsed_project())
    done = warehouse.dbt("run")
    assert not done.success
    assert str(tmp_path / "file") in str(done.exception)
    assert "Traceback" not in "".join(warehouse.said)


@pytest.mark.parametrize("name", ["main", "system", "temp", 'it\'s "a" [1]*{x} ünï'])
def test_dbt_works_in_files_and_folders_of_odd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name / f"{name}.duckdb"
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(path))
    warehouse = Warehouse(path, tmp_path, parsed_project())
    assert warehouse.dbt("seed").success, warehouse.said
    assert warehouse.execute("select count(*) from core_staging.taxi_zone_lookup") == [(265,)]
