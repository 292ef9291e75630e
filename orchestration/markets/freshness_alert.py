"""The sensor that tells when silver or gold is behind the messages that are loaded.

Age alone says nothing: where no messages come, nothing has to be built. So an alarm needs messages that wait, and that
have waited for longer than the limit. It is given once, and is over when the table is built.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import dagster as dg
from pydantic import TypeAdapter, ValidationError

from monitoring.alerts.delivery import Alert, AlertSettings
from monitoring.alerts.telling import tell
from monitoring.runbooks import Runbook
from orchestration.markets.stream_models import STREAMS
from orchestration.markets.stream_schedules import GOLD_AT, ZONE, is_trading_day
from orchestration.markets.waiting import Waiting, read_waiting
from warehouse.connection import NotThereYetError, WarehouseBusyError


@dataclass(frozen=True)
class Watched:
    """A model, how long messages may wait for it, and from when on it is due on a trading day, in New York."""

    model: str
    limit: timedelta
    due_at: time = time()
    job: str = ""


WATCHED = (
    Watched("silver_trades", timedelta(minutes=15), job="silver_micro_batch_job"),
    Watched("gold_daily_trading_summary", timedelta(minutes=120), GOLD_AT, job="gold_daily_aggregation_job"),
)


@dataclass(frozen=True)
class Behind:
    """A model that is behind: the start of its last build, since when messages wait for it, and whether it was told.

    Times are UTC, without zone.
    """

    built_at: datetime | None
    since: datetime
    is_told: bool = False


Known = dict[str, Behind]
_CURSOR = TypeAdapter(Known)


def behind_now(waiting: Iterable[Waiting], known: Mapping[str, Behind], now: datetime) -> Known:
    """Which models are behind, and since when, from what waits now and what was known at the tick before.

    A model that was built meanwhile begins anew: what waits for it has come since.
    """
    found = {}
    for one in waiting:
        before = known.get(one.model)
        if before and before.built_at == one.built_at:
            found[one.model] = before
        else:
            # Later batches move `loaded_at`, so it is kept from the first tick that sees it.
            found[one.model] = Behind(one.built_at, min(one.loaded_at, now))
    return found


def is_stale(watched: Watched, behind: Behind, now: datetime) -> bool:
    """Whether messages have waited for longer than allowed, on a trading day, after the model was due."""
    in_new_york = now.replace(tzinfo=UTC).astimezone(ZONE)
    day = in_new_york.date()
    if not is_trading_day(day):
        return False
    due = datetime.combine(day, watched.due_at, ZONE).astimezone(UTC).replace(tzinfo=None)
    if watched.due_at != time() and behind.built_at and behind.built_at >= due:
        return False
    return now - max(behind.since, due) > watched.limit


def alert_of(watched: Watched, behind: Behind) -> Alert:
    """What is told of a model that is stale."""
    built = (
        f"Its last build began on {behind.built_at:%Y-%m-%d at %H:%M} UTC." if behind.built_at else "It is not built."
    )
    minutes = int(watched.limit.total_seconds() // 60)
    return Alert(
        headline=f"{watched.model} is stale",
        body=f"Messages wait for it since {behind.since:%Y-%m-%d %H:%M} UTC, longer than {minutes} minutes. {built}\n\n"
        f"Look at the runs of {watched.job}, or run it.",
        links=(Runbook.STREAM_BEHIND.url,),
    )


def freshness_alert_sensor() -> dg.SensorDefinition:
    """The sensor."""

    @dg.sensor(
        name="freshness_alert_sensor",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells Slack and recipients of e-mail, where .env names them, that messages have waited for silver "
        "for more than 15 minutes, or gold for more than 120 after 17:00, on trading days: once, until it is built.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return look(context, datetime.now(UTC).replace(tzinfo=None))

    return sensor


def look(context: dg.SensorEvaluationContext, now: datetime) -> dg.SkipReason:
    """Tell of what is stale at a time, which is UTC without zone, and leave what is known to the next tick.

    Raises:
        AlertSettingsError: a setting is not valid.
        AlertStateError: an alert could not be kept to be delivered. The next tick tries again. What is kept and could
            not be delivered, `condition_alert_sensor` tries again.
    """
    try:
        waiting = read_waiting([one.model for one in WATCHED], STREAMS)
    except NotThereYetError:
        return dg.SkipReason("nothing is loaded yet")
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    known = behind_now(waiting, _known(context), now)
    stale = [one for one in WATCHED if one.model in known and is_stale(one, known[one.model], now)]
    settings = AlertSettings.from_environment(os.environ)
    failures: list[str] = []
    for one in stale:
        behind = known[one.model]
        if not behind.is_told:
            failures += tell(alert_of(one, behind), settings)
            known[one.model] = Behind(behind.built_at, behind.since, is_told=True)
    context.update_cursor(_CURSOR.dump_json(known).decode())
    return dg.SkipReason("; ".join([_in_words(stale, known), *failures]))


def _known(context: dg.SensorEvaluationContext) -> Known:
    try:
        return _CURSOR.validate_json(context.cursor or "{}")
    except ValidationError as error:
        context.log.warning("Invalid cursor; starting over. %s", error)
        return {}


def _in_words(stale: Sequence[Watched], known: Known) -> str:
    if stale:
        return f"stale: {', '.join(one.model for one in stale)}"
    if known:
        return f"behind, and not for too long: {', '.join(known)}"
    return "everything is built"
