"""How dbt opens the DuckDB file (`plugins` in `dbt/profiles.yml`)."""

import os
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.invocation import get_invocation_id

from warehouse.connection import WarehouseError, connect_when_free, folder_for_spilling, writer_settings
from warehouse.dbt_contexts import make_contexts_for_less
from warehouse.dbt_relations import find_relations_for_less
from warehouse.dbt_starts import make_starts_for_less
from warehouse.ledger import Ledger
from warehouse.paths import database_path
from warehouse.releases import current_release, naming_damage
from warehouse.slim import BASE_VARIABLE, attach_base
from warehouse.sql import identifier, literal

logger = AdapterLogger("DuckDB")

# dbt loads this module before it builds anything.
make_contexts_for_less()
make_starts_for_less()
find_relations_for_less()


class Plugin(BasePlugin):
    """Attaches the file under the name in the profile, and has the ledger's tables there for what dbt writes into them.

    DuckDB would name the database by its file, dbt writes that name into its manifests, and whoever reads those with
    the file named otherwise finds nothing; a file named `main.duckdb` could not be built at all. It waits for the file
    as every other writer does. The target that only reads gets the current release. dbt-duckdb looks for a class
    of this name.
    """

    # No SQL of dbt's sets anything. Whoever profiles it does.
    locks_settings = True

    # Why the file cannot be opened in this invocation of dbt, once that is known: dbt asks again for every thread, and
    # would wait as often.
    _refused: tuple[str, str] | None = None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Called before DuckDB is started.

        Raises:
            RuntimeError: a setting is not valid. Of this type, because dbt-duckdb takes it for a failure to connect,
                and says so and stops; others it answers with two more attempts and a page of stack.
        """
        try:
            config.update(writer_settings())
        except WarehouseError as error:
            raise RuntimeError(str(error)) from error
        config["lock_configuration"] = str(self.locks_settings).lower()
        # As DuckDB has it of a file: beside it. A release must not change.
        config["temp_directory"] = folder_for_spilling() if _only_reads(creds) else f"{database_path()}.tmp"

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once DuckDB is started, before dbt-duckdb attaches what is not attached yet.

        Raises:
            RuntimeError: another process kept the file open for longer than the lock timeout, or it cannot be opened.
        """
        invocation = get_invocation_id()
        if self._refused and self._refused[0] == invocation:
            raise RuntimeError(self._refused[1])
        assert self.creds
        database = identifier(self.creds.database)
        try:
            if _only_reads(self.creds):
                self._attach_release(conn, database)
            else:
                self._attach_for_writing(conn, database)
        except (WarehouseError, OSError, duckdb.Error) as error:
            self._refused = (invocation, str(error))
            raise RuntimeError(str(error)) from error

    def _attach_for_writing(self, conn: duckdb.DuckDBPyConnection, database: str) -> None:
        def attach(file: Path) -> None:
            conn.execute(f"attach {literal(file)} as {database}")

        file = database_path()
        file.parent.mkdir(parents=True, exist_ok=True)
        connect_when_free(file, attach, say=logger.warning)
        if base := _base(self.creds):
            attach_base(conn, base)
        conn.execute(f"use {database}")
        Ledger(conn)

    def _attach_release(self, conn: duckdb.DuckDBPyConnection, database: str) -> None:
        # The release and not the link to it: so it says what is wrong with either, and a newer one changes nothing.
        release = current_release()
        with naming_damage(release):
            conn.execute(f"attach {literal(release.database)} as {database} (read_only)")
        conn.execute(f"use {database}")

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Called for each cursor, which has no default database from the connection."""
        assert self.creds
        cursor.execute(f"use {identifier(self.creds.database)}")


def _base(creds: DuckDBCredentials | None) -> Path | None:
    """The file that a slim build reads what it does not build from; none for other targets."""
    assert creds
    assert creds.attach
    if len(creds.attach) == 1:
        return None
    if not (base := os.environ.get(BASE_VARIABLE)):
        raise WarehouseError(f"expected {BASE_VARIABLE} with the target {creds.database}. Let nyc slim set it.")
    return Path(base)


def _only_reads(creds: DuckDBCredentials) -> bool:
    """Whether it is the target that reads the current release."""
    assert creds.attach
    return creds.attach[0].read_only
