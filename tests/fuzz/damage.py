"""Damage to bytes, whatever they mean."""

from random import Random


def truncated(rng: Random, body: bytes) -> bytes:
    """The body without its end."""
    return body[: rng.randrange(len(body))]


def flipped(rng: Random, body: bytes, first: int = 0, last: int | None = None) -> bytes:
    """The body with some other bytes between two positions."""
    damaged = bytearray(body)
    last = len(body) if last is None else last
    for _ in range(rng.choice([1, 1, 3, 20])):
        damaged[rng.randrange(first, last)] ^= rng.randint(1, 255)
    return bytes(damaged)


def garbage(rng: Random) -> tuple[str, bytes]:
    """A body that is no file of any kind, and what it is."""
    return rng.choice(
        [
            ("nothing", b""),
            ("one byte", b"\x00"),
            ("noise", rng.randbytes(rng.randint(1, 5000))),
            ("a page", b"<!DOCTYPE html><html><body>We will be back soon.</body></html>"),
            ("magic alone", b"PAR1PAR1"),
            ("magic around noise", b"PAR1" + rng.randbytes(500) + b"PAR1"),
            ("a zip's beginning", b"PK\x03\x04" + rng.randbytes(200)),
            ("an empty zip", b"PK\x05\x06" + bytes(18)),
            ("gzip", b"\x1f\x8b\x08\x00" + rng.randbytes(100)),
            ("JSON", b'{"error": true, "reason": "over quota"}'),
            ("XML", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
            ("blanks", b" \n" * 50),
        ]
    )
