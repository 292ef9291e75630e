"""The oracle of the fuzz tests sees what it is there to see."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from tests.fuzz.cases import FAILS, Expected, loads
from tests.fuzz.good import good_file, partition_of
from tests.fuzz.oracle import State, problems, state_of
from tests.fuzz.publisher import FuzzPublisher, body_answer, key
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE

MAY, JUNE = partition_of("green", 2025, 5), partition_of("green", 2025, 6)


class Run(NamedTuple):
    """A database in which May was loaded, and what a run then did to June."""

    database: Path
    before: State
    expected: dict[Partition, Expected]
    results: list[Result]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("oracle")
    database = folder / "data" / "warehouse.duckdb"
    files = [good_file(partition, Random(1)) for partition in (MAY, JUNE)]
    with FuzzPublisher() as publisher, pytest.MonkeyPatch.context() as patch:
        places = {DATABASE_VARIABLE: str(database), LOG_FOLDER_VARIABLE: str(folder / "logs")}
        for name, value in {**publisher.environment, **places}.items():
            patch.setenv(name, value)
        publisher.answers = {key(file.partition): body_answer(file.partition, file.body) for file in files}
        ingest([MAY])
        before = state_of(database)
        yield Run(database, before, {JUNE: loads(files[1].rows)}, ingest([JUNE]))


@pytest.fixture
def run(loaded: Run, tmp_path: Path) -> Run:
    database = tmp_path / "data" / "warehouse.duckdb"
    database.parent.mkdir()
    shutil.copy(loaded.database, database)
    return loaded._replace(database=database)


def test_a_good_run_is_right(run: Run) -> None:
    assert problems(*run) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update raw_data.green_taxi set fare_amount = fare_amount + 0.01 where source_month = '2025-06-01'",
        "update raw_data.green_taxi set fare_amount = 'nan' where source_month = '2025-06-01' and source_row = 3",
        "update raw_data.green_taxi set source_row = source_row + 1 where source_month = '2025-06-01'",
        "delete from raw_data.green_taxi where source_month = '2025-06-01' and source_row = 3",
        "delete from raw_data.green_taxi where source_month = '2025-05-01' and source_row = 3",
        "update raw_data.green_taxi set source_month = '2024-01-01' where source_month = '2025-05-01'",
        "alter table raw_data.green_taxi add column never_seen varchar",
        "alter table raw_data.fhv_taxi drop column sr_flag",
        "drop table raw_data.fhv_taxi",
        "create table main.injected as select 1",
        "update meta.asset_watermarks set rows = rows + 1 where partition_key = '2025-05'",
        "update meta.asset_watermarks set load_id = 'other' where partition_key = '2025-06'",
        "update meta.ingestion_runs set status = 'running'",
        "update meta.ingestion_runs set finished_at = null",
        "delete from meta.ingestion_run_assets where partition_key = '2025-06'",
        "update raw_data._dlt_loads set status = 1",
    ],
)
def test_damage_to_the_database_is_seen(run: Run, damage: str) -> None:
    with duckdb.connect(str(run.database)) as connection:
        connection.execute(damage)
    assert problems(*run) != []


@pytest.mark.parametrize(
    "error",
    [
        "disk on fire",
        "green 2025-06: broken",
        f"green 2025-06: expected a file, but {'x' * 600}",
        "green 2025-06: expected a file, but Traceback (most recent call last)",
        "green 2025-06: expected a file, but try sample_size=-1",
        "green 2025-06: expected a file, but got \x1b[31m",
    ],
)
def test_messages_that_are_no_help_are_seen(run: Run, error: str) -> None:
    failed = [replace(run.results[0], status=Status.FAILED, error=error)]
    found = problems(run.database, run.before, {JUNE: FAILS}, failed)
    assert any(error[:30].encode("unicode_escape").decode() in problem for problem in found)


def test_what_is_left_behind_is_seen(run: Run) -> None:
    (run.database.parent / "work" / "some-run").mkdir(parents=True)
    assert problems(*run) != []
    (run.database.parent / "work" / "some-run").rmdir()
    (run.database.parent / "evil.csv").touch()
    assert problems(*run) != []
