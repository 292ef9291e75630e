"""The sensors that push figures after a run, with runs that really end."""

import dagster as dg
import pytest

from monitoring.push import Gateway, RunResult
from orchestration.sensors.push import push_sensors


@dg.op(config_schema={"breaks": bool})
def ends(context: dg.OpExecutionContext) -> None:
    if context.op_config["breaks"]:
        raise RuntimeError("no")


@dg.job
def nightly() -> None:
    ends()


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("gateway", ["http://localhost:9091", ""])
def test_a_run_that_ended_is_pushed_where_a_gateway_is_named(
    breaks: bool, gateway: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[RunResult] = []

    def push(_: Gateway, result: RunResult) -> bool:
        pushed.append(result)
        return True

    monkeypatch.setattr("monitoring.push.push_figures", push)
    monkeypatch.setenv("PROMETHEUS_PUSHGATEWAY_URL", gateway)
    first = [sensor.evaluate_tick(dg.build_sensor_context(instance)) for sensor in push_sensors]
    run_config = {"ops": {"ends": {"config": {"breaks": breaks}}}}
    nightly.execute_in_process(instance=instance, run_config=run_config, raise_on_error=False)
    for sensor, data in zip(push_sensors, first, strict=True):
        sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=data.cursor))
    assert [(result.job, result.is_success) for result in pushed] == ([("nightly", not breaks)] if gateway else [])
