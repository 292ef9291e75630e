"""Answers that are no good HTTP, or say something else than 200; the files behind them are good."""

from collections.abc import Callable
from random import Random

from ingestion.pipeline import Status
from tests.fuzz import http_bodies
from tests.fuzz.cases import FAILS, NOT_PUBLISHED, Expected, Mutation, loads, loads_or_fails
from tests.fuzz.good import GoodFile
from tests.fuzz.http_bodies import Headers, good_step, mutation, sends
from tests.fuzz.publisher import Exchange, etag, head, whole

_NOT_200 = (201, 202, 203, 206, 207, 226, 600, 999)


def refused(rng: Random, file: GoodFile) -> Mutation:
    """The publisher has no such file."""
    status = rng.choice(["403 Forbidden", "404 Not Found"])
    body = rng.choice([b"", b"<Error/>", b"no", b"\xff\xfe", b"[" * 100_000, b'{"reason": "out of quota"}'])
    return mutation(f"{status} {body[:20]!r}", sends(head(status, {"Content-Length": len(body)}) + body), NOT_PUBLISHED)


def status(rng: Random, file: GoodFile) -> Mutation:
    """Statuses that are no answer to the question, with bodies that say anything."""
    code = rng.choice(
        [*range(400, 403), *range(405, 419), 421, 422, 429, 431, 451, 499, *range(500, 509), 520, 599, *_NOT_200]
    )
    body = rng.choice(
        [b"", b"over quota", b"<html><h1>No</h1></html>", b"[" * 100_000, b'{"reason":' * 50_000,
         b'{"reason": {"a": [1]}}',
         b'{"reason": null}', b'{"error": true, "reason": "over quota"}', b"\xff\xfe\x00", b"x" * 100_000,
         b"[red]bold[/red] %s {0}",
         b"\x1b[31mred", '{"reason": "größer"}'.encode("latin-1"),
         file.body, b"null", b"1" * 5000, b'{"reason": "' + b"y" * 5000 + b'"}']
    )  # fmt: skip
    expected = loads_or_fails(file.rows) if code in (200, 203) else FAILS
    content = head(f"{code} Whatever", {"Content-Length": len(body)}) + body
    return mutation(f"{code} {body[:30]!r}", sends(content), expected)


def empty_status(rng: Random, file: GoodFile) -> Mutation:
    """Statuses that have no body, unasked."""
    code = rng.choice(
        ["204 No Content", "205 Reset Content", "304 Not Modified", "100 Continue", "101 Switching Protocols"]
    )
    statuses = frozenset({Status.FAILED, Status.UNCHANGED}) if code.startswith("304") else frozenset({Status.FAILED})
    return mutation(code, sends(head(code)), Expected(statuses))


def retry_after(rng: Random, file: GoodFile) -> Mutation:
    """Requests to wait that are odd, or take for ever; one that passes."""
    value = rng.choice(
        ["-1", "abc", "1e9", "9" * 500, "99999999999999999999", "0", "", " ", "nan", "0.05",
         "٣".encode().decode("latin-1"), "²",
         "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 0001 23:59:59 GMT", "Wed, 99 Foo 2025 99:99:99 GMT", "1, 2",
         "1;2",
         "Wed, 21 Oct 2015 07:28:00 GMT", "Sat, 01 Jan 99999 00:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 +9999",
         "Thu, 01 Jan 1970 00:00:00 -0000", "2025-01-01", "1\t", "0" * 1000, "infinity"]
    )  # fmt: skip
    code = rng.choice(["429 Too Many Requests", "503 Slow Down"])
    no = sends(
        head(code, {"Content-Length": 0}).replace(
            b"Connection", f"Retry-After: {value}\r\nConnection".encode("latin-1")
        )
    )
    passes = rng.random() < 0.3
    steps = [no, good_step(file)] if passes else [no]
    return mutation(f"{code}, Retry-After {value[:40]!r}", steps, loads_or_fails(file.rows) if passes else FAILS)


def redirect(rng: Random, file: GoodFile) -> Mutation:
    """Redirects to nowhere, to other schemes, to what is no address, in a circle."""
    place = rng.choice(
        ["", " ", "http://", "https://", "http://[bad", "http://[::1", "http://127.0.0.1:1/x",
         "http://127.0.0.1:99999/x", "file:///etc/passwd",
         "ftp://127.0.0.1/x", "data:,x", "javascript:1", "//", "///", "http:///x", "http://:80", "?", "#x",
         "http://127.0.0.1:abc/", "\\\\x",
         "http://" + "a" * 300 + ".invalid/", "http://..", "http://xn--\xff", "mailto:x@y",
         "http://user:secret@127.0.0.1:1/", "%", "http://%00/",
         "http://a b/", "x" * 20_000, "http://127.0.0.1:1/\x01", "http://\u202e/".encode().decode("latin-1"),
         "circle", "missing"]
    )  # fmt: skip
    code = rng.choice(
        [
            "301 Moved",
            "302 Found",
            "303 See Other",
            "307 Temporary",
            "308 Permanent",
            "300 Choices",
            "305 Proxy",
            "399 What",
        ]
    )

    def step(exchange: Exchange) -> None:
        location = f"{exchange.url}/tlc/fuzz-circle" if place == "circle" else place
        lines = f"HTTP/1.1 {code}\r\n" + ("" if place == "missing" else f"Location: {location}\r\n")
        exchange.send(f"{lines}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1"))

    # Below the same server there is nothing, which is said with 404.
    statuses = frozenset({Status.FAILED, Status.NOT_PUBLISHED})
    return mutation(f"{code} to {place[:60]!r}", step, Expected(statuses))


def odd_headers(rng: Random, file: GoodFile) -> Mutation:
    """Many headers, long ones, and marks that are none."""
    body = file.body
    name, value = rng.choice(
        [("ETag", ""), ("ETag", "W/"), ("ETag", '"' * 9), ("ETag", "x" * 60_000), ("ETag", "é"), ("ETag", "a\tb"),
         ("ETag", "'; drop"),
         ("Last-Modified", "yesterday"), ("Last-Modified", ""), ("Last-Modified", "x" * 5000),
         ("Content-Type", "text/html"),
         ("Content-Type", ""), ("X", "y" * 70_000), ("", "no name"), ("No colon at all", ""),
         ("Set-Cookie", "a=b; " * 1000),
         ("Content-Disposition", 'attachment; filename="../../x"'), ("Transfer-Encoding", "identity"),
         ("Content-Range", "bytes 0-1/2"),
         ("flood", "200"), ("flood", "5000"), ("\x00", "x"), ("Content-Length", "5"), ("Connection", "keep-alive"),
         ("Refresh", "0")]
    )  # fmt: skip
    lines = "".join(f"X-{number}: y\r\n" for number in range(int(value))) if name == "flood" else f"{name}: {value}\r\n"
    content = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    return mutation(f"{name!r}: {value[:30]!r}", sends(content), loads_or_fails(file.rows))


def no_http(rng: Random, file: GoodFile) -> Mutation:
    """Something that is no HTTP."""
    body = file.body
    content, is_answer = rng.choice(
        [
            (b"", False), (b"\r\n" * 100, False), (b"SSH-2.0-OpenSSH_9.6\r\n", False), (body, False),
            (b"\0" * 5000, False),
            (b"HTTP/9.9 200 OK\r\n\r\n" + body, None), (b"HTTP/1.1 200\r\n\r\n" + body, None),
            (b"HTTP/1.1 abc OK\r\n\r\n", False),
            (b"HTTP/1.1 -200 OK\r\n\r\n", False), (b"HTTP/1.1 99999 OK\r\n\r\n", False),
            (b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n", False),
            (b"HTTP/1.1 200 OK\n\n" + body, None), (b"HTTP/1.0 200 OK\r\n\r\n" + body, None),
            (b"ICY 200 OK\r\n\r\n" + body, None),
            (b"\x16\x03\x01\x02\x00\x01\x00", False), (b"HTTP/1.1 100 Continue\r\n\r\n" * 500, False),
            (b"HTTP/1.1 100 Continue\r\n\r\n" + head("200 OK", {"Content-Length": len(body)}) + body, None),
        ]
    )  # fmt: skip
    return mutation(f"{content[:30]!r}", sends(content), FAILS if is_answer is False else loads_or_fails(file.rows))


def hangs(rng: Random, file: GoodFile) -> Mutation:
    """Nothing for longer than anybody waits: before the answer, in its head, in its body; once or always."""
    body = file.body
    content = head("200 OK", {"Content-Length": len(body), "ETag": etag(body)}) + body
    sent = rng.choice([0, 10, len(content) - len(body), len(content) - len(body) // 2])

    def step(exchange: Exchange) -> None:
        exchange.send(content[:sent])
        exchange.closing.wait(3)

    passes = rng.random() < 0.5
    steps = [step, good_step(file)] if passes else [step]
    expected = loads(file.rows) if passes else FAILS
    return mutation(f"hangs after {sent} bytes", steps, expected, is_of_time=True)


def drips(rng: Random, file: GoodFile) -> Mutation:
    """A byte now and then: never silent for long, and never done."""
    body = file.body
    content = head("200 OK", {"Content-Length": len(body), "ETag": etag(body)}) + body
    quick = rng.choice([0, 30, len(content) // 2])

    def step(exchange: Exchange) -> None:
        exchange.send(content[:quick])
        for place in range(quick, min(len(content), quick + 600)):
            if exchange.closing.wait(0.1):
                break
            exchange.send(content[place : place + 1])

    return mutation(f"drips after {quick} bytes", step, FAILS, is_of_time=True)


def nothing(rng: Random, file: GoodFile) -> Mutation:
    """A page, or nothing, with status 200."""
    body = rng.choice([b"", b"<!DOCTYPE html><html></html>", b" ", b"null"])
    marks: Headers = rng.choice([{}, {"ETag": '"x"'}, {"Content-Type": "text/html"}])
    return mutation(f"200 with {body!r}", whole(body, marks), FAILS)


def good(rng: Random, file: GoodFile) -> Mutation:
    """An answer with nothing wrong, in pieces."""
    body, size = file.body, rng.choice([1000, 7000])

    def step(exchange: Exchange) -> None:
        exchange.send(head("200 OK", {"Content-Length": len(body)}))
        for place in range(0, len(body), size):
            exchange.send(body[place : place + size])

    return mutation(f"in pieces of {size}", step, loads(file.rows))


MUTATIONS: list[Callable[[Random, GoodFile], Mutation]] = [
    refused, status, status, status, empty_status, retry_after, retry_after, redirect, redirect, redirect,
    *http_bodies.MUTATIONS, odd_headers, odd_headers, no_http, hangs, drips,
    nothing, good,
]  # fmt: skip
