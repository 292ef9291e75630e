"""Tell which DuckDB files somebody reads, without disturbing the readers.

DuckDB locks a file while it is open (`fcntl`), also for reading. The operating system tells which files are locked, but
never of the locks of the process that asks, which would also lose them by closing the file. So a child process asks.
It only asks: trying to lock a file would for a moment keep out a reader that opens it.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from warehouse.connection import WarehouseError

# Whoever takes longer than this on some files is not coming back.
_TIMEOUT_SECONDS = 60

# The kernel's `struct flock` differs between systems; what is asked about is a lock for writing of the whole file.
_ASK = """
import fcntl, json, os, struct, sys

is_mac = sys.platform == "darwin"
layout, kind = ("qqihh", 3) if is_mac else ("hhqqi", 0)
question = [0] * 5
question[kind] = fcntl.F_WRLCK

def is_locked(path):
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(layout, *question))
    return struct.unpack(layout, answer)[kind] != fcntl.F_UNLCK

print(json.dumps([is_locked(path) for path in json.load(sys.stdin)]))
"""


def being_read(files: Iterable[Path]) -> set[Path]:
    """Which DuckDB files are open in DuckDB, in this process or another on this machine. A missing file is not.

    Raises:
        WarehouseError: it cannot be told, for example because a file must not be read.
    """
    asked = list(files)
    if not asked:
        return set()
    try:
        done = subprocess.run(
            # Without the packages of the environment, which a short script does not need: it starts in half the time.
            [sys.executable, "-I", "-S", "-c", _ASK],
            input=json.dumps([str(file) for file in asked]),
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise WarehouseError(
            f"{asked[0].parent}: expected to learn who reads it, but got: {said}. Nothing was deleted. "
            "Check that you may read the files, then run this again."
        ) from error
    return {file for file, is_read in zip(asked, json.loads(done.stdout), strict=True) if is_read}
