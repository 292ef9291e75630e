"""What the tests of a folder share, until the last of them has ended.

pytest's own scope of a package is that of the whole run where folders have no `__init__.py`. A browser's event loop, or
a session of Spark, would then be in the way of what the same worker tests afterwards.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest


class Shared(ExitStack):
    """What is closed after the last test of a folder. Its `conftest.py` makes one, and calls `end_after` each time."""

    def __init__(self, conftest: str) -> None:
        """`conftest` is the path of that file."""
        super().__init__()
        self._folder = Path(conftest).parent

    def end_after(self, next_test: pytest.Item | None) -> None:
        """Close all if the next test of this process is of another folder, or there is none."""
        if next_test is None or not next_test.path.is_relative_to(self._folder):
            self.close()
