"""A slim build: only what changed since the release, and what is below it, and nothing that is there is written."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters

from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse
from warehouse.connection import NotThereYetError
from warehouse.publishing import making
from warehouse.publishing.publish import publish
from warehouse.releases import Release, current_release
from warehouse.slim import build_what_changed, main

HOURLY = "models/marts/mobility/fct_hourly_mobility.sql"
WEATHER_EFFECT = "models/marts/mobility/fct_weather_effect.sql"
SHAPES = "models/staging/mobility/tlc/stg_tlc__taxi_zones.sql"


@pytest.fixture(scope="module")
def released(_base: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """What is published of the warehouse that tests share; facts as files."""
    folder = tmp_path_factory.mktemp("slim")
    _base.restore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(_base.path))
        patch.setenv("PUBLISHED_FOLDER", str(folder / "published"))
        patch.setenv("DBT_TARGET_PATH", str(_base.scratch / "target"))
        patch.setattr(making, "ROWS_FOR_FILES", 2)
        yield publish().release


@pytest.fixture
def project(released: Release, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the dbt project, to change it."""
    monkeypatch.setenv("PUBLISHED_FOLDER", str(released.folder.parents[1]))
    # One folder for all tests, so that dbt parses again only what changed.
    monkeypatch.setenv("DBT_TARGET_PATH", str(released.folder.parents[2] / "target"))
    yield shutil.copytree(DBT_DIRECTORY, tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    # dbt keeps files open for its next call in the same process.
    reset_adapters()  # type: ignore[no-untyped-call]
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}\n")


def results(release: Release) -> dict[str, str]:
    """What became of each node that the last build ran, by its name."""
    found = json.loads((release.folder.parents[2] / "target/slim/run_results.json").read_bytes())["results"]
    return {each["unique_id"].split(".")[2]: each["status"] for each in found}


def models_built(release: Release) -> set[str]:
    names = {path.stem for path in (DBT_DIRECTORY / "models").rglob("*.sql")}
    return {name for name, status in results(release).items() if status == "success" and name in names}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_nothing_changed_builds_nothing(project: Path, released: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_what_changed(released, project)
    said = capsys.readouterr().out
    assert released.id in said
    assert "there is nothing to build" in said


def test_a_changed_mart_reads_the_release_alone(
    project: Path, released: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append(project / WEATHER_EFFECT, "-- changed")
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(project / "there is no such file.duckdb"))
    before = digest(released.database)
    assert build_what_changed(released, project)
    assert "comes from the release" in capsys.readouterr().out
    assert models_built(released) == {"fct_weather_effect"}
    assert results(released)["fct_weather_effect"] == "success"
    # Its unit test ran, too.
    assert "pass" in {status for name, status in results(released).items() if "fct_weather_effect" in name}
    assert digest(released.database) == before
    assert not (project / "there is no such file.duckdb").exists()


def test_a_changed_fact_of_partitions_is_built_whole_from_the_working_file(
    project: Path, released: Release, warehouse: Warehouse
) -> None:
    (published,) = warehouse.execute("select count(*), sum(trip_count) from core_core.fct_hourly_mobility")
    assert published[0]
    append(project / HOURLY, "-- changed")
    expected = f"(count(*), sum(trip_count)) is distinct from ({published[0]}, {published[1]})"
    (project / "tests/same_hours.sql").write_text(
        f"select 1 from {{{{ ref('fct_hourly_mobility') }}}} having {expected}"
    )
    before = digest(warehouse.path)
    assert build_what_changed(released, project)
    assert results(released)["same_hours"] == "pass"
    assert {"fct_hourly_mobility", "fct_weather_effect"} <= models_built(released)
    assert "fct_trips" not in results(released)
    assert digest(warehouse.path) == before


def test_a_changed_staging_model_builds_what_reads_it(project: Path, released: Release) -> None:
    append(project / SHAPES, "-- changed")
    assert build_what_changed(released, project)
    assert {"stg_tlc__taxi_zones", "int_zone_shapes", "dim_zone_shape"} <= models_built(released)
    assert not {"stg_tlc__yellow_taxi", "fct_trips"} & models_built(released)


def test_a_broken_model_and_a_test_that_fails_fail(project: Path, released: Release) -> None:
    (project / WEATHER_EFFECT).write_text("select no_such_column from {{ ref('fct_hourly_mobility') }}")
    (project / "tests/no_hours.sql").write_text("select * from {{ ref('fct_hourly_mobility') }}")
    assert not build_what_changed(released, project)
    # Its unit test is the first that cannot be run.
    assert results(released)["fct_weather_effect"] in ("error", "skipped")
    assert results(released)["no_hours"] == "fail"


def test_what_dbt_cannot_parse_fails(project: Path, released: Release) -> None:
    append(project / WEATHER_EFFECT, "{{ ref('no_such_model') }}")
    assert not build_what_changed(released, project)


def test_without_the_working_file_it_says_what_it_would_read(
    project: Path, released: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(project / SHAPES, "-- changed")
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(project / "none.duckdb"))
    with pytest.raises(
        NotThereYetError, match=r"none.duckdb: expected .*int_raw_partitions and \d+ more, which a release"
    ):
        build_what_changed(released, project)


def test_a_release_of_an_earlier_version_is_none_to_compare_with(released: Release) -> None:
    with pytest.raises(NotThereYetError, match="Build and publish again"):
        build_what_changed(replace(released, documents={}))


def test_without_a_release_the_exit_code_is_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path))
    assert main([]) == 3
    assert "nothing has been published yet" in capsys.readouterr().err


def test_the_manifest_of_a_release_is_the_same_file_while_the_project_is(
    released: Release, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(released.folder.parents[1]))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    warehouse.build("--select", "dim_time")
    assert publish().is_new
    newer = current_release()
    assert newer.id != released.id
    assert newer.dbt_manifest.samefile(released.dbt_manifest)
