"""Where the DuckDB file is."""

from pathlib import Path

import pytest

from warehouse.paths import PROJECT_ROOT, database_path


def test_the_default_is_below_the_project_root_from_whichever_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", "")
    assert database_path() == PROJECT_ROOT / "data" / "nyc_mobility.duckdb"
    monkeypatch.delenv("DUCKDB_DATABASE_PATH")
    assert database_path() == PROJECT_ROOT / "data" / "nyc_mobility.duckdb"
    assert (PROJECT_ROOT / "pyproject.toml").exists()


def test_a_relative_path_is_below_the_project_root_and_an_absolute_one_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", "data/other.duckdb")
    assert database_path() == PROJECT_ROOT / "data" / "other.duckdb"
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(tmp_path / "x.duckdb"))
    assert database_path() == tmp_path / "x.duckdb"
