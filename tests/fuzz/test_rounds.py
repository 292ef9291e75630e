"""Rounds of fuzzing take no good answer that was late for a fault, and no answer that never comes for a late one."""

import time
from dataclasses import replace

import pytest

from ingestion.partitions import Partition
from tests.fuzz import http, rounds
from tests.fuzz.publisher import Answer, Exchange, body_answer
from tests.fuzz.rounds import Format, Fuzzer

HANGS = Format("late", ("tlc",), [http.hangs])
GOOD = Format("late", ("tlc",), [http.good])


def _late(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each good answer begin so much later."""

    def late_answer(partition: Partition, body: bytes) -> Answer:
        (step,) = body_answer(partition, body).steps

        def late(exchange: Exchange) -> None:
            exchange.closing.wait(seconds)
            step(exchange)

        return Answer((late,))

    monkeypatch.setattr(rounds, "body_answer", late_answer)


@pytest.mark.parametrize("format_", [HANGS, GOOD], ids=["short limits", "long limits"])
def test_a_good_answer_that_is_late_is_no_fault(
    fuzzer: Fuzzer, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    _late(1.6, monkeypatch)
    assert fuzzer.failures(format_, 0) == []


@pytest.mark.parametrize("format_", [HANGS, GOOD], ids=["short limits", "long limits"])
def test_a_good_answer_that_does_not_come_is_a_fault(
    fuzzer: Fuzzer, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "_PATIENT", replace(rounds._PATIENT, read_timeout_seconds=2.5, answer_seconds=2.5))
    _late(60, monkeypatch)
    begun = time.monotonic()
    (found,) = fuzzer.failures(format_, 0)
    assert "came within 2.5 seconds" in found or "begun within 2.5 seconds" in found
    assert time.monotonic() - begun > 2.5
