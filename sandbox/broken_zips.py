"""Copies of a zip of CSVs with something wrong in them."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from ingestion.feeds import Feed
from sandbox.broken_csvs import broken_csv
from sandbox.broken_files import FileFormat
from sandbox.faults import TABLE_FAULTS, Fault

# The entry that `Fault.CLIMBING_PATH` adds, and the size that `Fault.ZIP_BOMB` unpacks to.
CLIMBING_NAME = "../../evil.csv"
BOMB_BYTES = 3 << 30

_BLOCK_BYTES = 1 << 20
_ZIP_FAULTS = frozenset(
    {
        Fault.EMPTY_ZIP,
        Fault.ENCRYPTED_ZIP,
        Fault.CORRUPT_ZIP,
        Fault.MAC_ENTRIES_ONLY,
        Fault.ZIP_BOMB,
        Fault.CLIMBING_PATH,
    }
)


def _write_broken(feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    match fault:
        case Fault.EMPTY_ZIP:
            ZipFile(path, "w").close()
        case Fault.ENCRYPTED_ZIP | Fault.CORRUPT_ZIP:
            path.write_bytes(damaged_zip(whole.read_bytes(), fault))
        case Fault.ZIP_BOMB:
            _write_bomb(path, whole.name.partition(".")[0] + ".csv")
        case _:
            _write_with_broken_entries(feed, whole, path, fault)


ZIP_OF_CSVS = FileFormat(TABLE_FAULTS | _ZIP_FAULTS, _write_broken)


def _write_with_broken_entries(feed: Feed, whole: Path | IO[bytes], path: Path | IO[bytes], fault: Fault) -> None:
    """Break every CSV, or change which entries there are; a zip in the zip is treated the same."""
    with ZipFile(whole) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for number, name in enumerate(source.namelist()):
            is_mac_entry = name.startswith("__MACOSX/")
            if fault is Fault.MAC_ENTRIES_ONLY and not is_mac_entry:
                continue
            content = source.read(name)
            if name.endswith(".zip") and not is_mac_entry:
                inner = io.BytesIO()
                _write_with_broken_entries(feed, io.BytesIO(content), inner, fault)
                content = inner.getvalue()
            elif fault is Fault.CLIMBING_PATH:
                name = CLIMBING_NAME if number == 0 else name
            elif name.endswith(".csv") and not is_mac_entry and fault is not Fault.MAC_ENTRIES_ONLY:
                content = broken_csv(feed, content, fault)
            with target.open(name, "w") as member:
                member.write(content)


def damaged_zip(content: bytes, fault: Fault) -> bytes:
    """A zip whose first entry is flagged as encrypted (in both of its headers), or has wrong bytes in its middle."""
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


def _write_bomb(path: Path, name: str) -> None:
    """Write a zip that unpacks to a thousand times its size.

    It is assembled by hand, because to compress three gigabytes takes long. A block that ends in a full flush can be
    repeated as it is.
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
