"""Who the peers are, and where they run."""

from dataclasses import dataclass
from pathlib import Path

from warehouse.paths import PROJECT_ROOT

# Their packages are not the project's, which has other versions of some.
PEERS_PYTHON = PROJECT_ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Peer:
    """A peer: the folder of its `run` module, the Python that runs it (None: the project's), and what that imports.

    `most_trips` is the scale that it bears, found by trying; it is left out above that. `install` says how to get it.
    With `is_prepared` it has a stage `prepare`, which does what only the first run after a change of its code does.
    """

    name: str
    folder: str
    imports: str
    python: Path | None = None
    most_trips: int | None = None
    install: str = "make peers-setup"
    is_prepared: bool = False

    @property
    def module(self) -> str:
        """The module that runs a stage."""
        return f"benchmarks.peers.{self.folder}.run"

    @property
    def is_written(self) -> bool:
        """Whether there is such a module."""
        return (PROJECT_ROOT / "benchmarks" / "peers" / self.folder / "run.py").exists()


PEERS = (
    Peer("polars", "polars_", "polars", PEERS_PYTHON),
    Peer("pandas", "pandas_", "pandas", PEERS_PYTHON),
    Peer("chdb", "chdb_", "chdb", PEERS_PYTHON),
    Peer("pyspark", "pyspark_", "pyspark", install="make spark-setup"),
    Peer("sqlmesh", "sqlmesh_", "sqlmesh", PEERS_PYTHON, is_prepared=True),
    Peer("dbt microbatch", "dbt_microbatch", "dbt.adapters.duckdb", install="make setup", is_prepared=True),
)
