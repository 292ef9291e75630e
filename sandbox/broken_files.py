"""Copies of a published file with something wrong in them."""

import csv
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.catalog import FEEDS
from ingestion.feeds import ColumnType
from sandbox.faults import Fault

EXTRA_COLUMN = "never_seen_before"
CLIMBING_NAME = "../../evil.csv"
BOMB_BYTES = 3 << 30

HTML = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>We will be back soon.</body></html>\n"

_BLOCK_BYTES = 1 << 20


def write_broken_file(feed: str, whole: Path, path: Path, fault: Fault) -> None:
    """Write a copy of a month's whole file, with the fault."""
    match fault:
        case Fault.HTML:
            path.write_bytes(HTML)
        case Fault.TRUNCATED:
            content = whole.read_bytes()
            path.write_bytes(content[: len(content) // 2])
        case Fault.EMPTY_ZIP:
            ZipFile(path, "w").close()
        case Fault.ENCRYPTED_ZIP | Fault.CORRUPT_ZIP:
            path.write_bytes(_damaged_zip(whole.read_bytes(), fault))
        case Fault.ZIP_BOMB:
            _write_bomb(path, whole.name.partition(".")[0] + ".csv")
        case _ if FEEDS[feed].publisher.name == "tlc":
            pq.write_table(_broken_table(feed, pq.read_table(whole), fault), path)
        case _:
            _write_broken_zip(whole, path, fault)


def _damaged_zip(content: bytes, fault: Fault) -> bytes:
    """A zip whose first entry is flagged as encrypted (in both of its headers), or has other bytes in its middle."""
    damaged = bytearray(content)
    if fault is Fault.ENCRYPTED_ZIP:
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            damaged[content.index(signature) + flags] |= 1
    else:
        with ZipFile(io.BytesIO(content)) as archive:
            first = archive.infolist()[0]
        middle = first.header_offset + first.compress_size // 2
        damaged[middle : middle + 8] = bytes(byte ^ 0xFF for byte in damaged[middle : middle + 8])
    return bytes(damaged)


def _broken_table(feed: str, table: pa.Table, fault: Fault) -> pa.Table:
    types: tuple[ColumnType, ...] = (ColumnType.DOUBLE, ColumnType.INTEGER)
    if fault is Fault.FRACTIONS:
        types = (ColumnType.INTEGER,)
    elif fault is Fault.NOT_FINITE and any(column.type is ColumnType.DOUBLE for column in FEEDS[feed].columns):
        types = (ColumnType.DOUBLE,)
    name = _number_column(feed, table, types)
    position = table.column_names.index(name)
    match fault:
        case Fault.WRONG_TYPES:
            values = table.column(name).cast(pa.string()).to_pylist()
            values[len(values) // 2] = "many"
            return table.set_column(position, name, pa.array(values, pa.string()))
        case Fault.FRACTIONS:
            values = table.column(name).cast(pa.float64()).to_pylist()
            values[len(values) // 2] = 1.5
            return table.set_column(position, name, pa.array(values).cast(pa.decimal128(12, 1)))
        case Fault.NOT_FINITE:
            values = table.column(name).to_pylist()
            values[:2] = [float("nan"), float("inf")]
            return table.set_column(position, name, pa.array(values, pa.float64()))
        case Fault.MISSING_COLUMN:
            return table.rename_columns({name: f"{name}_renamed"})
        case Fault.EXTRA_COLUMN:
            return table.append_column(EXTRA_COLUMN, pa.array(range(table.num_rows), pa.int32()))
        case Fault.NO_ROWS:
            return table.slice(0, 0)
    raise ValueError(f"a Parquet file has no fault {fault}")


def _number_column(feed: str, table: pa.Table, types: tuple[ColumnType, ...]) -> str:
    """The published name of the feed's last required number of these types."""
    required = [column.name for column in FEEDS[feed].columns if column.required and column.type in types]
    published = {name.replace("_", "").lower(): name for name in table.column_names}
    return str(published[required[-1].replace("_", "")])


def _write_broken_zip(whole: Path | IO[bytes], path: Path | IO[bytes], fault: Fault) -> None:
    with ZipFile(whole) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for number, name in enumerate(source.namelist()):
            is_mac_entry = name.startswith("__MACOSX/")
            if fault is Fault.MAC_ENTRIES_ONLY and not is_mac_entry:
                continue
            content = source.read(name)
            if name.endswith(".zip") and not is_mac_entry:
                inner = io.BytesIO()
                _write_broken_zip(io.BytesIO(content), inner, fault)
                content = inner.getvalue()
            elif number == 0 and fault is Fault.CLIMBING_PATH:
                name = CLIMBING_NAME
            elif name.endswith(".csv") and not is_mac_entry:
                content = _broken_csv(content, fault)
            with target.open(name, "w") as member:
                member.write(content)


def _broken_csv(content: bytes, fault: Fault) -> bytes:
    lines = content.splitlines(keepends=True)
    match fault:
        case Fault.WRONG_TYPES:
            middle = len(lines) // 2
            lines[middle] = _with_start_in_words(lines[middle])
        case Fault.MISSING_COLUMN:
            lines[0] = lines[0].replace(b"started_at", b"started_at_renamed").replace(b"starttime", b"begun")
        case Fault.EXTRA_COLUMN:
            added = [f',"{EXTRA_COLUMN}"', *(f',"{number}"' for number in range(1, len(lines)))]
            lines = [
                line.removesuffix(b"\r\n") + more.encode() + b"\r\n" for line, more in zip(lines, added, strict=True)
            ]
        case Fault.NO_ROWS:
            del lines[1:]
    return b"".join(lines)


def _with_start_in_words(line: bytes) -> bytes:
    """A trip's line whose start is no time; every format has it before a time of the trip's end."""
    (values,) = csv.reader([line.decode()])
    start = next(number for number, value in enumerate(values) if value[:2] == "20" and ":" in value)
    values[start] = "yesterday at noon"
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue().encode()


def _write_bomb(path: Path, name: str) -> None:
    """Write a zip that unpacks to a thousand times its size.

    Put together by hand, for compressing three gigabytes takes long: a block that ends in a full flush
    can be repeated as it is.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(_BLOCK_BYTES)
    block = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
    count = BOMB_BYTES // _BLOCK_BYTES
    data = block * count + compressor.flush()
    crc = 0
    for _ in range(count):
        crc = zlib.crc32(zeros, crc)
    path.write_bytes(b"".join(_one_entry_zip(name.encode(), data, crc, BOMB_BYTES)))


def _one_entry_zip(name: bytes, data: bytes, crc: int, size: int) -> Iterator[bytes]:
    """A zip of one deflated entry (PKWARE's application note, 4.3)."""
    # version needed, flags, method, time, date, checksum, sizes, length of the name and of the extra field
    about = struct.pack("<HHHHHLLLHH", 20, 0, ZIP_DEFLATED, 0, 0x21, crc, len(data), size, len(name), 0)
    local = b"PK\x03\x04" + about + name
    central = b"PK\x01\x02" + struct.pack("<H", 20) + about + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + name
    yield local
    yield data
    yield central
    yield b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local) + len(data), 0)
