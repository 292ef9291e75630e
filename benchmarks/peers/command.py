"""The command line that all peers have. Nothing but the standard library is imported at the top.

A peer may use it or write its own: `python -m benchmarks.peers.NAME.run STAGE --files FOLDER --store FOLDER`.
"""

import argparse
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAGES = ("load", "refresh", "new", "again", "metric", "dashboards")


@dataclass(frozen=True)
class Options:
    """What a stage is told: folders, months as `2024-11` (none: all that have files), and where answers are kept.

    `output` is where facts are exported to. `database` is the name of a DuckDB file in the store, if not the usual one.
    """

    files: Path
    store: Path
    months: tuple[str, ...]
    answers: Path | None = None
    output: Path | None = None
    database: str = ""

    @property
    def memory_limit(self) -> str:
        """What the engine may take, such as `4GB`."""
        return os.environ.get("BENCHMARK_MEMORY_LIMIT", "4GB")

    def files_of(self, feed: str) -> Iterator[tuple[str, list[Path]]]:
        """Each month that is wanted and has files of the feed, with them."""
        places = (place for place in sorted((self.files / feed).glob("*")) if place.suffix in ("", ".parquet"))
        for place in places:
            if not self.months or place.stem in self.months:
                yield place.stem, sorted(place.glob("*.csv")) if place.is_dir() else [place]

    def keep(self, name: str, answer: Any) -> None:
        """Write an answer, an Arrow table, as Parquet if answers are wanted."""
        if self.answers:
            import pyarrow.parquet as pq

            self.answers.mkdir(parents=True, exist_ok=True)
            pq.write_table(answer, self.answers / f"{name}.parquet")


def parts_of(path: Path) -> dict[str, str]:
    """The statements of an SQL file by the name in the comment above each: `-- name` or `-- name: words`."""
    found = re.findall(r"^-- (\w+)(?::[^\n]*)?\n(.*?);\n", path.read_text(), re.DOTALL | re.MULTILINE)
    return dict(found)


def main(stages: Mapping[str, Callable[[Options], None]], arguments: Sequence[str] | None = None) -> int:
    """Run the stage that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=stages)
    parser.add_argument("--files", type=Path, default=Path())
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--months", nargs="+", default=())
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--database", default="")
    given = parser.parse_args(arguments)
    given.store.mkdir(parents=True, exist_ok=True)
    months = tuple(given.months)
    stages[given.stage](Options(given.files, given.store, months, given.answers, given.output, given.database))
    return 0
