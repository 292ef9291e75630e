"""The storage that dagster.yaml names. It opens Dagster's own for SQLite or Postgres, as `DAGSTER_STORAGE` says.

dagster.yaml knows no conditions. And what Dagster hands on to the processes that it starts, on their command lines, is
what stands there: so it names no server, and holds no password.
"""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from dagster import StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential

from monitoring.runbooks import Runbook
from orchestration.instances.settings import DagsterStorageError, PostgresSettings, Storage
from orchestration.instances.sqlite import SqliteStorage
from warehouse.paths import PROJECT_ROOT
from warehouse.secrets import scrubbed

if TYPE_CHECKING:
    from dagster_postgres import DagsterPostgresStorage

logger = logging.getLogger(__name__)

# A server that is started together with Dagster may come a little later.
_PATIENCE_SECONDS = 20

# What a server says to somebody whom it does not let in: asking again does not help. A server that says it in another
# language is asked again.
_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied", "not permitted")


class ChosenStorage(DagsterStorage, ConfigurableClass):
    """What dagster.yaml names. It is never made itself."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """`base_dir`: the folder of SQLite; a relative one is relative to the project root."""
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(  # type: ignore[override]  # As Dagster's own, it gives the storage to use.
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> DagsterStorage[Any]:
        """Open the chosen storage.

        Raises:
            DagsterStorageError: a setting is missing or not valid, or Postgres cannot be used.
        """
        match Storage.chosen(os.environ):
            case Storage.SQLITE:
                folder = str(PROJECT_ROOT / config_value["base_dir"])
                return SqliteStorage.from_local(folder, inst_data=inst_data)
            case Storage.POSTGRES:
                return open_postgres(PostgresSettings.from_environment(os.environ), inst_data)


def sqlite_folder(instance: InstanceRef) -> Path | None:
    """The folder where the instance has, or would have, its history in SQLite, absolute; None if it names none."""
    storage = instance.storage_data
    if storage is None or storage.class_name not in {ChosenStorage.__name__, DagsterSqliteStorage.__name__}:
        return None
    return PROJECT_ROOT / str(storage.config_dict["base_dir"])


def is_postgres_chosen(instance: InstanceRef) -> bool:
    """Whether the instance is one whose storage is chosen, and Postgres is."""
    storage = instance.storage_data
    is_ours = storage is not None and storage.class_name == ChosenStorage.__name__
    return is_ours and Storage.chosen(os.environ) is Storage.POSTGRES


def open_postgres(
    settings: PostgresSettings, inst_data: ConfigurableClassData | None = None
) -> "DagsterPostgresStorage":
    """Dagster's storage in a database, with tables if it has none yet. Waits a little for a server that is not up.

    Raises:
        DagsterStorageError: the library is missing, the server does not answer or does not let this user in, or the
            database is not there.
    """
    try:
        from dagster_postgres import DagsterPostgresStorage
        from dagster_postgres.utils import DagsterPostgresException
    except ModuleNotFoundError as error:
        raise DagsterStorageError(
            f"DAGSTER_STORAGE=postgres: expected the library {error.name}, but it is not installed. "
            "Install the extra `postgres`: poetry install --extras 'orchestrator postgres'"
        ) from None
    reason = _reason_not_to_be_reached(settings)
    # Raised here, outside of any except block: a caught exception knows the address.
    if reason:
        raise DagsterStorageError(
            f"{settings}: expected a connection, but got: {reason}. Look whether the server is up, and whether the "
            f"DAGSTER_PG_ settings are right; then start this again. See {Runbook.DAGSTER_STORAGE_DOWN.url}"
        )
    try:
        return DagsterPostgresStorage(settings.url.render_as_string(hide_password=False), inst_data=inst_data)
    except (sa.exc.SQLAlchemyError, DagsterPostgresException) as error:
        reason = said_by(error)
    raise DagsterStorageError(
        f"{settings}: expected to find Dagster's tables or to make them, but got: {reason}. The user must own the "
        f"database: create database {settings.database} owner {settings.user}. See {Runbook.DAGSTER_STORAGE_DOWN.url}"
    )


def said_by(error: BaseException) -> str:
    """What the database said, in one line and without secrets, where SQLAlchemy or Dagster wrapped it."""
    while not isinstance(error, sa.exc.DBAPIError) and error.__cause__:
        error = error.__cause__
    said: object = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    # What the server itself says has a first line, and after it the statement.
    said = getattr(getattr(said, "diag", None), "message_primary", None) or said
    return scrubbed(" ".join(str(said).split())).rstrip(".?")


def _reason_not_to_be_reached(settings: PostgresSettings) -> str | None:
    """Why the server cannot be used, as it says itself; nothing if it can."""
    engine = sa.create_engine(settings.url, poolclass=NullPool)

    def say(state: RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome and (error := state.outcome.exception()):
            logger.warning("%s does not answer yet (%s): waiting for it", settings, said_by(error))

    attempts = Retrying(
        retry=retry_if_exception(lambda error: not _is_final(error)),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_exponential(multiplier=0.5, max=3),
        before_sleep=say,
        reraise=True,
    )
    try:
        attempts(lambda: engine.connect().close())
    except sa.exc.SQLAlchemyError as error:
        return said_by(error)
    finally:
        engine.dispose()
    return None


def _is_final(error: BaseException) -> bool:
    return not isinstance(error, OperationalError) or any(words in str(error.orig) for words in _REFUSALS)
