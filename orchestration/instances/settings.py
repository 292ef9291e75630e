"""The settings of Dagster's storage, from the environment. Errors name the variable, and never hold the password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Self

import click
import sqlalchemy as sa

from warehouse.secrets import scrubbed

STORAGE_VARIABLE = "DAGSTER_STORAGE"
HOST, PORT, USER, PASSWORD, DATABASE = (f"DAGSTER_PG_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DB"))
_NEEDED = {
    HOST: "the server's name or address, or the folder of its Unix socket",
    USER: "the user who owns the database",
    DATABASE: "the name of the database",
}
_DEFAULT_PORT = "5432"
_CONNECT_TIMEOUT_SECONDS = 10


class DagsterStorageError(click.ClickException):
    """Dagster's storage cannot be used. The message says why, and what to do; it holds no secret.

    Commands of Dagster and `nyc` print it without a traceback.
    """


class Storage(StrEnum):
    """What keeps Dagster's history."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"

    @classmethod
    def chosen(cls, environment: Mapping[str, str]) -> Self:
        """The one that `DAGSTER_STORAGE` names; by default SQLite.

        Raises:
            DagsterStorageError: it names another.
        """
        given = environment.get(STORAGE_VARIABLE, "").strip() or cls.SQLITE
        try:
            return cls(given)
        except ValueError:
            # Whoever puts an address there may have put a password into it.
            got = repr(scrubbed(given))
            raise DagsterStorageError(
                f"{STORAGE_VARIABLE}: expected {' or '.join(cls)}, but got {got}. Correct it in .env, or take it out."
            ) from None


@dataclass(frozen=True)
class PostgresSettings:
    """A database on a server of Postgres. The host may be the folder of a Unix socket."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read `DAGSTER_PG_HOST`, `_PORT`, `_USER`, `_PASSWORD` and `_DB`. An empty variable counts as not set.

        Raises:
            DagsterStorageError: one is missing or not valid.
        """
        given = {name: environment.get(name, "").strip() for name in (*_NEEDED, PORT)}
        for name, meaning in _NEEDED.items():
            if not given[name]:
                raise DagsterStorageError(
                    f"{name}: expected {meaning}, because {STORAGE_VARIABLE} is {Storage.POSTGRES}, but it is not set. "
                    "Set it in .env."
                )
        if not given[HOST].startswith("/") and any(character in given[HOST] for character in "/@?#"):
            # It is not repeated here: whoever puts a whole address there may have put a password into it.
            raise DagsterStorageError(
                f"{HOST}: expected {_NEEDED[HOST]}, but got an address with more than that. The user, the password, "
                f"the port and the database have variables of their own: {USER}, {PASSWORD}, {PORT}, {DATABASE}."
            )
        port = given[PORT] or _DEFAULT_PORT
        if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
            raise DagsterStorageError(
                f"{PORT}: expected a number from 1 to 65535, such as {_DEFAULT_PORT}, but got {scrubbed(port)!r}. "
                "Correct it in .env."
            )
        # Blanks around a password may belong to it.
        password = environment.get(PASSWORD) or None
        return cls(given[HOST], int(port), given[USER], given[DATABASE], password)

    @property
    def url(self) -> sa.URL:
        """The address, with the password: show it to nobody but SQLAlchemy."""
        query = {
            "connect_timeout": str(_CONNECT_TIMEOUT_SECONDS),
            "application_name": "dagster",
            # Dagster compares what the server notes as its time with UTC, whichever zone the server is set to.
            "options": "-c timezone=UTC",
        }
        is_folder = PurePosixPath(self.host).is_absolute()
        if is_folder:
            query |= {"host": self.host, "port": str(self.port)}
        return sa.URL.create(
            # By its name: which driver is the default depends on the version of SQLAlchemy.
            "postgresql+psycopg2",
            username=self.user,
            password=self.password,
            host=None if is_folder else self.host,
            port=None if is_folder else self.port,
            database=self.database,
            query=query,
        )

    def __str__(self) -> str:
        """The place, without the password."""
        return f"Postgres at {self.host}, port {self.port}, database {self.database}, user {self.user}"
