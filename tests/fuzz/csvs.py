"""CSVs with something wrong in them, in a zip that is whole."""

import csv
from collections.abc import Callable
from random import Random

from tests.fuzz import csv_values
from tests.fuzz.cases import FAILS, LOADS_OR_FAILS, Mutation, loads, loads_or_fails
from tests.fuzz.csv_values import TEXTS, mutation, place, whole, with_value
from tests.fuzz.damage import flipped
from tests.fuzz.good import BikeFile, csv_bytes, declared_column, zip_bytes
from tests.fuzz.names import NAMES_OF_OURS, ODD_NAMES, SQL_WORDS
from tests.fuzz.publisher import body_answer


def encoding(rng: Random, file: BikeFile) -> Mutation:
    """Other encodings than UTF-8; with the sign of one, they can be read, and else only by luck."""
    name = rng.choice(
        ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "gb18030"]
    )
    body = csv_bytes(whole(file)).decode().encode(name, errors="replace")
    expected = loads(file.rows) if name == "utf-8-sig" else loads_or_fails(file.rows)
    # What an 8-bit encoding cannot write is a question mark by now.
    is_lossy = name in ("latin-1", "cp1252", "cp037")
    return mutation(name, file, body, FAILS if is_lossy and "Añejo" in str(file.rows) else expected)


def invalid_utf8(rng: Random, file: BikeFile) -> Mutation:
    """Bytes that are no UTF-8, in the header or in a value."""
    body = csv_bytes(whole(file))
    place = rng.choice([rng.randrange(20), rng.randrange(len(body))])
    what = rng.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xe9"])
    return mutation(f"{what!r} at {place}", file, body[:place] + what + body[place:], FAILS)


def delimiter(rng: Random, file: BikeFile) -> Mutation:
    """Other signs than the comma."""
    sign = rng.choice([";", "\t", "|", ":", " ", "\x01"])
    return mutation(f"delimiter {sign!r}", file, csv_bytes(whole(file), comma=sign), loads_or_fails(file.rows))


def line_ends(rng: Random, file: BikeFile) -> Mutation:
    """Line ends of every kind, and of several in one file."""
    ends = rng.choice([("\n",), ("\r\n",), ("\r",), ("\n", "\r\n"), ("\r\n", "\r\n", "\n"), ("\n\n",), ("\r\r\n",)])
    body = b"".join(csv_bytes([line], end=rng.choice(ends)) for line in whole(file))
    if rng.random() < 0.3:
        body = body.rstrip(b"\r\n")
    is_sure = ends in (("\n",), ("\r\n",))
    return mutation(f"line ends {ends}", file, body, (loads if is_sure else loads_or_fails)(file.rows))


def quoted(rng: Random, file: BikeFile) -> Mutation:
    """Quotes around everything, or all but numbers."""
    style = rng.choice([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    end = rng.choice(["\n", "\r\n"])
    return mutation(f"quoting {style} {end!r}", file, csv_bytes(whole(file), quoting=style, end=end), loads(file.rows))


def header_twice(rng: Random, file: BikeFile) -> Mutation:
    """A column that is there twice, perhaps in other capitals."""
    name = rng.choice([name for name in file.header if declared_column(file.partition, name)])
    spelled = rng.choice([name, name.upper(), name.title(), name.replace("_", " "), f" {name}"])
    lines = [[*line, spelled if number == 0 else line[0]] for number, line in enumerate(whole(file))]
    return mutation(f"{name} and {spelled}", file, csv_bytes(lines), FAILS)


def header_lacks(rng: Random, file: BikeFile) -> Mutation:
    """A column that is gone, has no name, or another one."""
    position = rng.choice([place for place, name in enumerate(file.header) if declared_column(file.partition, name)])
    name = file.header[position]
    new = rng.choice(["", " ", f"{name}_renamed", "x" * 100, "gone"])
    lines = whole(file)
    if new == "gone":
        lines = [line[:position] + line[position + 1 :] for line in lines]
    else:
        lines[0][position] = new
    return mutation(f"{name} is {new[:20]!r}", file, csv_bytes(lines), FAILS)


def new_column(rng: Random, file: BikeFile) -> Mutation:
    """A column never seen before; its name may be a word of SQL, or none."""
    name = rng.choice(["never_seen", *SQL_WORDS])
    lines = [[*line, name if number == 0 else str(number)] for number, line in enumerate(whole(file))]
    end = rng.choice(["\n", "\r\n"])
    return mutation(f"new column {name}", file, csv_bytes(lines, end=end), loads(file.rows))


def odd_name(rng: Random, file: BikeFile) -> Mutation:
    """A column never seen before, named like one of ours, like nothing, or by a novel."""
    name = rng.choice([*NAMES_OF_OURS, *ODD_NAMES, "x" * 1_000_000, "a\n" * 1000])
    position = rng.choice([0, len(file.header)])
    lines = [
        [*line[:position], name if number == 0 else str(number), *line[position:]]
        for number, line in enumerate(whole(file))
    ]
    return mutation(f"new column {name[:80]!r}", file, csv_bytes(lines), loads_or_fails(file.rows))


def trailing_comma(rng: Random, file: BikeFile) -> Mutation:
    """A comma at the end of all lines, of the header, or of all but the header."""
    where = rng.choice(["all", "header", "lines"])
    lines = [
        [*line, ""] if where == "all" or (where == "header") == (number == 0) else line
        for number, line in enumerate(whole(file))
    ]
    return mutation(f"trailing comma: {where}", file, csv_bytes(lines), loads_or_fails(file.rows))


def many_columns(rng: Random, file: BikeFile) -> Mutation:
    """More columns than anybody publishes."""
    count = rng.choice([100, 300, 3000])
    lines = [
        [*line, *(f"extra_{place}" if number == 0 else "1" for place in range(count))]
        for number, line in enumerate(whole(file))
    ]
    return mutation(f"{count} new columns", file, csv_bytes(lines), loads_or_fails(file.rows))


def ragged(rng: Random, file: BikeFile) -> Mutation:
    """A line with more or fewer values than the header has names."""
    lines = whole(file)
    line = rng.choice(lines[1:])
    what = rng.choice(["one more", "many more", "one less", "one only", "nothing but commas"])
    match what:
        case "one more":
            line.append("x")
        case "many more":
            line.extend(["x"] * 50)
        case "one less":
            line.pop()
        case "one only":
            del line[1:]
        case "nothing but commas":
            line[:] = [""] * len(line)
    expected = LOADS_OR_FAILS if what == "nothing but commas" else FAILS
    return mutation(what, file, csv_bytes(lines), expected)


def open_quote(rng: Random, file: BikeFile) -> Mutation:
    """A quote that nobody closes: what follows is inside it."""
    line, position, _ = place(rng, file, TEXTS)
    lines = csv_bytes(whole(file)).split(b"\r\n")
    values = list(file.lines[line])
    values[position] = "@"
    written = csv_bytes([values], end="").replace(b"@", rng.choice([b'"Broadway', b'"a"b', b'"a""']))
    body = b"\r\n".join([*lines[: line + 1], written, *lines[line + 2 :]])
    return mutation(f"open quote in line {line + 2}", file, body, FAILS)


def blank_lines(rng: Random, file: BikeFile) -> Mutation:
    """Lines with nothing on them."""
    lines = csv_bytes(whole(file)).split(b"\r\n")
    place = rng.choice([0, 1, rng.randrange(len(lines)), len(lines)])
    lines[place:place] = [rng.choice([b"", b" ", b"\t"])] * rng.choice([1, 3])
    return mutation(f"blank lines at {place}", file, b"\r\n".join(lines), loads_or_fails(file.rows))


def nul_bytes(rng: Random, file: BikeFile) -> Mutation:
    """Zero bytes in a value, or for the rest of the file, as after a crash."""
    if rng.random() < 0.5:
        body, rows = with_value(rng, file, TEXTS, "a\0b", "a\0b")
        return mutation("a zero byte in a text", file, body, loads_or_fails(*rows))
    body = csv_bytes(whole(file))
    place = rng.randrange(len(body))
    return mutation(f"zero bytes from {place} on", file, body[:place] + bytes(len(body) - place), FAILS)


def no_rows(rng: Random, file: BikeFile) -> Mutation:
    """A header alone, or not even that."""
    header = csv_bytes([file.header])
    what = rng.choice([header, header.rstrip(), b"", b"\r\n", b"\xef\xbb\xbf", b"x", b"\0" * 1000, b'"', b","])
    return mutation(f"only {what[:20]!r}", file, what, FAILS)


def cut(rng: Random, file: BikeFile) -> Mutation:
    """A CSV that ends in the middle of a line."""
    body = csv_bytes(whole(file))
    lines = body[: rng.randrange(len(body) // 2, len(body))].rsplit(b"\r\n", 1)
    values = max(1, len(file.header) // 2)
    broken = b"\r\n".join([lines[0], b",".join([b"1"] * values)])
    return mutation("cut in a line", file, broken, FAILS)


def noise(rng: Random, file: BikeFile) -> Mutation:
    """Other bytes somewhere, with a zip's checksum that is right."""
    return mutation("other bytes", file, flipped(rng, csv_bytes(whole(file))), LOADS_OR_FAILS)


def other_order(rng: Random, file: BikeFile) -> Mutation:
    """Columns in another order, of which the second of two CSVs has yet another."""
    half = len(file.lines) // 2
    parts = []
    for number, lines in enumerate((file.lines[:half], file.lines[half:]), 1):
        order = rng.sample(range(len(file.header)), len(file.header))
        content = [[line[place] for place in order] for line in [file.header, *lines]]
        parts.append((file.csv_name(f"_{number}"), csv_bytes(content)))
    return Mutation("other orders", body_answer(file.partition, zip_bytes(parts)), loads(file.rows))


MUTATIONS: list[Callable[[Random, BikeFile], Mutation]] = [
    encoding, invalid_utf8, delimiter, line_ends, quoted, *csv_values.MUTATIONS,
    header_twice, header_lacks, new_column, odd_name, odd_name, trailing_comma, many_columns, ragged, open_quote,
    blank_lines, nul_bytes, no_rows, cut, noise, other_order,
]  # fmt: skip
