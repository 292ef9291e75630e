"""The log of ingestion: a line an event in a file, and only what needs an eye in the terminal."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.log import configure_logging
from ingestion.pipeline import ingest
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.partitions import partition_of

MAY = date(2025, 5, 1)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Leave the packages' loggers as they were."""
    loggers = [logging.getLogger(name) for name in ("ingestion", "warehouse")]
    before = [(logger, logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers, logger.level = handlers, level


@pytest.mark.usefixtures("database")
def test_each_partition_is_a_line_with_feed_month_rows_and_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "logs"))
    with SamplePublisher(MAY, MAY, rows=2000) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        configure_logging()
        ingest([partition_of(FEEDS["green"], month) for month in (MAY, date(2025, 6, 1))])
    lines = (tmp_path / "logs" / "ingestion.log").read_text().splitlines()
    said = sorted(line.partition("INFO ingestion.pipeline ")[2] for line in lines if "feed=green" in line)
    assert said[0].startswith("feed=green month=2025-05 status=loaded rows=")
    assert " seconds=" in said[0]
    assert said[1].startswith("feed=green month=2025-06 status=not_published")
    assert len(said) == 2
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.usefixtures("database")
def test_the_traceback_of_a_failure_is_in_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "logs"))
    with SamplePublisher(MAY, MAY, rows=200) as publisher:
        publisher.break_("green", MAY, Fault.HTML)
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value.replace("://", "://loader:s3cret@"))
        configure_logging()
        ingest([partition_of(FEEDS["green"], MAY)])
    log = (tmp_path / "logs" / "ingestion.log").read_text()
    assert "DEBUG ingestion.file_loads green 2025-05 failed\nTraceback" in log
    assert "s3cret" not in log
    assert "".join(capfd.readouterr()) == ""


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "file" / "logs"))
    configure_logging()
    assert "no log file is written" in capfd.readouterr().err
