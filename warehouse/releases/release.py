"""What a release holds: the contents of its `release.json`."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from warehouse.paths import DATABASE_FILE

DESCRIPTION = "release.json"
DATABASE = DATABASE_FILE
# The name that DuckDB gives to it when it is opened.
DATABASE_NAME = Path(DATABASE_FILE).stem
SEMANTIC_MANIFEST = "semantic_manifest.json"
DBT_MANIFEST = "manifest.json.gz"

# The layout of release.json. A reader refuses one that it does not know.
_FORMAT = 1

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
# The time in an id, UTC.
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Part:
    """The rows of one partition of a table, or of a whole table that is not kept by partitions.

    `version` is what the rows were built from, as the ledger has it, and `load_id` the load that they are of, if they
    are of one. `built_at` is when they were built (UTC). `content` is a checksum of the rows that does not depend on
    their order. `file` is relative to the release's folder; without one the rows are in the DuckDB file.
    """

    partition_key: str
    rows: int
    content: str
    feed: str | None = None
    grain: str | None = None
    period_start: datetime | None = None
    version: str | None = None
    load_id: str | None = None
    built_at: datetime | None = None
    file: str | None = None
    bytes: int | None = None
    modified_ns: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class ReleaseTable:
    """A table of a release.

    `fingerprint` changes when the SQL that makes the table changes, wherever that stands. `key` are the columns that
    name a row, `money` those in US dollars; both come from the dbt project and may be empty. `columns` are names and
    DuckDB's types. `partition_fields` are the columns that name a partition: the period's, and the feed's if any.
    `layer` is where the table is in the layers of the lakehouse, such as `silver/pipeline_runs`, if it is in one.
    """

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    fingerprint: str | None = None
    key: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    partition_fields: tuple[str, ...] = ()
    description: str | None = None
    layer: str | None = None

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(part.rows for part in self.parts)

    @property
    def content(self) -> str:
        """The checksum of all rows: that of a part is a sum over its rows, so that of the table is the sum of those."""
        return f"{sum(int(part.content, 16) for part in self.parts):x}"

    @property
    def is_in_files(self) -> bool:
        """Whether the rows are in Parquet files. Otherwise they are in the DuckDB file."""
        return any(part.file for part in self.parts)


@dataclass(frozen=True)
class Release:
    """A published state of the warehouse. `folder` is where it is; it is not part of release.json.

    `published_by` is `terminal` or `dagster`, `run_id` the run in the ledger. `checks` counts the last results of all
    checks by `passed`, `warned`. `content` is a checksum of everything but the ledger: two releases with the same hold
    the same rows. `documents` are further files of the release, with their SHA-256.
    """

    id: str
    folder: Path
    published_at: datetime
    published_by: str
    run_id: str
    duckdb_version: str
    content: str
    tables: tuple[ReleaseTable, ...]
    checks: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.folder / DATABASE

    @property
    def semantic_manifest(self) -> Path:
        """What dbt compiled the metrics to when the release was made."""
        return self.folder / SEMANTIC_MANIFEST

    @property
    def dbt_manifest(self) -> Path:
        """The dbt project that the release was made of, as dbt's manifest. Earlier versions published none."""
        return self.folder / DBT_MANIFEST

    @cached_property
    def _by_name(self) -> dict[str, ReleaseTable]:
        return {table.full_name: table for table in self.tables}

    def table(self, full_name: str) -> ReleaseTable | None:
        """A table by schema and name; None if the release has none of that name."""
        return self._by_name.get(full_name)

    def files(self) -> Iterator[tuple[ReleaseTable, Part]]:
        """Every part that has a file of its own."""
        return ((table, part) for table in self.tables for part in table.parts if part.file)

    @property
    def size(self) -> int:
        """The bytes of its files. Those that several releases share count in each, and are on disk once."""
        try:
            database = self.database.stat().st_size
        except OSError:
            database = 0
        return database + sum(part.bytes or 0 for _, part in self.files())

    def write(self) -> str:
        """The text of release.json."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "folder"}
        return json.dumps({"format": _FORMAT, **values}, default=_as_plain)


def next_id(now: datetime, others: Iterable[str]) -> str:
    """An id that comes after all others: they are in the order of time (UTC), also two of the same second."""
    stamp = f"{now:{_STAMP}}"
    newest = max((other for other in others if is_release_id(other)), default="").partition("-")[0]
    if stamp <= newest:
        after = datetime.strptime(newest, _STAMP) + timedelta(seconds=1)  # noqa: DTZ007 - as `now`
        stamp = f"{after:{_STAMP}}"
    return f"{stamp}-{secrets.token_hex(2)}"


def is_release_id(text: str) -> bool:
    """Whether a text has the form of a release's id. Only such a text may become part of a path."""
    return _ID.fullmatch(text) is not None


def bears_release_id(text: str) -> bool:
    """Whether a text has the id of a release in it, as the names of folders in the making do."""
    return _ID.search(text) is not None


def read_release(folder: Path) -> Release:
    """Read the release.json of a folder.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError, TypeError, LookupError: it is not that of a release.
    """
    values = json.loads((folder / DESCRIPTION).read_bytes())
    if (found := values.pop("format")) != _FORMAT:
        raise ValueError(f"expected format {_FORMAT}, but got {found!r}")
    values["published_at"] = datetime.fromisoformat(values["published_at"])
    values["tables"] = tuple(_table(table) for table in values["tables"])
    return Release(folder=folder, **values)


def _table(values: dict[str, Any]) -> ReleaseTable:
    values["columns"] = tuple((name, type_) for name, type_ in values["columns"])
    values["parts"] = tuple(_part(part) for part in values["parts"])
    for name in ("key", "money", "partition_fields"):
        values[name] = tuple(values[name])
    return ReleaseTable(**values)


def _part(values: dict[str, Any]) -> Part:
    for name in ("period_start", "built_at"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return Part(**values)


def _as_plain(value: object) -> str | dict[str, object]:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (ReleaseTable, Part)):
        # Not by `asdict`, which copies all that is below: of thousands of parts that takes a second.
        return vars(value)
    raise TypeError(f"expected plain data, but got {value!r}")
