"""What is done on a warehouse with many partitions: each stage as its users have it, in this process."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from benchmarks.growth.history import FEED, Shape, load
from benchmarks.processes import BenchmarkError
from ingestion.gap_survey import survey
from warehouse.ledger import utc_now
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT, PUBLISHED_FOLDER_VARIABLE
from warehouse.publishing import making
from warehouse.publishing.publish import Publication, publish

_DBT = str(PROJECT_ROOT / "dbt")
_WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

# The models of the subject that the history is of. Those of other subjects are empty.
OF_SUBJECT = ("--select", "path:models/*/markets", "path:seeds/markets", "path:models/checks")


@dataclass
class Scene:
    """A folder with a warehouse, its releases and what dbt keeps, and how many rows a day has.

    `manifest` is the project as dbt has parsed it, where it is parsed already. In a release a table with more rows than
    `rows_for_files` is in files, one a partition.
    """

    folder: Path
    shape: Shape = field(default_factory=Shape)
    manifest: Any = None
    rows_for_files: int = making.ROWS_FOR_FILES
    _loads: int = 0

    @property
    def database(self) -> Path:
        """The working file."""
        return self.folder / "nyc_mobility.duckdb"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The environment that all stages need."""
        settings = {
            DATABASE_VARIABLE: str(self.database),
            PUBLISHED_FOLDER_VARIABLE: str(self.folder / "published"),
            LOG_FOLDER_VARIABLE: str(self.folder / "logs"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        with patch.dict(os.environ, settings):
            yield

    def unprotect(self) -> None:
        """Let the folder be deleted: releases are read-only."""
        for parent, _, _ in os.walk(self.folder):
            Path(parent).chmod(0o755)

    def load(self, days: Sequence[date]) -> None:
        """Load some days, anew where they are there."""
        self._loads += 1
        load(days, self.shape, f"load {self._loads}")

    def parse(self) -> Any:
        """dbt's manifest of the project.

        Raises:
            BenchmarkError: dbt failed.
        """
        return self._dbt("parse").result

    def build(self, *selection: str) -> None:
        """What `nyc build` does but for the tests.

        Raises:
            BenchmarkError: dbt failed.
        """
        self._dbt("build", *_WITHOUT_TESTS, *selection)

    def _dbt(self, *arguments: str) -> Any:
        command = [*arguments, "--project-dir", _DBT, "--profiles-dir", _DBT, "--quiet", "--log-level-file", "none"]
        try:
            result = dbtRunner(manifest=self.manifest).invoke(command)
        finally:
            # dbt keeps the file open for the next call in the same process.
            reset_adapters()  # type: ignore[no-untyped-call]
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        if not result.success:
            raise BenchmarkError(f"expected `dbt {' '.join(arguments)}` to succeed, but it failed: {result.exception}")
        return result

    def publish(self) -> Publication:
        """What `nyc publish` does."""
        with patch.object(making, "ROWS_FOR_FILES", self.rows_for_files):
            return publish()

    def plan(self) -> int:
        """What `nyc gaps --offline` does; gives how many periods it looked at."""
        return len(survey(FEED.name, None, None, now=utc_now(), is_offline=True).plan)
