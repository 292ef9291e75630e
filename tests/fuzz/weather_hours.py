"""Hours that are not those asked for; and how an answer of the weather archive is mutated."""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.fuzz.cases import FAILS, Expected, Mutation, loads_or_fails
from tests.fuzz.good import WeatherAnswer
from tests.fuzz.publisher import body_answer


def mutation(what: str, file: WeatherAnswer, body: bytes | dict[str, Any], expected: Expected) -> Mutation:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Mutation(what, body_answer(file.partition, content), expected)


def changed_answer(file: WeatherAnswer) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(file.answer)
    return changed


def other_length(rng: Random, file: WeatherAnswer) -> Mutation:
    """A list that has more or fewer values than there are hours."""
    body, name = changed_answer(file), rng.choice(list(file.rows))
    values, count = body["hourly"][name], rng.choice([1, 5, 700])
    if rng.random() < 0.5:
        del values[-count:]
    else:
        values.extend(values[:1] * count)
    return mutation(f"{name} has {len(values)} values", file, body, FAILS)


def other_hours(rng: Random, file: WeatherAnswer) -> Mutation:
    """Hours that are not those asked for: of another month, twice, out of order, written otherwise."""
    body = changed_answer(file)
    hours: list[Any] = list(file.rows["time"])
    times: list[str] = body["hourly"]["time"]
    what = rng.choice(["month", "year", "day", "half an hour", "twice", "reversed", "swapped", "zone", "UTC", "seconds",
                       "dates", "American", "epochs", "one", "empty", "nulls", "first gone", "last gone"])  # fmt: skip
    expected = FAILS
    match what:
        case "month" | "year" | "day" | "half an hour":
            moved = {
                "month": timedelta(31),
                "year": timedelta(365),
                "day": timedelta(1),
                "half an hour": timedelta(minutes=30),
            }
            times[:] = [(hour - moved[what]).strftime("%Y-%m-%dT%H:%M") for hour in hours]
        case "twice":
            place = rng.randrange(1, len(times))
            times[place] = times[place - 1]
        case "reversed":
            times.reverse()
            expected = loads_or_fails(file.rows | {"time": list(reversed(hours))})
        case "swapped":
            times[5], times[50] = times[50], times[5]
            hours[5], hours[50] = hours[50], hours[5]
            expected = loads_or_fails(file.rows | {"time": hours})
        case "zone":
            times[:] = [f"{time}-04:00" for time in times]
        case "UTC":
            times[:] = [f"{time}Z" for time in times]
            expected = loads_or_fails(file.rows)
        case "seconds":
            times[:] = [f"{time}:00" for time in times]
            expected = loads_or_fails(file.rows)
        case "dates":
            times[:] = [time[:10] for time in times]
        case "American":
            times[:] = [hour.strftime("%m/%d/%Y %H:%M") for hour in hours]
            expected = loads_or_fails(file.rows)
        case "epochs":
            seconds = [int((hour - datetime(1970, 1, 1)).total_seconds()) for hour in hours]
            return mutation("times as epochs", file, body | {"hourly": body["hourly"] | {"time": seconds}}, FAILS)
        case "one":
            times[rng.randrange(len(times))] = rng.choice(
                ["", "infinity", "epoch", "2025-13-01T00:00", "noon", "0001-01-01T00:00"]
            )
        case "empty":
            for values in body["hourly"].values():
                values.clear()
        case "nulls":
            body["hourly"]["time"] = [None] * len(times)
        case "first gone" | "last gone":
            for values in body["hourly"].values():
                del values[0 if what == "first gone" else -1]
    return mutation(f"hours: {what}", file, body, expected)


def empty_hours(rng: Random, file: WeatherAnswer) -> Mutation:
    """Hours without a value of any variable, or a variable without a value in any hour."""
    body = changed_answer(file)
    if rng.random() < 0.5:
        first = rng.randrange(len(file.rows["time"]) - 5)
        for name in file.rows.keys() - {"time"}:
            body["hourly"][name][first : first + 5] = [None] * 5
        return mutation("five empty hours", file, body, FAILS)
    name = rng.choice([name for name in file.rows if name != "time"])
    body["hourly"][name] = [None] * len(file.rows["time"])
    return mutation(f"{name} all null", file, body, loads_or_fails(file.rows | {name: body["hourly"][name]}))


MUTATIONS: list[Callable[[Random, WeatherAnswer], Mutation]] = [other_length, other_hours, other_hours, empty_hours]
