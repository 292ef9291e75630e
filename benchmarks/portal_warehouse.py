"""The warehouses whose pages are measured: one of trips, and one of trading days."""

import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.dbt_runs import Dbt
from benchmarks.processes import measure
from benchmarks.samples import HISTORY, load_zones, raw_database
from ingestion.markets.trading_days import trading_days
from warehouse.paths import DATABASE_VARIABLE, PUBLISHED_FOLDER_VARIABLE
from warehouse.releases import Releases

_LAST_DAY = date(2026, 1, 30)


@dataclass(frozen=True)
class Warehouse:
    """A folder with a built warehouse and its releases."""

    folder: Path
    memory_limit: str

    @property
    def database(self) -> Path:
        """The working file."""
        return self.folder / "nyc_mobility.duckdb"

    @property
    def published(self) -> Path:
        """The folder of the releases."""
        return self.folder / "published"

    @property
    def releases(self) -> Releases:
        """The releases."""
        return Releases(self.published)

    @property
    def _dbt(self) -> Dbt:
        return Dbt(self.database, self.memory_limit)

    def settings(self) -> dict[str, str]:
        """Where its files are, as environment variables."""
        return {DATABASE_VARIABLE: str(self.database), PUBLISHED_FOLDER_VARIABLE: str(self.published)}

    def make(self, trips: int, days: int, bars: int) -> None:
        """Build and publish so many trading days of so many minute bars, or else a history of so many trips."""
        self.folder.mkdir(parents=True)
        try:
            if days:
                self._load_days(days, bars)
            else:
                shutil.copyfile(raw_database(trips, len(HISTORY)), self.database)
                load_zones(self.database)
            self.build()
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def _load_days(self, days: int, bars: int) -> None:
        """Load the last days of a month, with all other feeds of theirs."""
        last = sorted(trading_days(_LAST_DAY.replace(year=_LAST_DAY.year - 2), _LAST_DAY))[-days:]
        period = ("--from", str(last[0]), "--to", str(last[-1]))
        load = (sys.executable, "-m", "cli", "load", "--sources", "markets", *period)
        run = (sys.executable, "-m", "cli", "sandbox", "run", "--port", "0", *period, "--rows", str(bars), "--", *load)
        measure(run, environment=self.settings())

    def build(self) -> None:
        """Build everything anew, and publish it."""
        self._dbt.run("build", "--full-refresh")
        # After a full refresh a release has all files anew, and few of them fit on a disk.
        settings = {**self._dbt.settings(self._dbt.target()), **self.settings(), "PUBLISHED_RELEASES": "2"}
        measure((sys.executable, "-m", "cli", "publish"), environment=settings)
