"""Answers of the weather archive with something wrong in them."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz import weather_hours
from tests.fuzz.cases import FAILS, LOADS_OR_FAILS, Mutation, loads, loads_or_fails
from tests.fuzz.damage import flipped, garbage, truncated
from tests.fuzz.good import WeatherAnswer
from tests.fuzz.names import NAMES_OF_OURS, ODD_NAMES, SQL_WORDS
from tests.fuzz.weather_hours import changed_answer, mutation

_ENVELOPE = ["latitude", "longitude", "generationtime_ms", "utc_offset_seconds", "timezone", "timezone_abbreviation",
             "elevation"]  # fmt: skip
_INJECTIONS = [
    'time") as "time" from (select {time: [1]} as hourly); create table main.injected as select 1; --',
    "x', 'y'); create table main.injected as select 1; --",
]


def variable(rng: Random, file: WeatherAnswer) -> str:
    return rng.choice([name for name in file.rows if name != "time"])


def _odd_value(rng: Random) -> Any:
    return rng.choice(
        [None, True, False, 0, -1, 3.5, 10**30, "", "warm", "12.5", [], [[]], {}, {"a": [1]}, [1, 2], ["a"], "x" * 5000,
         [None], {"time": []}, 1e308]
    )  # fmt: skip


def wrong_type(rng: Random, file: WeatherAnswer) -> Mutation:
    """Another value at any place of the answer: what matters must be seen, what does not may be."""
    body, value = changed_answer(file), _odd_value(rng)
    name = rng.choice([*_ENVELOPE, "hourly", "hourly_units"])
    body[name] = value
    matters = name.startswith("hourly")
    return mutation(f"{name} is {value!r:.80}", file, body, FAILS if matters else loads_or_fails(file.rows))


def wrong_variable(rng: Random, file: WeatherAnswer) -> Mutation:
    """A variable, or its unit, that is no list, or no text."""
    body, value, name = changed_answer(file), _odd_value(rng), rng.choice(list(file.rows))
    part = rng.choice(["hourly", "hourly_units"])
    body[part][name] = value
    return mutation(f"{part}.{name} is {value!r:.80}", file, body, FAILS)


def wrong_value(rng: Random, file: WeatherAnswer) -> Mutation:
    """One value among hundreds that is none."""
    body, name = changed_answer(file), variable(rng, file)
    place = rng.randrange(len(file.rows["time"]))
    is_code = name == "weather_code"
    value, meant = rng.choice(
        [(None, (None,)), ("warm", ()), (True, ()), ([1], ()), ({"a": 1}, ()), ("", (None, ...)), ("7", (7, ...)),
         (1e300, () if is_code else (1e300, ...)), (10**400, () if is_code else (None, ...)), (-0.0, (0,)),
         (2.5, () if is_code else (2.5,)), (1 << 40, () if is_code else (float(1 << 40), ...)), ("NaN", (None, ...))]
    )  # fmt: skip
    body["hourly"][name][place] = value
    rows = [
        file.rows | {name: [*file.rows[name][:place], each, *file.rows[name][place + 1 :]]}
        for each in meant
        if each is not ...
    ]
    expected = FAILS if not rows else loads_or_fails(*rows) if ... in meant else loads(*rows)
    return mutation(f"{str(value)[:40]!r} in {name}", file, body, expected)


def no_number(rng: Random, file: WeatherAnswer) -> Mutation:
    """Words that Python writes for what is no number, and numbers that are too large for one."""
    body, name = changed_answer(file), variable(rng, file)
    place = rng.randrange(len(file.rows["time"]))
    word = rng.choice(["NaN", "Infinity", "-Infinity", "1e400", "nan", "undefined", "0x10", "01", "1.", ".5", "+1"])
    body["hourly"][name][place] = "@@"
    text = json.dumps(body, ensure_ascii=False).replace('"@@"', word)
    rows = [
        file.rows | {name: [*file.rows[name][:place], value, *file.rows[name][place + 1 :]]}
        for value in (None, *({"01": (1,), "1.": (1,), ".5": (0.5,), "+1": (1,)}.get(word, ())))
    ]
    return mutation(f"{word} in {name}", file, text.encode(), loads_or_fails(*rows))


def missing(rng: Random, file: WeatherAnswer) -> Mutation:
    """A key that is gone."""
    body = changed_answer(file)
    part = rng.choice(["", "", "hourly", "hourly_units"])
    name = rng.choice(list(body[part] if part else body))
    del (body[part] if part else body)[name]
    matters = bool(part) or name.startswith("hourly")
    return mutation(f"without {part}.{name}", file, body, FAILS if matters else loads_or_fails(file.rows))


def other_place(rng: Random, file: WeatherAnswer) -> Mutation:
    """The weather of another place or clock than asked for."""
    name, value = rng.choice(
        [("latitude", 52.52), ("longitude", 13.41), ("latitude", -40.77), ("latitude", "north"),
         ("utc_offset_seconds", -14400),
         ("utc_offset_seconds", 3600), ("utc_offset_seconds", "-14400")]
    )  # fmt: skip
    body = changed_answer(file) | {name: value}
    if name == "utc_offset_seconds":
        body |= {"timezone": "America/New_York", "timezone_abbreviation": "EDT"}
    return mutation(f"{name} {value}", file, body, FAILS)


def other_unit(rng: Random, file: WeatherAnswer) -> Mutation:
    """A variable in another unit."""
    body, name = changed_answer(file), rng.choice(list(file.rows))
    body["hourly_units"][name] = rng.choice(["°F", "km/h", "inch", "unixtime", "", "K", "°c", "°C "])
    return mutation(f"{name} in {body['hourly_units'][name]!r}", file, body, FAILS)


def new_variable(rng: Random, file: WeatherAnswer) -> Mutation:
    """A variable that nobody asked for: with any name, of any type, perhaps first of all."""
    count = len(file.rows["time"])
    name = rng.choice(["soil", *SQL_WORDS, *NAMES_OF_OURS, *ODD_NAMES, *_INJECTIONS, *_INJECTIONS])
    values: Any = rng.choice(
        [[1.5] * count, ["x"] * count, [None] * count, [{"a": 1}] * count, [[1]] * count, [1, "a", None, {}] * count,
         5, None,
         [True] * count, [10**30] * count]
    )  # fmt: skip
    values = values[:count] if isinstance(values, list) else values
    body = changed_answer(file)
    more = {name: values}
    body["hourly"] = {**more, **body["hourly"]} if rng.random() < 0.5 else {**body["hourly"], **more}
    body["hourly_units"][name] = rng.choice(["m", None, "undefined"])
    return mutation(f"new variable {name[:80]!r} of {str(values)[:20]}", file, body, loads_or_fails(file.rows))


def twice(rng: Random, file: WeatherAnswer) -> Mutation:
    """A variable that is there twice, by name or by what the name means."""
    body, name = changed_answer(file), rng.choice(list(file.rows))
    spelled = rng.choice([name.upper(), name.replace("_", ""), f"{name}_", name.title(), f" {name}"])
    if spelled == name:
        spelled = name.upper()
    body["hourly"][spelled] = list(reversed(body["hourly"][name]))
    body["hourly_units"][spelled] = body["hourly_units"][name]
    return mutation(f"{name} and {spelled}", file, body, FAILS)


def key_twice(rng: Random, file: WeatherAnswer) -> Mutation:
    """A key that is there twice in one object. Most readers take the last one."""
    text = json.dumps(file.answer, ensure_ascii=False)
    name = rng.choice(["hourly", "hourly_units", variable(rng, file), "utc_offset_seconds"])
    other = rng.choice(["null", "{}", "[]", "5"])
    changed = text.replace(f'"{name}": ', f'"{name}": {other}, "{name}": ')
    return mutation(f"{name} twice, first {other}", file, changed.encode(), loads_or_fails(file.rows))


def many_variables(rng: Random, file: WeatherAnswer) -> Mutation:
    """More variables than anybody has."""
    body, count = changed_answer(file), rng.choice([100, 2000])
    body["hourly"] |= {f"extra_{number}": body["hourly"]["rain"] for number in range(count)}
    return mutation(f"{count} new variables", file, body, loads_or_fails(file.rows))


def deep(rng: Random, file: WeatherAnswer) -> Mutation:
    """Lists in lists, deeper than anybody reads."""
    depth, sign = rng.choice([50, 500, 5000, 200_000]), rng.choice(["[]", '{"a":}'])
    opened, closed = (sign[:-1], sign[-1])
    nest = opened * depth + ("1" if sign != "[]" else "") + closed * depth
    where = rng.choice(["alone", "hourly", "unclosed", "extra", "variable", "value"])
    body = changed_answer(file)
    match where:
        case "alone":
            return mutation(f"{depth} deep, alone", file, nest.encode(), FAILS)
        case "unclosed":
            return mutation(f"{depth} deep, unclosed", file, (opened * depth).encode(), FAILS)
        case "hourly":
            body["hourly"] = "@@"
        case "extra":
            body["extra"] = "@@"
        case "variable":
            body["hourly"]["extra"] = "@@"
        case "value":
            body["hourly"]["rain"][3] = "@@"
    text = json.dumps(body, ensure_ascii=False).replace('"@@"', nest)
    expected = FAILS if where in ("hourly", "value") else loads_or_fails(file.rows)
    return mutation(f"{depth} deep, {where}", file, text.encode(), expected)


def encoding(rng: Random, file: WeatherAnswer) -> Mutation:
    """Other encodings than UTF-8, or none."""
    name = rng.choice(["utf-8-sig", "utf-16", "utf-32-le", "latin-1", "invalid", "zero bytes"])
    text = json.dumps(file.answer, ensure_ascii=False)
    if name == "invalid":
        body = text.encode().replace(b"GMT", rng.choice([b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf"]))
    elif name == "zero bytes":
        body = text.encode() + bytes(100)
    else:
        body = text.encode(name)
    return mutation(name, file, body, loads_or_fails(file.rows))


def layout(rng: Random, file: WeatherAnswer) -> Mutation:
    """The same answer, written otherwise."""
    indent, is_ascii = rng.choice([None, 0, 2, "\t"]), rng.random() < 0.5
    body = json.dumps(file.answer, indent=indent, ensure_ascii=is_ascii, sort_keys=rng.random() < 0.5)
    return mutation(f"indent {indent!r}, ascii {is_ascii}", file, body.encode(), loads(file.rows))


def more_text(rng: Random, file: WeatherAnswer) -> Mutation:
    """Something before or after the answer."""
    body, more = file.body, rng.choice([b"x", b"{}", b"]", b"\0", b"null", b"/* */", b"while(1);", file.body])
    return mutation(f"and {more[:20]!r}", file, rng.choice([body + more, more + body]), FAILS)


def other_document(rng: Random, file: WeatherAnswer) -> Mutation:
    """A document that is no answer."""
    text = rng.choice(
        ["null", "[]", "{}", '"x"', "5", "true", '{"error": true, "reason": "over quota"}',
         '{"hourly": {}, "hourly_units": {}}',
         '{"hourly": {"time": []}, "hourly_units": {"time": "iso8601"}}', '{"hourly": [], "hourly_units": []}',
         '{"a"', '[{"hourly": {}}]']
    )  # fmt: skip
    return mutation(text, file, text.encode(), FAILS)


def as_list(_: Random, file: WeatherAnswer) -> Mutation:
    """A list of answers, as for several places."""
    return mutation("a list of two", file, json.dumps([file.answer, file.answer]).encode(), FAILS)


def cut(rng: Random, file: WeatherAnswer) -> Mutation:
    """An answer without its end."""
    return mutation("cut", file, truncated(rng, file.body), FAILS)


def noise(rng: Random, file: WeatherAnswer) -> Mutation:
    """Other bytes somewhere: another digit is another value, which nobody can see."""
    return mutation("other bytes", file, flipped(rng, file.body), LOADS_OR_FAILS)


def no_answer(rng: Random, file: WeatherAnswer) -> Mutation:
    """Something that is no JSON."""
    what, body = garbage(rng)
    return mutation(what, file, body, FAILS)


MUTATIONS: list[Callable[[Random, WeatherAnswer], Mutation]] = [
    wrong_type, wrong_type, wrong_variable, wrong_variable, wrong_value, wrong_value, no_number, missing,
    *weather_hours.MUTATIONS, other_place, other_unit, new_variable, new_variable, twice, key_twice,
    many_variables, deep, encoding, layout, more_text, other_document, as_list, cut, noise, no_answer,
]  # fmt: skip
