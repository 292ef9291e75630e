"""Make sure that what was written survives a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Make the disk write what it has buffered of a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, text: str) -> None:
    """Write a text file so that, whatever happens, it is there whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    sync(new)
    new.replace(path)
    sync(path.parent)
