"""What dbt does with the DuckDB file when it opens it (`plugins` in `dbt/profiles.yml`)."""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger

from warehouse.connection import WarehouseError, wait_until_free
from warehouse.ledger import Ledger

logger = AdapterLogger("DuckDB")


class Plugin(BasePlugin):
    """Waits for the file as every other writer does, and has the ledger's tables there for what dbt writes into them.

    dbt-duckdb looks for a class of this name.
    """

    def update_connection_config(self, creds: DuckDBCredentials, _config: dict[str, Any]) -> None:
        """Called before the file is opened.

        Raises:
            RuntimeError: another process kept the file open for longer than the lock timeout, or it cannot be opened.
                Of this type, because dbt-duckdb takes it for a failure to connect, and says so and stops; what is
                not a RuntimeError it answers with two more attempts, each as long, and a page of stack.
        """
        try:
            wait_until_free(Path(creds.path), logger.warning)
        except WarehouseError as error:
            raise RuntimeError(str(error)) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once the file is open."""
        Ledger(conn)
