"""What dbt does with the DuckDB file when it opens it (`plugins` in `dbt/profiles.yml`)."""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin

from warehouse.connection import wait_until_free
from warehouse.ledger import Ledger


class Plugin(BasePlugin):
    """Waits for the file as every other writer does, and has the ledger's tables there for what dbt writes into them.

    dbt-duckdb looks for a class of this name.
    """

    def update_connection_config(self, creds: DuckDBCredentials, _config: dict[str, Any]) -> None:
        """Called before the file is opened.

        Raises:
            WarehouseBusyError: another process kept the file open for longer than the lock timeout.
        """
        wait_until_free(Path(creds.path))

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once the file is open."""
        Ledger(conn)
