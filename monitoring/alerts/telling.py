"""Looks, decides, keeps what is to be told, and delivers it. Used by Dagster's sensors and by `nyc alerts`.

An alert is kept before it is delivered, and forgotten when it was. So one that cannot be delivered is tried again at
the next look, keeps no other from being delivered, and is told twice only if its process dies in between.
"""

import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.alerts.conditions import Look, Source
from monitoring.alerts.delivery import Alert, AlertNotDeliveredError, AlertSettings, AlertSettingsError
from monitoring.alerts.looking import look
from monitoring.alerts.messages import alert_of_over, alerts_of
from monitoring.alerts.outages import Decision, decide
from monitoring.alerts.store import changing_state, delivering, read_state, state_path
from warehouse.connection import WarehouseError
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

PATIENCE_VARIABLE = "ALERT_PATIENCE_MINUTES"
_DEFAULT_PATIENCE_MINUTES = 60.0

# Periods become due and files too old without anybody writing to the DuckDB file.
_SECONDS_BETWEEN_LOOKS = 300
# Dagster ends a tick after 60 seconds.
_SECONDS_TO_DELIVER = 35


@dataclass(frozen=True)
class Told:
    """What came of a look: what was found and decided, what was told, and why something was not delivered or read."""

    look: Look
    decision: Decision
    alerts: tuple[Alert, ...] = ()
    failures: tuple[str, ...] = ()
    problem: WarehouseError | None = None


def is_fresh_install() -> bool:
    """Whether there is nothing to look at: no DuckDB file, and none that was ever looked at."""
    return not database_path().exists() and not state_path().exists()


def patience_seconds() -> float:
    """For how long what a load or build may end by itself is not told: `ALERT_PATIENCE_MINUTES`, by default an hour.

    Raises:
        AlertSettingsError: the setting is not a number.
    """
    text = os.environ.get(PATIENCE_VARIABLE, "").strip()
    try:
        minutes = float(text or _DEFAULT_PATIENCE_MINUTES)
    except ValueError:
        minutes = -1
    if not 0 <= minutes < float("inf"):
        raise AlertSettingsError(f"{PATIENCE_VARIABLE}: expected a number of minutes such as 60, but got {text[:50]!r}")
    return minutes * 60


def look_and_tell(settings: AlertSettings, now: datetime) -> Told:
    """Look at a time (UTC, without zone), and tell what is new and what is over.

    Raises:
        AlertSettingsError: a setting is not valid.
        AlertStateError: what was told cannot be read or kept. Nothing is told, or the same would be told at each look.
        WarehouseError: a setting is not valid.
    """
    seconds = now.replace(tzinfo=UTC).timestamp()
    stamps = file_stamps()
    before = read_state()
    at_ledger = stamps != before.files or not 0 <= seconds - before.looked_at < _SECONDS_BETWEEN_LOOKS
    found, problem = look(now, at_ledger=at_ledger)
    with changing_state() as state:
        decision = decide(state.outages, found, seconds, patience=patience_seconds())
        alerts = _alerts_of(decision)
        state.outages = decision.outages
        state.waiting = [one for one in state.waiting if one.way in settings.ways]
        for alert in alerts:
            state.add(alert, settings.ways)
        if Source.LEDGER in found.sources:
            state.looked_at, state.files = seconds, stamps
    failures = deliver(settings)
    return Told(found, decision, alerts, failures, problem)


def would_tell(now: datetime) -> Told:
    """What would be told now, of which nothing is told or kept.

    Raises:
        AlertSettingsError: a setting is not valid.
        AlertStateError: what was told cannot be read.
        WarehouseError: a setting is not valid.
    """
    found, problem = look(now, at_ledger=True)
    seconds = now.replace(tzinfo=UTC).timestamp()
    decision = decide(read_state().outages, found, seconds, patience=patience_seconds())
    return Told(found, decision, _alerts_of(decision), problem=problem)


def tell(alert: Alert, settings: AlertSettings) -> tuple[str, ...]:
    """Tell one alert, and what could not be delivered before. Returns why something could not.

    Raises:
        AlertStateError: the alert cannot be kept, so that it was told or not, but is not tried again.
    """
    with changing_state() as state:
        state.add(alert, settings.ways)
    return deliver(settings)


def deliver(settings: AlertSettings) -> tuple[str, ...]:
    """Deliver all that waits, each way by itself. Returns why something could not be delivered.

    What there is no time for, and what another process delivers just now, is left to the next look.
    """
    until = time.monotonic() + _SECONDS_TO_DELIVER
    failures: list[str] = []
    with delivering() as is_alone:
        waiting = read_state().waiting if is_alone else []
        for one in waiting:
            way = settings.ways.get(one.way)
            if way is None or time.monotonic() > until:
                continue
            try:
                way.deliver(one.alert)
            except AlertNotDeliveredError as error:
                failures.append(f"{one.alert.headline}: could not be told. {error}")
                continue
            with changing_state() as state:
                state.waiting = [each for each in state.waiting if each.id != one.id]
    for failure in failures:
        logger.warning("%s", failure)
    return tuple(failures)


def file_stamps() -> list[list[int]]:
    """What changes when somebody writes to the DuckDB file, read without opening it. Empty without a file."""
    path = database_path()
    stamps = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            found = file.stat()
        except FileNotFoundError:
            continue
        stamps.append([found.st_mtime_ns, found.st_size])
    return stamps


def _alerts_of(decision: Decision) -> tuple[Alert, ...]:
    over = [alert_of_over(decision.over)] if decision.over else []
    return (*alerts_of(decision.to_tell), *over)
