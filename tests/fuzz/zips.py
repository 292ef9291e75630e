"""Zips with something wrong in them; the CSVs inside are good."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from tests.fuzz.cases import FAILS, Columns, Expected, Mutation, loads, loads_or_fails
from tests.fuzz.damage import flipped, garbage, truncated
from tests.fuzz.good import BikeFile, csv_bytes, parquet_bytes, zip_bytes
from tests.fuzz.publisher import body_answer

_MAC = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
_METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def _mutation(what: str, file: BikeFile, body: bytes, expected: Expected) -> Mutation:
    return Mutation(what, body_answer(file.partition, body), expected)


def _csv(file: BikeFile, first: int = 0, last: int | None = None) -> bytes:
    return csv_bytes([file.header, *file.lines[first:last]])


def _entries(file: BikeFile) -> list[tuple[str, bytes]]:
    """The month in two CSVs."""
    half = len(file.lines) // 2
    return [(file.csv_name("_1"), _csv(file, 0, half)), (file.csv_name("_2"), _csv(file, half))]


def _part(file: BikeFile, first: int, last: int | None) -> Columns:
    return {name: values[first:last] for name, values in file.rows.items()}


def methods(rng: Random, file: BikeFile) -> Mutation:
    """Every way of compression that Python's zipfile has."""
    method = rng.choice(_METHODS)
    return _mutation(f"method {method}", file, zip_bytes(_entries(file), method), loads(file.rows))


def unknown_method(rng: Random, file: BikeFile) -> Mutation:
    """A way of compression that nobody has, or that is not the one used."""
    body, method = bytearray(zip_bytes(_entries(file))), rng.choice([1, 6, 9, 12, 14, 93, 95, 99, 65535])
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = body.find(signature)
        body[place + offset : place + offset + 2] = struct.pack("<H", method)
    return _mutation(f"method said to be {method}", file, bytes(body), FAILS)


def encrypted(rng: Random, file: BikeFile) -> Mutation:
    """Entries that say they are encrypted."""
    body, bits = bytearray(zip_bytes(_entries(file))), rng.choice([0x01, 0x41, 0x2001])
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = body.find(signature)
        body[place + offset : place + offset + 2] = struct.pack("<H", bits)
    return _mutation(f"flags {bits:#x}", file, bytes(body), FAILS)


def noise_in_data(rng: Random, file: BikeFile) -> Mutation:
    """Other bytes in what is compressed: a checksum is wrong, or the stream is none."""
    body = zip_bytes(_entries(file), rng.choice(_METHODS))
    return _mutation(
        "other bytes in the data", file, flipped(rng, body, 60, body.find(b"PK\x01\x02")), loads_or_fails(file.rows)
    )


def noise_in_directory(rng: Random, file: BikeFile) -> Mutation:
    """Other bytes in the list of entries. A name that is no CSV's any more hides an entry."""
    body = zip_bytes(_entries(file))
    half = len(file.lines) // 2
    rows = (file.rows, _part(file, 0, half), _part(file, half, None))
    return _mutation(
        "other bytes in the directory", file, flipped(rng, body, body.find(b"PK\x01\x02")), loads_or_fails(*rows)
    )


def cut(rng: Random, file: BikeFile) -> Mutation:
    """A zip without its end."""
    return _mutation("cut", file, truncated(rng, zip_bytes(_entries(file))), FAILS)


def around(rng: Random, file: BikeFile) -> Mutation:
    """A zip with something before or after it, or a comment."""
    body, more = zip_bytes(_entries(file)), rng.randbytes(rng.randint(1, 300))
    what, changed = rng.choice(
        [("before", more + body), ("after", body + more), ("newline after", body + b"\n"), ("twice", body + body)]
    )
    return _mutation(f"bytes {what}", file, changed, loads_or_fails(file.rows))


def names(rng: Random, file: BikeFile) -> Mutation:
    """CSVs whose names would go elsewhere, or confuse who reads them."""
    stem = file.csv_name()
    name = rng.choice(
        [f"../../{stem}", f"/tmp/{stem}", f"C:\\x\\{stem}", f"a/b/c/{stem}", stem.upper(), f"it's {stem}", f"*?[{stem}",
         f"{{}}{stem}", f"\n{stem}", f"東京-{stem}", f"{stem}/{stem}", "x" * 300 + stem, f"./{stem}", "x.csv", ".csv",
         "'; --.csv",
         f"..\\..\\{stem}", f"{stem} .csv", "a" * 60_000 + ".csv"]
    )  # fmt: skip
    return _mutation(f"named {name[:60]!r}", file, zip_bytes([(name, _csv(file))]), loads_or_fails(file.rows))


def other_entries(rng: Random, file: BikeFile) -> Mutation:
    """Entries that are no trips beside those that are."""
    stem = file.csv_name()
    more = rng.sample(
        [("__MACOSX/", b""), (f"__MACOSX/._{stem}", _MAC), (f"._{stem}", _MAC), ("folder/", b""),
         (".DS_Store", b"\0" * 100),
         ("README.txt", b"hello"), ("folder/inner/", b""), (f"__MACOSX/folder/{stem}", b"\0")],
        rng.randint(1, 5),
    )  # fmt: skip
    entries = [*more, *_entries(file)]
    return _mutation(f"beside {[name for name, _ in more]}", file, zip_bytes(entries), loads(file.rows))


def bad_entry(rng: Random, file: BikeFile) -> Mutation:
    """A CSV beside good ones that is none: the month is not whole."""
    what, content = rng.choice(
        [("noise", rng.randbytes(500)), ("words", b"hello\r\nworld\r\n"), ("a page", b"<html></html>"),
         ("a zip", zip_bytes([])),
         ("nul", bytes(100)), ("other columns", b"a,b\r\n1,2\r\n")]
    )  # fmt: skip
    entries = [*_entries(file), (file.csv_name("_3"), content)]
    rng.shuffle(entries)
    return _mutation(f"a CSV of {what}", file, zip_bytes(entries), FAILS)


def empty_entry(_: Random, file: BikeFile) -> Mutation:
    """A CSV without a byte, or without a row, beside good ones."""
    entries = [*_entries(file), (file.csv_name("_3"), csv_bytes([file.header]))]
    return _mutation("a CSV without rows", file, zip_bytes(entries), loads(file.rows))


def nested(rng: Random, file: BikeFile) -> Mutation:
    """A zip in the zip, or in that one yet another."""
    depth = rng.choice([1, 2, 5, 50])
    body = zip_bytes(_entries(file))
    for _ in range(depth):
        body = zip_bytes([(file.csv_name().replace(".csv", ".zip"), body)])
    return _mutation(f"a zip in the zip, {depth} deep", file, body, loads_or_fails(file.rows))


def nested_damage(rng: Random, file: BikeFile) -> Mutation:
    """A zip in the zip that is none."""
    inner = rng.choice([garbage(rng)[1], truncated(rng, zip_bytes(_entries(file))), zip_bytes([])])
    return _mutation(
        "a bad zip in the zip", file, zip_bytes([(f"{file.partition.period.first_day:%Y%m}.zip", inner)]), FAILS
    )


def same_name(rng: Random, file: BikeFile) -> Mutation:
    """Two entries of one name: the same twice counts once, two different ones are both there or an error."""
    first, second = _entries(file)
    if rng.random() < 0.5:
        return _mutation("an entry twice", file, zip_bytes([first, second, first]), loads_or_fails(file.rows))
    entries = [first, (first[0], second[1])]
    return _mutation("two entries of one name", file, zip_bytes(entries), loads_or_fails(file.rows))


def many_entries(rng: Random, file: BikeFile) -> Mutation:
    """More entries than anybody packs: other ones, or all of them CSVs."""
    if rng.random() < 0.5:
        entries = [(f"readme-{number}.txt", b"x") for number in range(5000)] + _entries(file)
        return _mutation("5,000 other entries", file, zip_bytes(entries, zipfile.ZIP_STORED), loads_or_fails(file.rows))
    count = len(file.lines)
    entries = [(file.csv_name(f"_{number}"), _csv(file, number, number + 1)) for number in range(count)]
    return _mutation(f"{count} CSVs of a row", file, zip_bytes(entries), loads_or_fails(file.rows))


def claims(rng: Random, file: BikeFile) -> Mutation:
    """Sizes, checksums and places that are not those of the entries."""
    body = bytearray(zip_bytes(_entries(file)))
    directory = body.find(b"PK\x01\x02")
    field, offset, kind = rng.choice(
        [("checksum", 16, "<I"), ("packed size", 20, "<I"), ("size", 24, "<I"), ("place", 42, "<I")]
    )
    value = rng.choice([0, 1, 1000, 1 << 20, 1 << 31, (1 << 32) - 2, (1 << 32) - 1])
    body[directory + offset : directory + offset + 4] = struct.pack(kind, value)
    # A reader may go by what stands before the data instead.
    expected = FAILS if field in ("checksum", "size") else loads_or_fails(file.rows)
    return _mutation(f"{field} said to be {value}", file, bytes(body), expected)


def bomb(rng: Random, file: BikeFile) -> Mutation:
    """Zeros, or empty lines, that unpack to three hundred times their size."""
    block = rng.choice([bytes(1 << 20), b"\r\n" * (1 << 19)])
    written = io.BytesIO()
    with (
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(file.csv_name(), "w") as entry,
    ):
        for _ in range(150):
            entry.write(block)
    return _mutation("a bomb", file, written.getvalue(), FAILS)


def streamed(_: Random, file: BikeFile) -> Mutation:
    """A zip written to a pipe: sizes stand behind the data."""

    class Pipe(io.RawIOBase):
        written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.written += content
            return len(content)

    pipe = Pipe()
    pipe.written = bytearray()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries(file):
            archive.writestr(name, content)
    return _mutation("written to a pipe", file, bytes(pipe.written), loads(file.rows))


def zip64(_: Random, file: BikeFile) -> Mutation:
    """A zip in the format for large files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries(file):
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return _mutation("zip64", file, written.getvalue(), loads(file.rows))


def no_csv(rng: Random, file: BikeFile) -> Mutation:
    """A zip with everything but trips."""
    entries = rng.choice(
        [[], [("__MACOSX/._x.csv", _MAC)], [("trips.parquet", b"PAR1")], [("trips.txt", _csv(file))],
         [("trips.csv/", b"")],
         [(f"n{number}" * 50, b"") for number in range(200)]]
    )  # fmt: skip
    return _mutation(f"only {[name for name, _ in entries][:5]}"[:200], file, zip_bytes(entries), FAILS)


def no_file(rng: Random, file: BikeFile) -> Mutation:
    """Something that is no zip."""
    what, body = garbage(rng)
    return _mutation(what, file, body, FAILS)


def bare(rng: Random, file: BikeFile) -> Mutation:
    """The month, packed otherwise or not at all."""
    import gzip

    import pyarrow as pa

    what, body = rng.choice(
        [("a bare CSV", _csv(file)), ("gzip", gzip.compress(_csv(file))), ("zlib", zlib.compress(_csv(file))),
         ("Parquet", parquet_bytes(pa.table({"ride_id": ["x"]})))]
    )  # fmt: skip
    return _mutation(what, file, body, FAILS)


MUTATIONS: list[Callable[[Random, BikeFile], Mutation]] = [
    methods, unknown_method, encrypted, noise_in_data, noise_in_data, noise_in_directory, noise_in_directory, cut,
    around,
    names, names, other_entries, bad_entry, empty_entry, nested, nested_damage, same_name, many_entries, claims, claims,
    bomb, streamed, zip64, no_csv, no_file, bare,
]  # fmt: skip
