"""Spark's session: one a process, and what it says of errors. `test_killed_builds.py` has two processes of a folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spark.conftest import SparkWarehouse
from warehouse.connection import WarehouseError
from warehouse.spark.errors import SPARK_ERRORS, in_words
from warehouse.spark.session import spark_session
from warehouse.spark.settings import FOLDER_VARIABLE, LOG_FILE, MEMORY_VARIABLE, SQL_SETTINGS


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


def test_a_start_that_fails_is_told_in_words(tmp_path: Path, spark: SparkWarehouse) -> None:
    starts = "from warehouse.spark.session import spark_session; spark_session()"
    own = {FOLDER_VARIABLE: str(tmp_path / "spark"), MEMORY_VARIABLE: "2x"}
    failed = subprocess.run([sys.executable, "-c", starts], env=os.environ | own, capture_output=True, text=True)
    assert failed.returncode == 1
    said = failed.stderr.splitlines()[-1]
    assert re.search(r"expected Spark to start, but Java ended: .*2x.*SPARK_MEMORY", said), failed.stderr


def test_a_server_is_told_how_the_models_take_sql() -> None:
    pytest.importorskip("pyhive", reason="PyHive is not installed: make spark-setup THRIFT=1")
    from dbt.adapters.spark.connections import SparkConnectionMethod

    from warehouse.spark.adapter import LakehouseCredentials

    thrift = SparkConnectionMethod("thrift")
    told = LakehouseCredentials(host="localhost", schema="core", method=thrift).server_side_parameters
    # Spark's server takes no notice of a setting without this prefix.
    assert told == {f"set:hiveconf:{name}": value for name, value in SQL_SETTINGS.items()}
