"""Feeds whose files come on days that only the publisher's listing tells: a day without one is never missed."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.gap_survey import survey
from ingestion.ledger_gaps import freshness, plan_by_ledger, read_ledger_state
from ingestion.publication import State
from ingestion.run_pipeline import main
from sandbox.server import SamplePublisher
from tests.partitions import partition_of
from warehouse.connection import open_for_reading
from warehouse.periods import day

SYMBOLS = FEEDS["symbols"]
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 16)
NOW = date(2026, 1, 20)
# The days on which the sandbox has a file.
DAYS = ["2026-01-02", "2026-01-06", "2026-01-13"]
RANGE = ["--sources", "symbols", "--from", "2026-01-01", "--to", "2026-01-16"]


@pytest.fixture
def publisher(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(FIRST, LAST, rows=200) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "logs"))
        yield served


def _loaded(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, str]]:
    """The exit status of a load, and the status of each day that it knew of."""
    status = main([*RANGE, "--json", *arguments])
    return status, {one["period"]: one["status"] for one in json.loads(capsys.readouterr().out)}


def test_a_range_has_the_days_that_are_listed(publisher: SamplePublisher, capsys: pytest.CaptureFixture[str]) -> None:
    assert _loaded(capsys) == (0, dict.fromkeys(DAYS, "loaded"))
    assert _loaded(capsys) == (0, dict.fromkeys(DAYS, "unchanged"))
    assert main(["--sources", "symbols", "--from", "2026-01-03", "--to", "2026-01-05"]) == 3
    assert "symbols: the publisher lists no file in this range" in capsys.readouterr().err


def test_a_publisher_that_cannot_be_asked_is_told_of(
    publisher: SamplePublisher, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERENCE_DATA_SECRET_KEY", "another")
    assert main(RANGE) == 1
    assert "does not know these keys (SignatureDoesNotMatch). Check REFERENCE_DATA_" in capsys.readouterr().err


def test_a_day_without_a_file_is_no_gap_and_one_with_a_file_is(
    publisher: SamplePublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    def states(*, is_offline: bool = False) -> dict[str, State]:
        found = survey("symbols", day(2026, 1, 1), day(2026, 1, 18), now=NOW, is_offline=is_offline)
        return {one.partition.key: one.state for one in found.plan}

    assert states() == dict.fromkeys(DAYS, State.MISSING)
    assert states(is_offline=True) == {}, "without its publisher nobody knows of a file"
    _loaded(capsys)
    publisher.replace("symbols", date(2026, 1, 6))
    assert states() == {DAYS[0]: State.LOADED, DAYS[1]: State.REPLACED, DAYS[2]: State.LOADED}
    assert states(is_offline=True) == dict.fromkeys(DAYS, State.LOADED)


def test_the_ledger_expects_no_next_file(publisher: SamplePublisher, capsys: pytest.CaptureFixture[str]) -> None:
    _loaded(capsys)
    with open_for_reading() as connection:
        state = read_ledger_state(connection)
    found = {one.feed.name: one for one in freshness(plan_by_ledger(state, NOW), state)}
    assert found["symbols"].newest == partition_of(SYMBOLS, date(2026, 1, 13)).period
    assert (found["symbols"].next, found["symbols"].is_behind) == (None, False)
