"""The catalog of Iceberg, which says what the current state of each table is.

Unless the environment names another, it is a SQLite file: `iceberg/catalog.db` in a lakehouse that is a folder, or a
file beside the releases for one in S3, which has no place for a database. Another is configured as pyiceberg documents
it, under the name `lakehouse`:

    PYICEBERG_CATALOG__LAKEHOUSE__URI=postgresql+psycopg2://user:password@host/database
    PYICEBERG_CATALOG__LAKEHOUSE__TYPE=rest PYICEBERG_CATALOG__LAKEHOUSE__URI=https://host/
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.utils.config import Config
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import Location
from warehouse.paths import published_folder

FOLDER = "iceberg"
CATALOG = "lakehouse"

# How long SQLite waits while another process commits.
_SQLITE_TIMEOUT_SECONDS = 30


@contextmanager
def opened_catalog(to: Location) -> Iterator[Catalog]:
    """Open the catalog of a lakehouse, and make its tables if it has none.

    Raises:
        ExportError: the lakehouse is a folder whose path Iceberg cannot hold.
    """
    properties = {key: str(value) for key, value in _configured().items()} | to.iceberg_properties()
    if not _is_configured():
        file = catalog_file(to)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Created here, as SQLAlchemy would read a path in a text of its own as parts of an address.
        query = {"timeout": str(_SQLITE_TIMEOUT_SECONDS)}
        uri = URL.create("sqlite", database=str(file), query=query).render_as_string(hide_password=False)
        properties |= {"type": "sql", "uri": uri}
    # Of two processes that make the tables of a new catalog at once, one fails.
    for attempt in Retrying(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_attempt(5),
        wait=wait_random(0, 0.5),
        reraise=True,
    ):
        with attempt:
            catalog = load_catalog(CATALOG, **properties)
    with catalog:
        yield catalog


def has_catalog(to: Location) -> bool:
    """Whether there is a catalog. One that the environment names is there."""
    return _is_configured() or catalog_file(to).exists()


def catalog_file(to: Location) -> Path:
    """The SQLite file of the catalog, unless the environment names another."""
    if not to.is_s3:
        return to.joined(FOLDER, "catalog.db").path
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{to.bucket}/{to.key}").strip("-")[:80]
    digest = hashlib.sha256(to.url.encode()).hexdigest()[:8]
    return published_folder().parent / f"iceberg-{readable}-{digest}.db"


def table_location(to: Location, schema: str, table: str) -> Location:
    """Where a table of Iceberg is."""
    return to.joined(FOLDER, schema, table)


def address(location: Location) -> str:
    """A place as Iceberg's metadata holds it, which are always absolute.

    Raises:
        ExportError: it is a folder with a character that has a meaning in addresses.
    """
    if location.is_s3:
        return location.url
    if re.search(r"[?#%]", location.url):
        raise ExportError(
            f"{location.url}: expected a path without ?, # and %, because tables of Iceberg hold it as an address. "
            "Export to another folder."
        )
    return f"file://{location.url}"


def _configured() -> dict[str, object]:
    return dict(Config().get_catalog_config(CATALOG) or {})


def _is_configured() -> bool:
    return bool({"uri", "type", "py-catalog-impl"} & _configured().keys())
