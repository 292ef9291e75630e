"""Passwords and keys of addresses and proxies are nowhere: not in ledger, log, errors, plan or progress."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import Status, ingest
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.forking import interpreter
from tests.partitions import partition_of

MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)


@pytest.fixture(scope="module")
def publisher() -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, JUNE, rows=200) as server:
        server.break_("green", JUNE, Fault.HTML)
        yield server


def _with_password(environment: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("://", "://loader:s3cret@") for name, value in environment.items()}


def _run(tmp_path: Path, *arguments: str, module: str = "ingestion.run_pipeline", **environment: str) -> str:
    run = interpreter().run(
        ["-m", module, "--from", "2025-05", "--to", "2025-06", *arguments],
        os.environ | {"LOG_FOLDER": str(tmp_path / "logs"), "NO_PROXY": "", "no_proxy": ""} | environment,
    )
    return run.stdout + run.stderr


def test_no_secret_is_kept_or_shown(publisher: SamplePublisher, database: Path, tmp_path: Path) -> None:
    environment = _with_password(dict(publisher.environment))
    weather = f"{environment['SOURCES__WEATHER__BASE_URL']}?apikey=s3cret"
    sources = ("--sources", "green,weather")
    outputs = [
        _run(tmp_path, *sources, **environment | {"SOURCES__WEATHER__BASE_URL": weather}),
        _run(tmp_path, *sources, "--dry-run", **environment | {"SOURCES__WEATHER__BASE_URL": weather}),
        _run(tmp_path, "--sources", "green", "--force", SOURCES__TLC__BASE_URL="http://a:s3cret@127.0.0.1:9/x"),
        _run(tmp_path, "--sources", "green", "--force", SOURCES__TLC__BASE_URL="http://a:s3cret@127.0.0.1:x/x"),
        _run(tmp_path, "--sources", "green", "--force", **publisher.environment, http_proxy="http://a:s3cret@[::1]:9"),
        _run(tmp_path, "--sources", "green", "--force", **publisher.environment, http_proxy="a:s3cret@127.0.0.1:x"),
        _run(tmp_path, "--sources", "green", module="ingestion.gaps", **environment),
        _run(
            tmp_path,
            "--sources",
            "green",
            module="ingestion.gaps",
            SOURCES__TLC__BASE_URL="http://a:s3cret@127.0.0.1:9/x",
        ),
    ]
    for output in outputs:
        assert "s3cret" not in output
        assert "Traceback" not in output
    assert "loaded" in outputs[0]
    assert "failed" in outputs[0]
    assert "s3cret" not in (tmp_path / "logs" / "ingestion.log").read_text()
    with duckdb.connect(str(database), read_only=True) as connection:
        for table in ("ingestion_runs", "ingestion_run_assets", "asset_watermarks"):
            assert "s3cret" not in str(connection.execute(f"from meta.{table}").fetchall())


def test_a_file_is_the_same_whoever_asks_for_it(
    publisher: SamplePublisher, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions = [partition_of(FEEDS[name], MAY) for name in ("green", "weather")]
    for environment in (publisher.environment, _with_password(dict(publisher.environment)), publisher.environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        results = ingest(partitions)
    assert {result.status for result in results} == {Status.UNCHANGED}
    assert database.exists()
