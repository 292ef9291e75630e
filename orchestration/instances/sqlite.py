"""Dagster's storage on SQLite, with an event log that keeps what SQLAlchemy compiled.

Dagster makes an engine for every statement, and so SQLAlchemy compiles each anew. A run of the daily job stores a
thousand events, with several statements each: a tenth of what its process does.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import NullPool

# One for all runs, and one for each run. A daemon sees thousands of runs.
_MOST_ENGINES = 16


class KeptEnginesEventLog(SqliteEventLogStorage):
    """Dagster's event log. The engines of the databases used last are kept; each use still has its own connection."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        if shard not in self._initialized_dbs:
            # Dagster makes or migrates its tables.
            with super()._connect(shard) as connection:
                yield connection
            return
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        engine = self._engines.pop(shard, None) or sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=NullPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        self._engines[shard] = engine
        if len(self._engines) > _MOST_ENGINES:
            self._engines.popitem(last=False)
        return engine


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's storage in a folder, in the files that Dagster's own has, with this event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEnginesEventLog(str(Path(base_dir) / "history" / "runs"))
