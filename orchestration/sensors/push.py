"""Sensors that push figures to a Pushgateway after each run, if there is one."""

import os
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from monitoring.push import RunResult

_VARIABLE = "PROMETHEUS_PUSHGATEWAY_URL"


def _push(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    """Push the ledger's figures and how a run ended, unless no gateway is named.

    Raises:
        PushError: the gateway did not take them. Dagster shows the tick as failed and goes on to the next run.
        WarehouseError: the ledger cannot be read.
    """
    if not os.environ.get(_VARIABLE):
        return dg.SkipReason(f"no Pushgateway is configured: see {_VARIABLE} in .env.example")
    # Imported here because the extra `monitoring` may be absent.
    from monitoring.push import Gateway, push_figures

    if gateway := Gateway.from_environment():
        push_figures(gateway, _result(context))
    return None


def _result(context: dg.RunStatusSensorContext) -> "RunResult":
    from monitoring.push import RunResult

    run = context.dagster_run
    record = context.instance.get_run_record_by_id(run.run_id)
    start, end = (record.start_time, record.end_time) if record else (None, None)
    return RunResult(
        run.job_name,
        is_success=run.status is dg.DagsterRunStatus.SUCCESS,
        seconds=end - start if start and end else None,
        ended_at=end,
    )


def _sensor_of(status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name=f"push_figures_of_{status.value.lower()}",
        run_status=status,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Pushes the rows of tables, durations and how a run ended to a Pushgateway of Prometheus, where "
        f"{_VARIABLE} names one.",
    )
    def push_figures_of_run(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        return _push(context)

    return push_figures_of_run


push_sensors = [_sensor_of(status) for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)]
