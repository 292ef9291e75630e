"""What was told, kept in a small file beside the DuckDB file: the one truth for Dagster's sensors and `nyc alerts`.

It is not in the ledger, because alerts must not wait for the DuckDB file, and not in a sensor's cursor, because that
would make two truths.
"""

import errno
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from monitoring.alerts.delivery import Alert
from monitoring.alerts.outages import Outage
from monitoring.runbooks import Runbook
from warehouse.durable import write_durably
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

# Who keeps the state locked only reads and writes a small file.
_LOCK_SECONDS = 20
# What is not delivered for longer nobody waits for.
_MOST_WAITING = 200
# So much is always left in the file, to be written to where the disk is full.
_SPARE_BYTES = 32_768


class AlertStateError(Exception):
    """What was told cannot be read or kept. The message names the file and says what to do."""


@dataclass(frozen=True)
class Waiting:
    """An alert that is to be delivered one way: `slack` or `email`."""

    id: str
    way: str
    alert: Alert


@dataclass
class State:
    """What was told, and what waits to be delivered.

    `looked_at` is when the ledger was last looked at, in seconds since 1970, and `files` is what the DuckDB file was
    like then.
    """

    outages: dict[str, Outage] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    looked_at: float = 0
    files: list[list[int]] = field(default_factory=list)

    def add(self, alert: Alert, ways: Iterable[str]) -> None:
        """Have an alert wait to be delivered each way. Of too many the oldest are forgotten."""
        self.waiting += [Waiting(os.urandom(8).hex(), way, alert) for way in ways]
        if (dropped := len(self.waiting) - _MOST_WAITING) > 0:
            logger.warning("%s alerts that could not be delivered are given up", dropped)
            self.waiting = self.waiting[dropped:]


def state_path() -> Path:
    """The file: beside the DuckDB file, with its name and `.alerts.json`."""
    path = database_path()
    return path.with_name(f"{path.name}.alerts.json")


def read_state() -> State:
    """What was told; nothing where nothing was, or where the file is damaged, which is said in the log.

    Raises:
        AlertStateError: the file cannot be read.
    """
    path = state_path()
    try:
        text = path.read_text()
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        raise AlertStateError(f"{path}: cannot be read: {error}. Check its permissions.") from error
    try:
        return _state_of(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        logger.warning("%s: expected what was told, but it is damaged (%s); starting over", path, type(error).__name__)
        return State()


@contextmanager
def changing_state() -> Iterator[State]:
    """Read what was told, and keep what the block changes in it. Nobody else does so meanwhile.

    Raises:
        AlertStateError: the file cannot be read or written, or somebody has it for too long.
    """
    path = state_path()
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=_LOCK_SECONDS):
            state = read_state()
            yield state
            _write(path, state)
    except Timeout:
        raise AlertStateError(
            f"{path}: in use for {_LOCK_SECONDS} seconds. Look who keeps it: fuser -v {path}.lock"
        ) from None
    except OSError as error:
        raise AlertStateError(
            f"{path}: expected to keep there what was told, but got: {error}. Make room, or check its permissions; "
            "until then nobody is told."
        ) from error


@contextmanager
def delivering() -> Iterator[bool]:
    """Be the only one who delivers; False where somebody else does already."""
    path = state_path()
    lock = FileLock(path.with_name(f"{path.name}.delivery.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _write(path: Path, state: State) -> None:
    text = json.dumps(asdict(state), indent=1)
    padded = text + " " * _SPARE_BYTES + "\n"
    try:
        write_durably(path, padded)
    except OSError as error:
        # On a full disk there is no room for a second file. What is there is overwritten, which takes none.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not path.exists():
            raise
        path.with_name(f".{path.name}.new").unlink(missing_ok=True)
        _overwrite(path, text)


def _overwrite(path: Path, text: str) -> None:
    content = text.encode()
    room = max(path.stat().st_size, len(content))
    with path.open("r+b") as file:
        file.write(content.ljust(room))
        file.flush()
        os.fsync(file.fileno())


def _state_of(found: dict[str, Any]) -> State:
    return State(
        outages={
            str(key): Outage(**{**outage, "runbook": Runbook(outage["runbook"])})
            for key, outage in found["outages"].items()
        },
        waiting=[
            Waiting(each["id"], each["way"], Alert(**{**each["alert"], "links": tuple(each["alert"]["links"])}))
            for each in found["waiting"]
        ],
        looked_at=float(found["looked_at"]),
        files=[[int(value) for value in stamp] for stamp in found["files"]],
    )
