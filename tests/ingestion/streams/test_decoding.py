"""Each message becomes a row with the values that were written, or a reject with its reason."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fastavro import parse_schema
from hypothesis import given
from hypothesis import strategies as st

from ingestion.streams.decoding import LARGEST_MESSAGE_BYTES, Decoded
from ingestion.streams.rejects import rejects_table
from tests.ingestion.streams.avro import MICROS, NOON, NOON_US, SCHEMA, decoded, encoded, schema_of

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


def _only(result: Decoded) -> dict[str, Any]:
    assert [(one.reason.value, one.explanation) for one in result.rejects] == []
    (rows,) = result.rows
    row: dict[str, Any]
    (row,) = rows.table.to_pylist()
    return row


def _reasons(result: Decoded) -> dict[int, str]:
    return {reject.message.offset(): reject.reason.value for reject in result.rejects}


def _column(type_: Any, value: Any, name: str = "price") -> Any:
    """What a field of this type and value is read as."""
    schema = schema_of((name, type_))
    return _only(decoded({1: json.dumps(schema)}, encoded(schema, 1, **{name: value})))[name]


def test_a_message_becomes_a_row_that_says_where_it_stood() -> None:
    value = encoded(SCHEMA, 7, trade_id="T1", symbol="AAPL", price=1.5)
    row = _only(decoded({7: json.dumps(SCHEMA)}, value))
    assert row == {
        "trade_id": "T1",
        "symbol": "AAPL",
        "price": 1.5,
        "trade_timestamp": datetime(2026, 1, 5, 17),
        "source_date": date(2026, 1, 5),
        "kafka_partition": 0,
        "kafka_offset": 0,
        "kafka_timestamp": datetime(2026, 1, 5, 18),
    }


@pytest.mark.parametrize(
    ("type_", "value", "read"),
    [
        ("int", 3, 3.0),
        ("long", 2**53, float(2**53)),
        ("float", 0.5, 0.5),
        (["null", "double"], None, None),
        (["double", "null", "long"], 7, 7.0),
        ("null", None, None),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
            Decimal("-1.25"),
            -1.25,
        ),
    ],
)
def test_a_number_is_promoted_to_the_declared_type(type_: Any, value: Any, read: float | None) -> None:
    assert _column(type_, value) == read


@pytest.mark.parametrize("unit", ["millis", "micros", "nanos"])
def test_a_time_is_read_in_the_unit_of_its_writer(unit: str) -> None:
    since_epoch = {"millis": NOON_US // 1000, "micros": NOON_US, "nanos": NOON_US * 1000 + 999}[unit]
    # fastavro knows no nanoseconds: such a writer writes numbers.
    schema = schema_of(("event_timestamp", "long"))
    told = schema_of(("event_timestamp", {"type": "long", "logicalType": f"timestamp-{unit}"}))
    value = encoded(schema, 1, event_timestamp=since_epoch)
    assert _only(decoded({1: json.dumps(told)}, value))["event_timestamp"] == datetime(2026, 1, 5, 17)


def test_a_symbol_of_an_enum_is_text_and_a_number_beyond_them_is_refused() -> None:
    side = {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}
    schema = schema_of(("side", side))
    good = encoded(schema, 1, side="SELL")
    assert _only(decoded({1: json.dumps(schema)}, good))["side"] == "SELL"
    # -1, for which fastavro itself takes the last symbol.
    result = decoded({1: json.dumps(schema)}, good, good[:5] + b"\x01" + good[6:])
    assert _reasons(result) == {1: "bad_value"}


# Show 6: evolution of a schema.
def test_a_field_added_with_a_default_is_kept_in_a_column_of_its_own() -> None:
    schema = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "venueCode", "type": "string", "default": "?"}]}
    old, new = encoded(SCHEMA, 1, symbol="A", price=1.0), encoded(schema, 2, symbol="B", price=2.0, venueCode="X")
    result = decoded({1: json.dumps(SCHEMA), 2: json.dumps(schema)}, old, new)
    assert result.rejects == ()
    assert [rows.undeclared for rows in result.rows] == [(), (("venueCode", "VARCHAR"),)]
    assert result.rows[1].table["c0"].to_pylist() == ["X"]


def test_a_field_removed_is_null_and_one_renamed_by_alias_is_the_same_column() -> None:
    schema = schema_of({"name": "px", "type": "double", "aliases": ["price"]})
    row = _only(decoded({1: json.dumps(schema)}, encoded(schema, 1, px=4.5)))
    assert row["price"] == 4.5
    assert "symbol" not in row, "so that it is null in the raw table"


def test_names_are_matched_in_whatever_spelling() -> None:
    schema = schema_of(("tradeId", "string"), ("Symbol", "string"))
    row = _only(decoded({1: json.dumps(schema)}, encoded(schema, 1, tradeId="T", Symbol="S")))
    assert (row["trade_id"], row["symbol"]) == ("T", "S")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (schema_of(("price", "string")), "the field 'price' to be readable as DOUBLE"),
        (schema_of(("symbol", "double")), "but it is double"),
        ({"type": "record", "name": "T", "fields": [{"name": "symbol", "type": "string"}]}, "trade_timestamp"),
        (schema_of(("price", ["double", "string"])), "but it is double or string"),
        (schema_of(("quantity", "double"), ("Quantity", "double")), "each field once"),
        (
            schema_of(
                {"name": "a", "type": "double", "aliases": ["price"]},
                {"name": "b", "type": "double", "aliases": ["price"]},
            ),
            "'a' and 'b' both",
        ),
        ({"type": "string"}, "expected a record"),
        ({"type": "record", "name": "T", "fields": [{"name": "x", "type": "no_such"}]}, "UnknownType"),
    ],
)
def test_messages_of_an_incompatible_schema_are_rejected_with_what_is_wrong(schema: dict[str, Any], said: str) -> None:
    good = encoded(SCHEMA, 1, symbol="A", price=1.0)
    result = decoded({1: json.dumps(SCHEMA), 2: json.dumps(schema)}, good, b"\0\0\0\0\x02\0\0", good)
    assert result.count == 2, "the others are read"
    (reject,) = result.rejects
    assert reject.reason.value == "incompatible_schema"
    assert said in reject.explanation
    assert "schema 2" in reject.explanation


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "not_avro"),
        (b"\0\0\0", "not_avro"),
        (b"{}{}{}", "not_avro"),
        (b"\0" * (LARGEST_MESSAGE_BYTES + 1), "too_large"),
        (b"\0\0\0\0\x09\0\0\0", "unknown_schema"),
        (encoded(SCHEMA, 1, symbol="A", price=1.0)[:-3], "truncated"),
        (encoded(SCHEMA, 1, symbol="A", price=1.0) + b"x", "trailing_bytes"),
        (encoded(SCHEMA, 1, symbol="A", price=1.0).replace(b"A", b"\xff"), "malformed"),
        (encoded(SCHEMA, 1, symbol="A", price=float("nan")), "bad_value"),
        (encoded(SCHEMA, 1, symbol="A", price=float("inf")), "bad_value"),
        (encoded(SCHEMA, 1, symbol="A", price=1.0, trade_timestamp=datetime(2003, 9, 9)), "event_out_of_range"),
        (encoded(SCHEMA, 1, symbol="A", price=1.0, trade_timestamp=datetime(2026, 1, 8)), "event_out_of_range"),
    ],
)
def test_a_message_that_cannot_be_read_has_its_reason_and_stops_no_other(value: bytes | None, reason: str) -> None:
    good = encoded(SCHEMA, 1, symbol="A", price=1.0)
    result = decoded({1: json.dumps(SCHEMA)}, good, value, good)
    assert _reasons(result) == {1: reason}
    assert result.rows[0].table["kafka_offset"].to_pylist() == [0, 2]
    assert result.rejects[0].message.value() == value


def test_a_message_without_the_time_of_its_event_is_rejected() -> None:
    schema = {"type": "record", "name": "T", "fields": [{"name": "trade_timestamp", "type": ["null", MICROS]}]}
    result = decoded({1: json.dumps(schema)}, b"\0\0\0\0\1\0", encoded(schema, 1))
    assert _reasons(result) == {0: "missing_event_time"}
    assert result.count == 1


def test_the_day_is_that_of_new_york_also_where_clocks_change() -> None:
    times = [
        datetime(2026, 3, 8, 4, 59),
        datetime(2026, 3, 9, 3, 59),
        datetime(2025, 11, 3, 4, 59),
        datetime(2025, 7, 1, 4),
    ]
    values = [
        encoded(SCHEMA, 1, symbol="A", price=1.0, trade_timestamp=time.replace(tzinfo=NOON.tzinfo)) for time in times
    ]
    result = decoded({1: json.dumps(SCHEMA)}, *values[2:])
    assert result.rows[0].table["source_date"].to_pylist() == [date(2025, 11, 2), date(2025, 7, 1)]
    assert _reasons(decoded({1: json.dumps(SCHEMA)}, *values[:2])) == {0: "event_out_of_range", 1: "event_out_of_range"}


def test_what_is_nested_is_kept_as_json() -> None:
    legs = {
        "type": "array",
        "items": {"type": "record", "name": "Leg", "fields": [{"name": "n", "type": ["null", "int"]}]},
    }
    schema = schema_of(("legs", legs), ("flags", {"type": "map", "values": "boolean"}), ("is_odd", "boolean"))
    result = decoded(
        {1: json.dumps(schema)}, encoded(schema, 1, legs=[{"n": 1}, {"n": None}], flags={"a": True}, is_odd=True)
    )
    row = _only(result)
    assert json.loads(row["c0"]) == [{"n": 1}, {"n": None}]
    assert (row["c1"], row["c2"]) == ('{"a": true}', "true")


NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
NOTHING = {"type": "record", "name": "Nothing", "fields": []}


def _doubling(levels: int) -> Any:
    """A type of two of a type of two …: few characters of schema, and 2^levels values."""
    type_: Any = "null"
    for level in range(levels):
        name = f"L{level}"
        type_ = {
            "type": "record",
            "name": name,
            "fields": [{"name": "a", "type": type_}, {"name": "b", "type": "null"}],
        }
        if level:
            type_["fields"][1]["type"] = f"L{level - 1}"
    return type_


@pytest.mark.parametrize(
    "schema",
    [
        schema_of(("node", NODE)),
        schema_of(("many", {"type": "array", "items": "null"})),
        schema_of(("many", {"type": "array", "items": NOTHING})),
        schema_of(("many", {"type": "array", "items": {"type": "fixed", "name": "Empty", "size": 0}})),
        schema_of(("twice", _doubling(30))),
        schema_of(*((f"f{number}", "null") for number in range(501))),
    ],
)
def test_a_schema_by_which_few_bytes_would_be_billions_of_values_is_refused(schema: dict[str, Any]) -> None:
    # Of the array: 2^62 items.
    bomb = b"\0\0\0\0\1" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\2" * 50
    assert _reasons(decoded({1: json.dumps(schema)}, bomb)) == {0: "incompatible_schema"}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":' * 5_000, "nonsense", "1e999", '"\\ud800"', " " * 2_000_000])
def test_a_schema_that_is_none_is_refused(text: str) -> None:
    assert _reasons(decoded({1: text}, b"\0\0\0\0\1\2")) == {0: "incompatible_schema"}


def test_a_length_of_gigabytes_costs_nothing() -> None:
    value = encoded(SCHEMA, 1, trade_id="T", symbol="A", price=1.0)
    huge = value[:6] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" + value[7:]
    assert _reasons(decoded({1: json.dumps(SCHEMA)}, huge)) == {0: "truncated"}


WIDE = schema_of(
    ("symbol", "string"),
    ("price", ["null", "double"]),
    ("side", {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}),
    ("event_timestamp", ["null", {"type": "long", "logicalType": "timestamp-millis"}]),
    ("amount", {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 3}),
    ("legs", {"type": "array", "items": {"type": "map", "values": ["null", "long", "string"]}}),
    ("day", {"type": "int", "logicalType": "date"}),
)
WHOLE = encoded(
    WIDE,
    1,
    symbol="AAPL",
    price=2.5,
    side="BUY",
    event_timestamp=NOON,
    legs=[{"a": 1}],
    day=date(2026, 1, 5),
    amount=Decimal("12345678901234567890.123"),
)


@given(
    st.lists(st.binary(max_size=120), max_size=5),
    st.lists(st.tuples(st.integers(5, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
)
def test_whatever_bytes_come_each_message_is_a_row_or_a_reject(
    junk: list[bytes], changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(WHOLE)
    for position, byte in changes:
        changed[position] = byte
    values = [*junk, bytes(changed), *(b"\0\0\0\0\1" + each for each in junk), WHOLE]
    result = decoded({1: json.dumps(WIDE)}, *values)
    offsets = [offset for rows in result.rows for offset in rows.table["kafka_offset"].to_pylist()]
    offsets += [reject.message.offset() for reject in result.rejects]
    assert sorted(offsets) == list(range(len(values)))
    assert rejects_table(list(result.rejects)).num_rows == len(result.rejects), "each can be kept"
    assert len(values) - 1 not in _reasons(result), "the whole one is a row"


def test_the_schemas_of_these_tests_are_schemas() -> None:
    assert parse_schema(dict(WIDE))
