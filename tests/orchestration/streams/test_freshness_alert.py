"""The alarm about tables that are behind: when it is given, that it is given once, and that it is over."""

import os
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from monitoring.alerts.delivery import AlertSettings
from monitoring.alerts.telling import deliver
from orchestration.markets.freshness_alert import WATCHED, Behind, Watched, behind_now, is_stale, look
from orchestration.markets.waiting import Waiting
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.orchestration.sensors.sinks import WebhookSink, serving
from tests.orchestration.streams.ledger import add_batch, add_build

SILVER, GOLD = WATCHED


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of January 2026 in UTC, which is five hours after New York's."""
    return datetime(2026, 1, day, hour, minute)


def _stale(watched: Watched, since: datetime, now: datetime, built_at: datetime | None = None) -> bool:
    return is_stale(watched, Behind(built_at, since), now)


@pytest.mark.parametrize(
    ("since", "now", "is_given"),
    [
        (utc(14, 15), utc(14, 15, 15), False),
        (utc(14, 15), utc(14, 15, 16), True),
        # Monday the 19th is a holiday, and the 17th a Saturday.
        (utc(19, 15), utc(19, 18), False),
        (utc(17, 15), utc(17, 18), False),
        # What came on a holiday is due on the next trading day.
        (utc(19, 15), utc(20, 5, 14), False),
        (utc(19, 15), utc(20, 5, 16), True),
    ],
)
def test_silver_is_stale_after_fifteen_minutes_on_trading_days(since: datetime, now: datetime, is_given: bool) -> None:
    assert _stale(SILVER, since, now) is is_given


@pytest.mark.parametrize(
    ("since", "now", "built_at", "is_given"),
    [
        # 17:00 in New York is 22:00; messages wait for gold all day.
        (utc(14, 15), utc(14, 21, 59), None, False),
        (utc(14, 15), utc(15, 0), None, False),
        (utc(14, 15), utc(15, 0, 1), None, True),
        (utc(14, 15), utc(15, 0, 1), utc(13, 22, 1), True),
        # It was built when it was due. What came after that waits for the next day.
        (utc(14, 22, 30), utc(15, 3), utc(14, 22, 1), False),
        (utc(14, 22, 30), utc(15, 21), utc(14, 22, 1), False),
        (utc(14, 22, 30), utc(16, 0, 1), utc(14, 22, 1), True),
    ],
)
def test_gold_is_stale_two_hours_after_it_was_due(
    since: datetime, now: datetime, built_at: datetime | None, is_given: bool
) -> None:
    assert _stale(GOLD, since, now, built_at) is is_given


def test_messages_wait_from_the_first_that_came_since_the_build() -> None:
    built = utc(14, 15)
    first = behind_now([Waiting("silver_trades", built, 1, utc(14, 15, 1))], {}, utc(14, 15, 2))
    # Later batches come on.
    second = behind_now([Waiting("silver_trades", built, 1, utc(14, 15, 9))], first, utc(14, 15, 10))
    assert second["silver_trades"].since == utc(14, 15, 1)
    # A build ends it, and what came after it waits from then on.
    third = behind_now([Waiting("silver_trades", utc(14, 15, 10), 1, utc(14, 15, 12))], second, utc(14, 15, 13))
    assert third["silver_trades"].since == utc(14, 15, 12)
    assert behind_now([], third, utc(14, 15, 20)) == {}


class _Ticks:
    """The sensor's ticks, each with the cursor that the one before left."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None

    def tick(self, now: datetime) -> str:
        """Look at a time, and return what is said."""
        context = dg.build_sensor_context(self._instance, cursor=self._cursor)
        said = look(context, now).skip_message
        self._cursor = context.cursor
        return said or ""


def test_an_alarm_is_given_once_and_is_over_when_silver_is_built(
    database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = _Ticks(instance)
    assert ticks.tick(utc(14, 15)) == "nothing is loaded yet"
    add_build("silver_trades", utc(14, 15))
    add_build("gold_daily_trading_summary", utc(14, 16))
    add_batch("trades", "2026-01-14", utc(14, 15, 5))
    assert ticks.tick(utc(14, 15, 10)) == "behind, and not for too long: silver_trades"
    with serving(sink := WebhookSink()):
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"{sink.url}/services/secret")
        # Messages go on coming: those before wait all the same.
        add_batch("trades", "2026-01-14", utc(14, 15, 20))
        assert ticks.tick(utc(14, 15, 21)) == "stale: silver_trades"
        assert ticks.tick(utc(14, 15, 26)) == "stale: silver_trades"
        with held_by_another_process(database):
            assert "is in use by" in ticks.tick(utc(14, 15, 31))
        ((_, text),) = sink.posted
        assert "silver_trades is stale" in text
        assert "Messages wait for it since 2026-01-14 15:05 UTC" in text
        add_build("silver_trades", utc(14, 15, 32))
        assert ticks.tick(utc(14, 15, 36)) == "everything is built"
        # Long after that there is nothing new, and so no alarm.
        assert ticks.tick(utc(14, 20)) == "everything is built"
        add_batch("trades", "2026-01-13", utc(14, 20))
        add_build("gold_daily_trading_summary", utc(14, 20, 1))
        assert ticks.tick(utc(14, 20, 16)) == "stale: silver_trades"
        assert len(sink.posted) == 2


def test_an_alarm_that_could_not_be_given_is_tried_again(
    database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = _Ticks(instance)
    add_batch("trades", "2026-01-14", utc(14, 15))
    with serving(sink := WebhookSink()):
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"{sink.url}/services/secret")
        sink.status = 500
        assert "answered 500" in ticks.tick(utc(14, 15, 30))
        sink.status = 200
        assert ticks.tick(utc(14, 15, 35)) == "stale: silver_trades"
        for _ in range(2):
            assert deliver(AlertSettings.from_environment(os.environ)) == ()
        assert ["silver_trades is stale" in text for _, text in sink.posted] == [True, True]
