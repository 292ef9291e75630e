"""Spark's session: one a process, quiet, ended with it, and never two of a folder."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.spark.conftest import SparkWarehouse
from warehouse.connection import WarehouseError
from warehouse.paths import PROJECT_ROOT
from warehouse.spark.errors import SPARK_ERRORS, in_words
from warehouse.spark.session import spark_session
from warehouse.spark.settings import FOLDER_VARIABLE, LOG_FILE, SQL_SETTINGS

DBT = PROJECT_ROOT / "dbt"
SEED = ("seed", "--select", "wmo_weather_codes", "--target", "spark", "--no-use-colors")


def start(folder: Path, *command: str, **settings: str) -> "subprocess.Popen[str]":
    """A process with a folder and a ledger of its own; the project is parsed already."""
    own = {
        FOLDER_VARIABLE: str(folder),
        "DUCKDB_DATABASE_PATH": str(folder.with_suffix(".duckdb")),
    }
    return subprocess.Popen(
        command, cwd=DBT, env=os.environ | own | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_folder_cannot_change_while_spark_runs(
    spark: SparkWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = spark_session()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(WarehouseError, match=f"expected {FOLDER_VARIABLE} to stay {spark.folder}"):
        spark_session()
    monkeypatch.undo()
    assert spark_session() is session


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1 as a", r"^\[PARSE_SYNTAX_ERROR\] Syntax error at or near 'selec'.*\n.*selec 1 as a\n\s*\^\^\^$"),
        ("select a from no.where", r"^\[TABLE_OR_VIEW_NOT_FOUND\] The table or view `no`.`where` cannot be found"),
        ("select raise_error('mine') from range(3)", r"^\[USER_RAISED_EXCEPTION\] mine SQLSTATE: P0001$"),
        ("create table a.b using nothing as select 1 as c", r"DATA_SOURCE_NOT_FOUND\] Failed to find .* nothing"),
        ("create table a.b using parquet location '/proc/none' as select 1 as c", r"Mkdirs failed to create"),
    ],
)
def test_an_error_is_the_first_lines_of_what_spark_says(spark: SparkWarehouse, sql: str, said: str) -> None:
    spark.rows("create schema if not exists a")
    with pytest.raises(SPARK_ERRORS) as failed:
        spark.rows(sql)
    words = in_words(failed.value, spark.folder / LOG_FILE)
    assert re.search(said, words)
    assert len(words.splitlines()) < 6


def test_dbt_says_it_and_no_more(spark: SparkWarehouse) -> None:
    done = spark.dbt("show", "--inline", "select a from no_table_of_this_name")
    assert not done.success
    (said,) = (text for text in spark.said if "no_table_of_this_name" in text)
    assert "TABLE_OR_VIEW_NOT_FOUND" in said
    assert len(said.splitlines()) < 9
    assert "UnresolvedRelation" not in said


def test_dbt_is_quiet_and_leaves_no_process(tmp_path: Path, spark: SparkWarehouse) -> None:
    folder = tmp_path / "spark"
    ran = start(folder, "dbt", *SEED)
    out, err = ran.communicate()
    assert (ran.returncode, err) == (0, "")
    assert "leaked" not in out
    assert "WARN" not in out.replace("WARN=0", "")
    assert (folder / LOG_FILE).stat().st_size > 0
    assert processes_of(folder) == []


def test_two_at_once_wait_for_each_other_and_a_kill_frees_the_folder(tmp_path: Path, spark: SparkWarehouse) -> None:
    folder = tmp_path / "spark"
    # So that Derby has its catalog open.
    opens = "from warehouse.spark.session import spark_session; spark_session().sql('create schema if not exists s'); "
    first = start(folder, sys.executable, "-c", f"{opens} print('has it', flush=True); import time; time.sleep(600)")
    assert first.stdout is not None
    assert first.stdout.readline() == "has it\n"
    refused = start(folder, "dbt", *SEED, DUCKDB_LOCK_TIMEOUT_SECONDS="0.5")
    said, _ = refused.communicate()
    assert refused.returncode != 0
    assert re.search(rf"\(PID {first.pid}\) still has it open", said)
    assert "Derby" not in said
    waits = start(folder, sys.executable, "-c", opens)
    time.sleep(1)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    out, err = waits.communicate()
    assert waits.returncode == 0, out + err


def test_a_start_that_fails_is_told_in_words(tmp_path: Path, spark: SparkWarehouse) -> None:
    starts = "from warehouse.spark.session import spark_session; spark_session()"
    failed = start(tmp_path / "spark", sys.executable, "-c", starts, SPARK_MEMORY="2x")
    _, err = failed.communicate()
    assert failed.returncode == 1
    assert re.search(r"expected Spark to start, but Java ended: .*2x.*SPARK_MEMORY", err.splitlines()[-1]), err


def test_a_server_is_told_how_the_models_take_sql() -> None:
    pytest.importorskip("pyhive", reason="PyHive is not installed: make spark-setup THRIFT=1")
    from dbt.adapters.spark.connections import SparkConnectionMethod

    from warehouse.spark.adapter import LakehouseCredentials

    thrift = SparkConnectionMethod("thrift")
    told = LakehouseCredentials(host="localhost", schema="core", method=thrift).server_side_parameters
    # Spark's server takes no notice of a setting without this prefix.
    assert told == {f"set:hiveconf:{name}": value for name, value in SQL_SETTINGS.items()}


def processes_of(folder: Path) -> list[int]:
    """Those that have this folder on their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in process.read_bytes():
                found.append(int(process.parent.name))
        except OSError:
            continue
    return found
