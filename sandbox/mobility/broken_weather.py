"""Answers of the weather archive with something wrong in them."""

import json
from typing import Any

from sandbox.faults import Fault

# A variable that the archive has and the platform does not ask for.
EXTRA_VARIABLE = "soil_temperature_0_to_7cm"
HOURS_LOST = 5

_VARIABLE = "temperature_2m"
_REASON = b'{"error":true,"reason":"Internal error: the storage cannot be read"}'


def broken_answer(status: int, body: bytes, fault: Fault) -> tuple[int, bytes]:
    """The archive's status and JSON body with a fault. A refused query stays refused."""
    if status != 200:
        return status, body
    match fault:
        case Fault.ERROR_STATUS:
            return 400, _REASON
        case Fault.ERROR_BODY:
            return 200, _REASON
        case Fault.TRUNCATED:
            return 200, body[: len(body) // 2]
    envelope = json.loads(body)
    _break(envelope, fault)
    return 200, json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def _break(envelope: dict[str, Any], fault: Fault) -> None:
    hourly: dict[str, list[Any]] = envelope["hourly"]
    units: dict[str, str] = envelope["hourly_units"]
    middle = len(hourly["time"]) // 2
    lost = slice(middle, middle + HOURS_LOST)
    match fault:
        case Fault.WRONG_TYPES:
            hourly[_VARIABLE][middle] = "warm"
        case Fault.MISSING_COLUMN:
            hourly[f"{_VARIABLE}_renamed"] = hourly.pop(_VARIABLE)
            units[f"{_VARIABLE}_renamed"] = units.pop(_VARIABLE)
        case Fault.EXTRA_COLUMN:
            hourly[EXTRA_VARIABLE] = list(hourly[_VARIABLE])
            units[EXTRA_VARIABLE] = "°C"
        case Fault.NO_ROWS:
            for values in hourly.values():
                values.clear()
        case Fault.MISSING_HOURS:
            for values in hourly.values():
                del values[lost]
        case Fault.NULL_HOURS:
            for name in hourly.keys() - {"time"}:
                hourly[name][lost] = [None] * HOURS_LOST
        case Fault.WRONG_UNITS:
            units[_VARIABLE] = "°F"
            hourly[_VARIABLE] = [round(32 + 1.8 * value, 1) for value in hourly[_VARIABLE]]
        case _:
            raise ValueError(f"the weather cannot be broken by {fault}")
