"""The sensor that tells people of what is wrong with the data and the disks, once each.

Dagster's own freshness policies and asset checks are shown in its UI, and notify nobody outside Dagster+. They know
neither gaps nor quarantine nor disks.
"""

import os
from datetime import UTC, datetime

import dagster as dg

from monitoring.alerts.delivery import AlertNotDeliveredError, AlertSettings
from monitoring.alerts.telling import Told, is_fresh_install, look_and_tell
from warehouse.connection import WarehouseBusyError


@dg.sensor(
    name="condition_alert_sensor",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Slack and recipients of e-mail, where .env names them, of missed freshness, gaps, quarantine "
    "above tolerance, schema drift, failed checks and disks that are nearly full: once each, and once when it is over.",
)
def condition_alert_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look, and tell what is new and what is over. What was told is kept beside the DuckDB file, not in the cursor.

    Raises:
        AlertSettingsError: a setting is not valid.
        AlertStateError: what was told cannot be kept.
        AlertNotDeliveredError: something could not be delivered. The next tick tries again.
        WarehouseError: the working file cannot be opened, though nobody writes to it.
    """
    return look_once(context, datetime.now(UTC).replace(tzinfo=None))


def look_once(context: dg.SensorEvaluationContext, now: datetime) -> dg.SkipReason:
    """A tick of the sensor at a time, which is UTC without zone."""
    if is_fresh_install():
        return dg.SkipReason("nothing is loaded yet")
    settings = AlertSettings.from_environment(os.environ)
    if not settings.ways:
        return dg.SkipReason("no alerts are configured: see ALERT_ in .env.example")
    told = look_and_tell(settings, now)
    if told.failures:
        raise AlertNotDeliveredError(" ".join(told.failures))
    if told.problem and not isinstance(told.problem, WarehouseBusyError):
        raise told.problem
    return dg.SkipReason(_in_words(told))


def _in_words(told: Told) -> str:
    said = [f"told: {alert.headline}" for alert in told.alerts] or ["nothing new"]
    if isinstance(told.problem, WarehouseBusyError):
        said.append(f"the DuckDB file is in use by {told.problem.holder}; the next tick looks again")
    return "; ".join(said)
