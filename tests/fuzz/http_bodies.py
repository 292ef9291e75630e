"""Bodies that are sent in another way than they say, or not to their end; and how answers are mutated."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from random import Random

from tests.fuzz.cases import FAILS, Expected, Mutation, loads, loads_or_fails
from tests.fuzz.good import GoodFile, of_size
from tests.fuzz.publisher import Answer, Exchange, Step, etag, head, whole

Headers = Mapping[str, str | int]


def sends(content: bytes, *, resets: bool = False) -> Step:
    """Sends bytes as they are, then says goodbye or not even that."""

    def step(exchange: Exchange) -> None:
        exchange.send(content)
        if resets:
            exchange.reset()

    return step


def good_step(file: GoodFile) -> Step:
    return whole(file.body, {"ETag": etag(file.body)})


def mutation(what: str, steps: Step | list[Step], expected: Expected, *, is_of_time: bool = False) -> Mutation:
    return Mutation(what, Answer(tuple(steps) if isinstance(steps, list) else (steps,)), expected, is_of_time)


def length(rng: Random, file: GoodFile) -> Mutation:
    """A length that is not the body's, or no length."""
    body = file.body
    said = rng.choice(
        [len(body) + 1, len(body) + 10_000, len(body) - 1, 0, 1, -1, "abc", "", 10**18, 10**30, "1e3",
         f"{len(body)}, {len(body)}",
         f"{len(body)}, 5", f"+{len(body)}", f" {len(body)} ", hex(len(body)), f"{len(body)}.0", "²"]
    )  # fmt: skip
    marks: Headers = rng.choice([{}, {"ETag": '"one"'}, {"Last-Modified": "Tue, 01 Jul 2025 12:00:00 GMT"}])
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**marks, "Content-Length": said}.items())
    content = f"HTTP/1.1 200 OK\r\n{lines}Connection: close\r\n\r\n".encode() + body
    is_shorter = said in (len(body) - 1, 0, 1)
    is_longer = said in (len(body) + 1, len(body) + 10_000)
    expected = FAILS if is_shorter or is_longer else loads_or_fails(file.rows)
    # The end of line at the end of a file is the one byte that no reader misses; neither format here has one.
    return mutation(f"Content-Length {said!r} of {len(body)}", sends(content), expected)


def breaks_off(rng: Random, file: GoodFile) -> Mutation:
    """A connection that ends before the answer does, once or always."""
    body = file.body
    content = head("200 OK", {"Content-Length": len(body), "ETag": etag(body)}) + body
    sent = rng.choice([0, 5, 20, len(content) - len(body), rng.randrange(len(content)), len(content) - 1])
    step = sends(content[:sent], resets=rng.random() < 0.5)
    passes = rng.random() < 0.5
    steps = [step, good_step(file)] if passes else [step]
    return mutation(f"{sent} of {len(content)} bytes, {'once' if passes else 'always'}", steps,
                     loads(file.rows) if passes else FAILS)  # fmt: skip


_RESTS = ["right", "right, of unknown length", "from the start", "a byte later", "of another file", "longer",
          "a byte short", "unsaid", "words", "negative", "huge", "nothing", "of items"]  # fmt: skip


def resumed(rng: Random, file: GoodFile) -> Mutation:
    """A body that breaks off, and a rest that is of another file, another place, or none."""
    body, rows = of_size(file, 300_000)
    mark, end = etag(body), len(body)
    first = sends(head("200 OK", {"Content-Length": end, "ETag": mark}) + body[: rng.randrange(end // 2, end)])
    what = rng.choice(_RESTS)

    def second(exchange: Exchange) -> None:
        # Asked for is what has not come, which only the client knows.
        place = int(exchange.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        rest, span, rest_mark = _rest(what, body, place)
        headers: Headers = {"Content-Length": len(rest), "Content-Range": span, "ETag": rest_mark or mark}
        exchange.send(head("206 Partial Content", headers) + rest)

    steps = [first, second, whole(body, {"ETag": mark})]
    return mutation(f"the rest is {what}", steps, (loads if what == "right" else loads_or_fails)(rows))


def _rest(what: str, body: bytes, place: int) -> tuple[bytes, str, str]:
    """The body of an answer with a rest, what it says of its place, and its ETag if that is another one."""
    rest, end = body[place:], len(body)
    right = f"bytes {place}-{end - 1}/{end}"
    return {
        "right": (rest, right, ""),
        "right, of unknown length": (rest, f"bytes {place}-{end - 1}/*", ""),
        "from the start": (body, f"bytes 0-{end - 1}/{end}", ""),
        "a byte later": (rest[1:], f"bytes {place + 1}-{end - 1}/{end}", ""),
        "of another file": (bytes(len(rest)), right, '"other"'),
        "longer": (rest + b"more", f"bytes {place}-{end + 3}/{end + 4}", ""),
        "a byte short": (rest[:-1], f"bytes {place}-{end - 2}/{end}", ""),
        "unsaid": (rest, "", ""),
        "words": (rest, "bytes abc", ""),
        "negative": (rest, f"bytes -{place}/{end}", ""),
        "huge": (rest, f"bytes {place}-{10**30}/{10**31}", ""),
        "nothing": (b"", f"bytes {place}-{place}/{end}", ""),
        "of items": (rest, f"items {place}-{end - 1}/{end}", ""),
    }[what]


def chunked(rng: Random, file: GoodFile) -> Mutation:
    """Chunks, whole or broken."""
    body = file.body
    half = len(body) // 2

    def chunk(content: bytes, size: str | None = None) -> bytes:
        return (f"{len(content):x}" if size is None else size).encode() + b"\r\n" + content + b"\r\n"

    whole_ = chunk(body[:half]) + chunk(body[half:]) + b"0\r\n\r\n"
    what, content, is_whole = rng.choice(
        [
            ("whole", whole_, True),
            ("with extensions", chunk(body, f"{len(body):x};a=b") + b"0\r\nX: y\r\n\r\n", True),
            ("no end", chunk(body[:half]) + chunk(body[half:]), None),
            ("half", chunk(body[:half]), False),
            ("half with an end", chunk(body[:half]) + b"0\r\n\r\n", False),
            ("words for a size", chunk(body, "many"), False),
            ("negative size", chunk(body, "-5"), False),
            ("huge size", chunk(body, "f" * 30), False),
            ("size too small", chunk(body, "5"), False),
            ("no size", chunk(body, ""), False),
            ("nothing", b"", False),
            ("long size line", b"0" * 70_000 + whole_, None),
        ]
    )
    headers = {"Transfer-Encoding": "chunked", "ETag": etag(body)}
    expected = loads(file.rows) if is_whole else FAILS if is_whole is False else loads_or_fails(file.rows)
    return mutation(f"chunks: {what}", sends(head("200 OK", headers) + content), expected)


def compressed(rng: Random, file: GoodFile) -> Mutation:
    """Answers that are compressed, or say they are; nobody asked for that."""
    body = file.body
    name, content, is_right = rng.choice(
        [
            ("gzip", gzip.compress(body), True), ("deflate", zlib.compress(body), True), ("gzip", body, False),
            ("deflate", body, False), ("gzip", gzip.compress(body)[:-20], False), ("br", body, None),
            ("zstd", body, None),
            ("x-unknown", body, None), ("gzip, gzip", gzip.compress(gzip.compress(body)), None),
            ("identity", body, True),
            ("gzip", gzip.compress(bytes(30_000_000)), False), ("gzip", b"", False), (", ".join(["gzip"] * 50),
            body, None),
        ]
    )  # fmt: skip
    headers: Headers = {"Content-Encoding": name, "Content-Length": len(content), "ETag": etag(body)}
    expected = FAILS if is_right is False else loads_or_fails(file.rows)
    return mutation(
        f"Content-Encoding {name[:30]} of {len(content)} bytes", sends(head("200 OK", headers) + content), expected
    )


MUTATIONS: list[Callable[[Random, GoodFile], Mutation]] = [
    length, length, breaks_off, breaks_off, resumed, resumed, chunked, compressed,
]  # fmt: skip
