"""The alert sensor: tells Slack and recipients of e-mail that a run failed.

`monitoring/alerts/delivery.py` says why this is neither `dagster-slack` nor Dagster's own sensor of e-mail.
"""

import os
from collections.abc import Iterable

import dagster as dg

from monitoring.alerts.delivery import Alert, AlertNotDeliveredError, AlertSettings
from monitoring.alerts.telling import tell
from monitoring.runbooks import Runbook

_LONGEST_ERROR_CHARACTERS = 1500
# Dagster's own tag of a failed run that it is about to start again.
_WILL_RETRY_TAG = "dagster/will_retry"


def alert_of_failure(run: dg.DagsterRun, failed_steps: Iterable[dg.DagsterEvent], message: str, ui_url: str) -> Alert:
    """The alert of a failed run: job, failed steps, their errors, and a link.

    `message` is what Dagster says of a run that failed outside its steps.
    """
    steps = [f"Step {event.step_key}: {_shortened(error_of(event))}" for event in failed_steps]
    lines = steps or [f"Error: {_shortened(message)}"]
    links = (f"{ui_url.rstrip('/')}/runs/{run.run_id}", Runbook.RUN_FAILED.url)
    return Alert(headline=f"{_what_ran(run)} failed", body="\n\n".join(lines), links=links)


def error_of(event: dg.DagsterEvent) -> str:
    """Why a step failed: the description it failed with, or the error inside those that Dagster wraps around it."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else event.message or "no error was given"


def _what_ran(run: dg.DagsterRun) -> str:
    if not run.job_name.startswith("__"):
        return f"Job {run.job_name}"
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    return f"Materialization of {', '.join(assets) or 'assets'}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR_CHARACTERS else f"{text[:_LONGEST_ERROR_CHARACTERS]} …"


@dg.run_failure_sensor(
    name="alert_sensor",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Slack and recipients of e-mail, where .env names them, of a run that failed for good.",
)
def alert_sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Send an alert of a failed run, unless no recipient is set or Dagster starts the run again by itself.

    Raises:
        AlertSettingsError: a setting is not valid.
        AlertStateError: the alert could not be kept to be delivered.
        AlertNotDeliveredError: something could not be delivered. Dagster shows the tick as failed and goes on to the
            next run; `condition_alert_sensor` tries again.
    """
    settings = AlertSettings.from_environment(os.environ)
    if not settings.ways:
        return dg.SkipReason("no alerts are configured: see ALERT_ in .env.example")
    run = context.dagster_run
    if run.tags.get(_WILL_RETRY_TAG) == "true":
        # Dagster does not allow a SkipReason here if the same tick has other runs.
        context.log.info("run %s is started again by itself: no alert", run.run_id)
        return None
    message = context.failure_event.message or ""
    failures = tell(alert_of_failure(run, context.get_step_failure_events(), message, settings.ui_url), settings)
    if failures:
        raise AlertNotDeliveredError(" ".join(failures))
    return None
