"""What can be wrong with what a publisher serves, and which months are broken how.

Broken bodies are made by `broken_files` and `broken_weather`; here it is decided what breaks and how
often. Everything wrong is answered over HTTP like everything right.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ingestion.catalog import FEEDS


class Fault(StrEnum):
    """One thing that is wrong with a month's file, or with the server when asked for it."""

    # the body
    TRUNCATED = "truncated"  # broken off, and the length given is that of what is left
    HTML = "html"  # a page instead of the file, with status 200
    EMPTY_ZIP = "empty-zip"
    ENCRYPTED_ZIP = "encrypted-zip"  # an entry is flagged as encrypted
    CORRUPT_ZIP = "corrupt-zip"  # some bytes of an entry are others; length and directory are whole
    MAC_ENTRIES_ONLY = "mac-entries-only"  # a zip of nothing but `__MACOSX`
    ZIP_BOMB = "zip-bomb"  # three megabytes that unpack to three gigabytes
    CLIMBING_PATH = "climbing-path"  # a zip entry that would be unpacked outside the folder
    WRONG_TYPES = "wrong-types"  # a value half-way down that its column's type cannot hold
    FRACTIONS = "fractions"  # an integer column comes as a decimal, with a fraction in it
    NOT_FINITE = "not-finite"  # NaN and infinity among the amounts: no error
    MISSING_COLUMN = "missing-column"  # a required column has another name
    EXTRA_COLUMN = "extra-column"  # a column never seen before: no error
    NO_ROWS = "no-rows"
    ERROR_STATUS = "error-status"  # the archive refuses the query, with a reason
    ERROR_BODY = "error-body"  # the same with status 200
    MISSING_HOURS = "missing-hours"
    NULL_HOURS = "null-hours"  # the hours are there, without a value of any variable
    WRONG_UNITS = "wrong-units"
    # the connection
    HANGS = "hangs"  # no answer until the publisher is closed
    STALLS = "stalls"  # half of the body, then nothing more until the publisher is closed
    BREAKS_OFF = "breaks-off"  # the connection is closed half-way through the file
    TOO_MANY_REQUESTS = "too-many-requests"  # 429 with Retry-After
    UNAVAILABLE = "unavailable"  # 503


CONNECTION_FAULTS = frozenset({Fault.HANGS, Fault.STALLS, Fault.BREAKS_OFF, Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE})
_ANY_BODY = frozenset(
    {Fault.TRUNCATED, Fault.HTML, Fault.WRONG_TYPES, Fault.MISSING_COLUMN, Fault.EXTRA_COLUMN, Fault.NO_ROWS}
)
_BODY_FAULTS = {
    "tlc": _ANY_BODY | {Fault.FRACTIONS, Fault.NOT_FINITE},
    "citibike": _ANY_BODY
    | {
        Fault.EMPTY_ZIP,
        Fault.ENCRYPTED_ZIP,
        Fault.CORRUPT_ZIP,
        Fault.MAC_ENTRIES_ONLY,
        Fault.ZIP_BOMB,
        Fault.CLIMBING_PATH,
    },
    "weather": _ANY_BODY
    | {Fault.ERROR_STATUS, Fault.ERROR_BODY, Fault.MISSING_HOURS, Fault.NULL_HOURS, Fault.WRONG_UNITS},
}


def faults_of(feed: str) -> list[Fault]:
    """The faults that a feed can have."""
    possible = _BODY_FAULTS[FEEDS[feed].publisher.name] | CONNECTION_FAULTS
    return [fault for fault in Fault if fault in possible]


@dataclass(frozen=True)
class Breakage:
    """A month of a feed that is broken, for so many requests or for good.

    Raises:
        ValueError: the feed cannot be broken that way.
    """

    feed: str
    month: date
    fault: Fault
    times: int | None = None

    def __post_init__(self) -> None:
        possible = faults_of(self.feed)
        if self.fault not in possible:
            raise ValueError(f"{self.feed} cannot be broken by {self.fault}: expected one of {', '.join(possible)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"expected a number of times of at least 1, got {self.times}")


def parse_breakage(text: str) -> Breakage:
    """Read `feed:YYYY-MM:fault` or `feed:YYYY-MM:fault:times`.

    Raises:
        ValueError: the text is none, or the feed cannot be broken that way.
    """
    words = text.split(":")
    if not 3 <= len(words) <= 4:
        raise ValueError(f"expected feed:YYYY-MM:fault or feed:YYYY-MM:fault:times, got {text!r}")
    feed, month, fault, *times = words
    if feed not in FEEDS:
        raise ValueError(f"unknown feed {feed!r}: expected one of {', '.join(FEEDS)}")
    if fault not in set(Fault):
        raise ValueError(f"unknown fault {fault!r}: expected one of {', '.join(faults_of(feed))}")
    if times and not times[0].isdecimal():
        raise ValueError(f"expected a number of times, got {times[0]!r}")
    try:
        first_day = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise ValueError(f"expected a month as YYYY-MM, got {month!r}") from None
    return Breakage(feed, first_day, Fault(fault), int(times[0]) if times else None)


class Breakages:
    """The months that are broken now. Safe for threads."""

    def __init__(self) -> None:
        self._broken: dict[tuple[str, date], Breakage] = {}
        self._left: dict[tuple[str, date], int] = {}
        self._lock = threading.Lock()

    def add(self, breakage: Breakage) -> None:
        """Break a month, whatever was wrong with it before."""
        key = (breakage.feed, breakage.month.replace(day=1))
        with self._lock:
            self._broken[key] = breakage
            self._left.pop(key, None)
            if breakage.times is not None:
                self._left[key] = breakage.times

    def remove(self, feed: str, month: date) -> None:
        """Mend a month."""
        key = (feed, month.replace(day=1))
        with self._lock:
            self._broken.pop(key, None)
            self._left.pop(key, None)

    def seen_in_listing(self, months: Iterable[tuple[str, date]]) -> Fault | None:
        """What is wrong with the first of these months that is broken now; a listing is no request for it."""
        with self._lock:
            for key in months:
                if key in self._broken and self._left.get(key) != 0:
                    return self._broken[key].fault
        return None

    def met_by_request(self, feed: str, months: tuple[date, ...]) -> Fault | None:
        """What is wrong for the next request for a file with these months, which this counts as one."""
        with self._lock:
            for key in ((feed, month) for month in months):
                breakage = self._broken.get(key)
                if breakage is None or self._left.get(key) == 0:
                    continue
                if key in self._left:
                    self._left[key] -= 1
                return breakage.fault
        return None
