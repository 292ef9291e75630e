"""Parquet with something wrong in it."""

import struct
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.feeds import Column, ColumnType
from tests.fuzz.cases import FAILS, LOADS_OR_FAILS, Columns, Expected, Mutation, loads, loads_or_fails
from tests.fuzz.damage import flipped, garbage, truncated
from tests.fuzz.good import TlcFile, declared_column, good_file, parquet_bytes, partition_of
from tests.fuzz.names import NAMES_OF_OURS, ODD_NAMES, SQL_WORDS
from tests.fuzz.publisher import body_answer


def _mutation(what: str, file: TlcFile, body: pa.Table | bytes, expected: Expected) -> Mutation:
    content = body if isinstance(body, bytes) else parquet_bytes(body)
    return Mutation(what, body_answer(file.partition, content), expected)


def _pick(rng: Random, file: TlcFile, *types: ColumnType) -> tuple[str, Column]:
    """A declared column of the file, of one of these types."""
    declared = [
        (name, column)
        for name in file.table.column_names
        if (column := declared_column(file.partition, name))
        and (not types or column.type in types)
        and file.table.schema.field(name).type != pa.null()
    ]
    return rng.choice(declared)


def _with(file: TlcFile, name: str, values: pa.Array) -> pa.Table:
    return file.table.set_column(file.table.column_names.index(name), name, values)


def _rows(file: TlcFile, column: Column, values: list[Any]) -> Columns:
    return file.rows | {column.name: values}


def other_type_same_values(rng: Random, file: TlcFile) -> Mutation:
    """A column in another type that holds its values exactly, or nearly."""
    name, column = _pick(rng, file)
    values: list[Any] = file.rows[column.name]
    type_, is_sure = rng.choice(_EXACT_TYPES[column.type])
    if column.type is ColumnType.DOUBLE and pa.types.is_decimal(type_):
        published: list[Any] = [None if value is None else Decimal(str(value)) for value in values]
    elif column.type is ColumnType.DOUBLE and type_ == pa.float32():
        published = pa.array(values, type_).to_pylist()
        values = published
    elif type_ in (pa.string(), pa.large_string()) or pa.types.is_dictionary(type_):
        published = [None if value is None else str(value) for value in values]
    else:
        published = values
    table = _with(file, name, pa.array(published, type_))
    rows = _rows(file, column, values)
    return _mutation(f"{name} as {type_}", file, table, loads(rows) if is_sure else loads_or_fails(rows))


_TEXTS = [(pa.string(), True), (pa.large_string(), True), (pa.dictionary(pa.int8(), pa.string()), True)]
# The types, and whether a reader must take them.
_EXACT_TYPES: dict[ColumnType, list[tuple[pa.DataType, bool]]] = {
    ColumnType.INTEGER: [
        (pa.int16(), True), (pa.int32(), True), (pa.int64(), True), (pa.uint16(), True), (pa.uint32(), True),
        (pa.uint64(), True), (pa.float32(), True), (pa.float64(), True), (pa.decimal128(9, 0), True),
        (pa.decimal128(38, 10), True), (pa.decimal256(50, 2), False), (pa.float16(), False), *_TEXTS,
    ],
    ColumnType.DOUBLE: [
        (pa.float32(), True), (pa.float64(), True), (pa.decimal128(20, 2), True), (pa.decimal256(60, 5), False),
        *_TEXTS,
    ],
    ColumnType.VARCHAR: _TEXTS,
    ColumnType.TIMESTAMP: [
        (pa.timestamp("s"), True), (pa.timestamp("ms"), True), (pa.timestamp("ns"), True), *_TEXTS,
    ],
}  # fmt: skip


def zoned_times(rng: Random, file: TlcFile) -> Mutation:
    """Times with a zone: they may be taken for New York's clock only if they say so."""
    name, column = _pick(rng, file, ColumnType.TIMESTAMP)
    zone = rng.choice(["UTC", "America/New_York", "+05:30", "Asia/Tokyo"])
    stamps = pc.assume_timezone(
        pa.array(file.rows[column.name], pa.timestamp("us")),
        "America/New_York",
        ambiguous="latest",
        nonexistent="latest",
    )
    return _mutation(
        f"{name} in zone {zone}",
        file,
        _with(file, name, stamps.cast(pa.timestamp("us", zone))),
        loads_or_fails(file.rows),
    )


def other_type_no_meaning(rng: Random, file: TlcFile) -> Mutation:
    """A number's or time's column in a type that cannot mean one."""
    name, column = _pick(rng, file, ColumnType.INTEGER, ColumnType.DOUBLE, ColumnType.TIMESTAMP)
    count = file.table.num_rows
    made: list[Callable[[], pa.Array]] = [
        lambda: pa.array([[1, 2]] * count, pa.list_(pa.int32())),
        lambda: pa.array([[]] * count, pa.list_(pa.int32())),
        lambda: pa.array([{"a": 1}] * count),
        lambda: pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int32())),
        lambda: pa.array([b"\xff\x00"] * count, pa.binary()),
        lambda: pa.array(["many"] * count, pa.string()),
        lambda: pa.array([1 << 63] * count, pa.uint64()),
        lambda: pa.array([timedelta(1)] * count, pa.duration("us")),
        lambda: pa.array([10] * count, pa.time64("us")),
    ]
    array = rng.choice(made)()
    # An interval or an enormous number has a value as a number; only numbers and times that do not are sure to fail.
    is_number = column.type is ColumnType.DOUBLE and pa.types.is_uint64(array.type)
    is_interval = pa.types.is_duration(array.type) or pa.types.is_time(array.type)
    expected = LOADS_OR_FAILS if is_number or is_interval else FAILS
    return _mutation(f"{name} as {array.type}", file, _with(file, name, array), expected)


def fraction_or_too_large(rng: Random, file: TlcFile) -> Mutation:
    """A value that no integer of 32 bits is, in an integer's column of any type."""
    name, _ = _pick(rng, file, ColumnType.INTEGER)
    type_, value = rng.choice(
        [
            (pa.float64(), 1.5), (pa.float32(), 0.25), (pa.decimal128(5, 1), Decimal("1.5")), (pa.string(), "1.5"),
            (pa.string(), "1e400"), (pa.int64(), 1 << 40), (pa.uint64(), (1 << 64) - 1), (pa.float64(), 1e300),
            (pa.float64(), 2147483648.0), (pa.decimal128(38, 0), Decimal(10**30)), (pa.string(), "1,5"),
            (pa.float64(), -0.5), (pa.string(), "0.999999999999999999999"), (pa.string(), " many"),
            (pa.decimal128(38, 20), Decimal("0.00000000000000000001")), (pa.large_string(), "2147483648"),
        ]
    )  # fmt: skip
    values: list[Any] = [1] * file.table.num_rows
    kind: Callable[[Any], Any] = (
        str if type_ in (pa.string(), pa.large_string()) else Decimal if pa.types.is_decimal(type_) else type(value)
    )
    values = [kind(each) for each in values]
    values[rng.randrange(len(values))] = value
    return _mutation(f"{value!r} in {name} as {type_}", file, _with(file, name, pa.array(values, type_)), FAILS)


def no_number(rng: Random, file: TlcFile) -> Mutation:
    """NaN and infinities, which pandas leaves where nothing is known."""
    name, column = _pick(rng, file, ColumnType.DOUBLE, ColumnType.INTEGER)
    values = list(file.rows[column.name])
    published: list[Any] = [None if value is None else float(value) for value in values]  # type: ignore[arg-type]
    type_ = rng.choice([pa.float64(), pa.float32(), pa.string()])
    place, value = rng.randrange(len(values)), rng.choice(["nan", "inf", "-inf", "-nan"])
    published[place] = float(value)
    if type_ == pa.string():
        published = [None if each is None else str(each) for each in published]
        published[place] = value
    array = pa.array(published, type_)
    rows = [None if each is None else float(each) for each in array.to_pylist()]
    rows[place] = None
    expected = loads_or_fails(_rows(file, column, rows))
    return _mutation(f"{value} in {name} as {type_}", file, _with(file, name, array), expected)


def nulls(rng: Random, file: TlcFile) -> Mutation:
    """A column of nulls, typed or not."""
    name, column = _pick(rng, file)
    type_ = rng.choice([pa.null(), file.table.schema.field(name).type, pa.string(), pa.list_(pa.int32())])
    count = file.table.num_rows
    rows = _rows(file, column, [None] * count)
    expected = loads_or_fails(rows) if pa.types.is_list(type_) else loads(rows)
    return _mutation(f"{name} all null as {type_}", file, _with(file, name, pa.nulls(count, type_)), expected)


def dropped(rng: Random, file: TlcFile) -> Mutation:
    """A file without one of its columns."""
    name, column = _pick(rng, file)
    is_required = column.required
    rows = _rows(file, column, [None] * file.table.num_rows)
    # Of 2009 and 2010 not everything is required.
    former = file.partition.feed.former_schema
    unsure = bool(former and file.partition.period.first_day < former.until)
    expected = loads_or_fails(rows) if unsure else FAILS if is_required else loads(rows)
    return _mutation(f"without {name}", file, file.table.drop_columns([name]), expected)


def respelled(rng: Random, file: TlcFile) -> Mutation:
    """Names in other capitals, without underscores, in another order."""
    table = file.table.select(rng.sample(file.table.column_names, file.table.num_columns))
    names = [rng.choice([name.upper(), name.lower(), name.replace("_", "")]) for name in table.column_names]
    return _mutation("other capitals and order", file, table.rename_columns(names), loads(file.rows))


def twice(rng: Random, file: TlcFile) -> Mutation:
    """A declared column that is there twice, perhaps in other capitals."""
    name, _ = _pick(rng, file)
    spelled = rng.choice([name, name.upper(), name.lower(), name.replace("_", ""), f"{name}_"])
    values = pa.array(list(reversed(file.table.column(name).to_pylist())), file.table.schema.field(name).type)
    return _mutation(f"{name} and {spelled}", file, file.table.append_column(spelled, values), FAILS)


def new_column(rng: Random, file: TlcFile) -> Mutation:
    """A column never seen before: of any type, with any name."""
    count = file.table.num_rows
    values, is_sure = rng.choice(
        [
            (pa.array([{"a": 1, "b": [1, 2]}] * count), True),
            (pa.array([[1, 2], None] * count)[:count], True),
            (pa.array([(1 << 64) - 1] * count, pa.uint64()), True),
            (pa.array([Decimal("1.25")] * count), True),
            (pa.array([Decimal(10**40)] * count, pa.decimal256(60, 0)), False),
            (pa.array([b"\x00\xff"] * count), True),
            (pa.array([True, None] * count)[:count], True),
            (pa.array(["x"] * count).dictionary_encode(), True),
            (pa.array([5] * count, pa.time64("us")), True),
            (pa.array([5] * count, pa.date32()), True),
            (pa.array([timedelta(1)] * count), False),
            (pa.array([0] * count, pa.timestamp("us", "UTC")), True),
            (pa.array([0] * count, pa.timestamp("ns")), True),
            (pa.array([[("a", [1])]] * count, pa.map_(pa.string(), pa.list_(pa.int64()))), True),
            (pa.array([float("nan")] * count), True),
            (pa.nulls(count), True),
            (pa.array(["x" * 100_000] * count), True),
        ]
    )
    name = rng.choice(["never_seen", *SQL_WORDS])
    expected = loads(file.rows) if is_sure else loads_or_fails(file.rows)
    return _mutation(f"new column {name} as {values.type}", file, file.table.append_column(name, values), expected)


def odd_name(rng: Random, file: TlcFile) -> Mutation:
    """A column never seen before, named like one of ours or like nothing."""
    name = rng.choice([*NAMES_OF_OURS, *ODD_NAMES])
    values = pa.array(range(1000, 1000 + file.table.num_rows))
    position = rng.choice([0, file.table.num_columns])
    table = file.table.add_column(position, name, values)
    return _mutation(f"new column {name[:80]!r}", file, table, loads_or_fails(file.rows))


def many_columns(rng: Random, file: TlcFile) -> Mutation:
    """More columns than anybody publishes."""
    count = rng.choice([100, 300, 3000])
    arrays = [*file.table.columns, *[pa.array([1] * file.table.num_rows)] * count]
    names = [*file.table.column_names, *(f"extra_{number}" for number in range(count))]
    return _mutation(f"{count} new columns", file, pa.Table.from_arrays(arrays, names), loads_or_fails(file.rows))


def other_layout(rng: Random, file: TlcFile) -> Mutation:
    """The same rows, written with other options."""
    options: dict[str, Any] = {
        "compression": rng.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
        "row_group_size": rng.choice([7, 50, 1000]),
        "data_page_version": rng.choice(["1.0", "2.0"]),
        "use_dictionary": rng.random() < 0.5,
        "write_statistics": rng.random() < 0.5,
        "version": rng.choice(["1.0", "2.4", "2.6"]),
        "use_deprecated_int96_timestamps": rng.random() < 0.3,
    }
    return _mutation(f"written with {options}", file, parquet_bytes(file.table, **options), loads(file.rows))


def no_rows(_: Random, file: TlcFile) -> Mutation:
    """A file of columns alone."""
    return _mutation("no rows", file, file.table.slice(0, 0), FAILS)


def other_feed(rng: Random, file: TlcFile) -> Mutation:
    """Another feed's file under this one's name."""
    other = "fhv" if file.partition.feed.name != "fhv" else "green"
    return _mutation(f"the file of {other}", file, good_file(partition_of(other, 2025, 5), rng).body, FAILS)


def cut(rng: Random, file: TlcFile) -> Mutation:
    """A file without its end."""
    return _mutation("cut", file, truncated(rng, file.body), FAILS)


def noise(rng: Random, file: TlcFile) -> Mutation:
    """Other bytes somewhere in the file, or in its footer alone."""
    body = file.body
    (footer,) = struct.unpack("<I", body[-8:-4])
    first = rng.choice([0, len(body) - 8 - footer])
    return _mutation(f"other bytes from {first} on", file, flipped(rng, body, first), LOADS_OR_FAILS)


def wrong_footer_length(rng: Random, file: TlcFile) -> Mutation:
    """A footer that says it is longer or shorter than it is."""
    length = rng.choice([0, 1, 10, len(file.body), (1 << 31) - 1, (1 << 32) - 1])
    return _mutation(f"footer of {length}", file, file.body[:-8] + struct.pack("<I", length) + b"PAR1", FAILS)


def no_file(rng: Random, file: TlcFile) -> Mutation:
    """Something that is no Parquet."""
    what, body = garbage(rng)
    return _mutation(what, file, body, FAILS)


MUTATIONS: list[Callable[[Random, TlcFile], Mutation]] = [
    other_type_same_values, other_type_same_values, zoned_times, other_type_no_meaning, fraction_or_too_large,
    no_number, nulls, dropped, respelled, twice, new_column, new_column, odd_name, many_columns,
    other_layout, no_rows, other_feed, cut, noise, noise, wrong_footer_length, no_file,
]  # fmt: skip
