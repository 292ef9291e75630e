"""Values in a CSV that are odd, or none; and how a CSV is mutated."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from tests.fuzz.cases import FAILS, Columns, Expected, Mutation, Value, loads, loads_or_fails
from tests.fuzz.good import BikeFile, csv_bytes, declared_column, zip_bytes
from tests.fuzz.publisher import body_answer

TEXTS = ("start_station_name", "end_station_name")


_NUMBERS = ("start_lat", "start_lng", "end_lat", "end_lng")


def mutation(what: str, file: BikeFile, csv_: bytes, expected: Expected) -> Mutation:
    return Mutation(what, body_answer(file.partition, zip_bytes([(file.csv_name(), csv_)])), expected)


def whole(file: BikeFile) -> list[list[str]]:
    return [list(file.header), *(list(line) for line in file.lines)]


def place(rng: Random, file: BikeFile, names: tuple[str, ...]) -> tuple[int, int, str]:
    """A line of the CSV, and a position in it that is of one of these raw columns, and which."""
    positions = [
        (position, column.name)
        for position, name in enumerate(file.header)
        if (column := declared_column(file.partition, name)) and column.name in names
    ]
    return (rng.randrange(len(file.lines)), *rng.choice(positions))


def with_value(
    rng: Random, file: BikeFile, names: tuple[str, ...], text: str, *values: Value
) -> tuple[bytes, list[Columns]]:
    """The CSV with a text at one place, and the rows with each of the values there."""
    line, position, name = place(rng, file, names)
    lines = whole(file)
    lines[line + 1][position] = text
    rows = []
    for value in values:
        changed = list(file.rows[name])
        changed[line] = value
        rows.append(file.rows | {name: changed})
    return csv_bytes(lines), rows


def odd_text(rng: Random, file: BikeFile) -> Mutation:
    """Texts that a CSV can hold, if quoted."""
    text = rng.choice(
        ["a\nb", "a\r\nb", "a\n\n\nb", '"', '""', ',,,"', "a\\b", "\\", "'", "--", "\t", "x" * 40_000, "# no comment",
         "İstanbul", "🚲", "\u2028", "a\x01b", "\ufeff", "=1+1", "true", "é" * 5000]
    )  # fmt: skip
    body, rows = with_value(rng, file, TEXTS, text, text)
    # Line ends in quotes are read as they are; of what is longer than anybody's name it may be said that it is.
    return mutation(f"text {text[:40]!r}", file, body, (loads if len(text) < 5000 else loads_or_fails)(*rows))


def unknown(rng: Random, file: BikeFile) -> Mutation:
    """Words for what is not known."""
    word = rng.choice(["", "NULL", "null", r"\N", "NA", "N/A", "None", "nan", "-", "?"])
    body, rows = with_value(rng, file, TEXTS, word, None, word)
    wanted = rows[:1] if word in ("", "NULL", "null", r"\N") else rows
    return mutation(f"unknown as {word!r}", file, body, loads(*wanted))


def number(rng: Random, file: BikeFile) -> Mutation:
    """Numbers as texts that are numbers, or nearly, or not at all."""
    text, values = rng.choice(
        [
            ("1.5", (1.5,)), ("4e1", (40.0,)), ("-0", (0.0,)), ("007.50", (7.5,)),
            ("40.123456789012345678901", (float("40.123456789012345678901"),)),
            ("1e400", (None, "fails")), ("-1e400", (None, "fails")), ("NaN", (None, "fails")), ("inf", (None, "fails")),
            ("-Infinity", (None, "fails")), ("+40.5", (40.5, "fails")), (" 40.5 ", (40.5, "fails")),
            ("1e-400", (0.0, "fails")),
            ("40,5", ("fails",)), ("0x1F", ("fails",)), ("forty", ("fails",)), ("40.5.1", ("fails",)),
            ("\u221240.5", ("fails",)),
            ("1_000.5", (1000.5, "fails")), ("\u0664\u0660", ("fails",)), ("40°", ("fails",)), ("true", ("fails",)),
            ("1 000", ("fails",)),
            ("40.5f", ("fails",)), ("4O.5", ("fails",)), ("--1", ("fails",)), ("1e", ("fails",)), (".", ("fails",)),
            ("5.", (5.0, "fails")),
        ]
    )  # fmt: skip
    body, rows = with_value(rng, file, _NUMBERS, text, *(value for value in values if value != "fails"))
    expected = FAILS if not rows else loads_or_fails(*rows) if "fails" in values else loads(*rows)
    return mutation(f"number {text!r}", file, body, expected)


def moment(rng: Random, file: BikeFile) -> Mutation:
    """Times in odd forms: as they are meant, or not at all."""
    at = datetime(2025, 5, 11, 10, 20, 30)
    hour = at.replace(second=0)
    text, values = rng.choice(
        [
            ("2025-05-11T10:20:30", (at,)), ("2025-05-11 10:20:30.5", (at.replace(microsecond=500_000),)),
            ("5/11/2025 10:20:30", (at,)), ("5/11/2025 10:20", (hour,)), ("2025-05-11 10:20", (hour, "fails")),
            ("2025-05-11", (datetime(2025, 5, 11), "fails")), ("5/11/25", (datetime(2025, 5, 11), "fails")),
            ("5/11/25 10:20", (hour, "fails")), ("11/5/2025 25:00:00", ("fails",)), ("13/13/2025 10:20:30", ("fails",)),
            ("2025-05-11T10:20:30Z", (datetime(2025, 5, 11, 6, 20, 30), "fails")),
            ("2025-05-11 10:20:30+00:00", (datetime(2025, 5, 11, 6, 20, 30), "fails")),
            ("2025-05-11 10:20:30+00", (datetime(2025, 5, 11, 6, 20, 30), "fails")),
            ("2025-05-11 10:20:30 UTC", (datetime(2025, 5, 11, 6, 20, 30), "fails")),
            ("2025-05-11 10:20:30-04:00", (at, "fails")), ("2025-05-11 10:20:30 America/New_York", (at, "fails")),
            ("2025-05-11 10:20:30+05:30", (datetime(2025, 5, 11, 0, 50, 30), "fails")),
            ("2025-05-11 10:20:30 PM", (datetime(2025, 5, 11, 22, 20, 30), "fails")),
            ("5/11/2025 10:20:30 PM", (datetime(2025, 5, 11, 22, 20, 30), "fails")),
            ("2025-02-30 10:20:30", ("fails",)), ("2025-05-11 24:00:00", (datetime(2025, 5, 12), "fails")),
            ("2025-05-11 10:60:00", ("fails",)), ("infinity", ("fails",)), ("-infinity", ("fails",)),
            ("epoch", ("fails",)),
            ("now", ("fails",)), ("today", ("fails",)), ("2025-05-11 (BC) 10:20:30", ("fails",)),
            ("12025-05-11 10:20:30", ("fails",)),
            ("1746958830", ("fails",)), ("45788.43", ("fails",)), ("May 11, 2025", ("fails",)),
            ("11.05.2025 10:20", ("fails",)),
            ("10:20:30", ("fails",)), ("20250511", (datetime(2025, 5, 11), "fails")),
            ("\u0662\u0660\u0662\u0665-\u0660\u0665-\u0661\u0661", ("fails",)),
            ("2025-05-11 10:20:30.123456789", (at.replace(microsecond=123_456), at.replace(microsecond=123_457),
            "fails")),
            (" 2025-05-11 10:20:30 ", (at, "fails")), ("25-05-11 10:20:30", (at, "fails")), ("NULL", (None, "fails")),
            ("0000-00-00 00:00:00", ("fails",)), ("2025-05-11 10:20:30 EST", (datetime(2025, 5, 11, 11, 20, 30),
            "fails")),
        ]
    )  # fmt: skip
    body, rows = with_value(
        rng, file, ("started_at", "ended_at"), text, *(value for value in values if value != "fails")
    )
    expected = FAILS if not rows else loads_or_fails(*rows) if "fails" in values else loads(*rows)
    return mutation(f"time {text!r}", file, body, expected)


MUTATIONS: list[Callable[[Random, BikeFile], Mutation]] = [odd_text, odd_text, unknown, number, number, moment, moment]
