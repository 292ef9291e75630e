"""Temporary files of tests in memory, where the machine has a folder for that.

DuckDB, SQLite and the lakehouse's libraries wait for the disk after each transaction, and tests make thousands of small
ones. What is tested is not whether a disk keeps what it was told to keep.
"""

import os
import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
# Several times what all tests together keep at once. A container's folder often has 64 MB.
_NEEDED_BYTES = 6 * 1024**3


def keep_temporary_files_in_memory() -> None:
    """Let this process and its children write temporary files there, unless somebody chose a folder (`TMPDIR`)."""
    if "TMPDIR" in os.environ or not os.access(_IN_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(_IN_MEMORY).free >= _NEEDED_BYTES:
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        # pytest has looked for the folder already, to catch what is printed.
        tempfile.tempdir = None
