"""What readers find in the layers: for each table whether it is there, its rows, version and age, and what is wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import DeltaTable

from warehouse.lakehouse.delta import release_of
from warehouse.lakehouse.delta_state import DamagedTableError, count_rows, files_not_there, open_table
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.failures import failures_named, said
from warehouse.lakehouse.layers import (
    EXPORT_COMMAND,
    LayerTable,
    check_bucket,
    tables_in_layers,
    wait_for_store,
    written_version,
)
from warehouse.lakehouse.location import Location
from warehouse.releases import Release


@dataclass(frozen=True)
class LayerState:
    """What is there of a table of a layer.

    `model` is the table of the release. `opens` says whether readers can open the Delta log. `rows` are counted in the
    files; `version` is the number of the last commit, `committed_at` its time (UTC) and `age_seconds` how long ago that
    was. `release` is the id of the release that it is of; a table is behind if that is not the current one. `problem`
    says what is wrong and what to do; None if all is well.
    """

    layer: str
    table: str
    model: str
    address: str
    is_there: bool
    opens: bool
    rows: int | None = None
    version: int | None = None
    committed_at: datetime | None = None
    age_seconds: int | None = None
    release: str | None = None
    is_behind: bool = False
    problem: str | None = None


class _TroubleError(Exception):
    """What is wrong with a table, and what to do."""


def look_at_layers(release: Release, to: Location) -> list[LayerState]:
    """Look at each table of the release that is in a layer. `to` is the place whose folders are the layers.

    Raises:
        ExportError: the server of S3 does not answer, or the environment has no keys for it.
    """
    wait_for_store(to)
    return [_look_at(each, release) for each in tables_in_layers(release, to)]


def _look_at(each: LayerTable, release: Release) -> LayerState:
    nothing = {"is_there": False, "opens": False}
    try:
        if each.folder.is_s3:
            check_bucket(each.folder)
        table = open_table(each.folder)
    except DamagedTableError as error:
        return _state(each, is_there=True, opens=False, problem=str(error))
    except ExportError as error:
        return _state(each, **nothing, problem=str(error))
    if table is None:
        why = f"{each.folder.url}: expected a table of Delta, but there is none. Write it: {EXPORT_COMMAND}"
        return _state(each, **nothing, problem=why)
    committed_at = _last_commit(table)
    rows: int | None = None
    problem: str | None = None
    try:
        _check_log(table, each, committed_at)
        rows = _whole_rows(table, each)
        _check_release(table, each, rows, release)
    except (_TroubleError, ExportError) as error:
        problem = str(error)
    return _state(
        each,
        is_there=True,
        opens=True,
        rows=rows,
        version=table.version(),
        committed_at=committed_at,
        age_seconds=_age_seconds(committed_at) if committed_at else None,
        release=release_of(table),
        is_behind=problem is None and release_of(table) != release.id,
        problem=problem,
    )


def _state(each: LayerTable, **values: object) -> LayerState:
    return LayerState(each.layer, each.name, each.table.full_name, each.folder.url, **values)  # type: ignore[arg-type]


def _last_commit(table: DeltaTable) -> datetime | None:
    """When the last commit was; None if it does not say, as one that somebody emptied."""
    stamp = next((commit.get("timestamp") for commit in table.history(1)), None)
    return datetime.fromtimestamp(stamp / 1000, UTC) if stamp else None


def _age_seconds(committed_at: datetime) -> int:
    return max(0, round((datetime.now(UTC) - committed_at).total_seconds()))


def _whole_rows(table: DeltaTable, each: LayerTable) -> int:
    """The rows of a table whose files are all there."""
    with failures_named(f"looking at {each.folder.url}"):
        if gone := files_not_there(table, each.folder):
            name, what = next(iter(sorted(gone.items())))
            others = f", and so are {len(gone) - 1:,} more" if len(gone) > 1 else ""
            raise _TroubleError(
                f"{each.folder.url}: expected all files of version {table.version()}, but {name} {what}{others}. "
                f"Put them again: {EXPORT_COMMAND}"
            )
        try:
            return count_rows(table)
        except pa.ArrowException as error:
            raise _TroubleError(
                f"{each.folder.url}: expected Parquet files, but one cannot be read: {said(error, 160)}. Delete the "
                f"folder, and write the table anew: {EXPORT_COMMAND}"
            ) from error


def _check_log(table: DeltaTable, each: LayerTable, committed_at: datetime | None) -> None:
    """Look whether the last commit is the one that was written, and says what it is."""
    written = written_version(each.folder)
    if written is not None and table.version() < written:
        raise _TroubleError(
            f"{each.folder.url}: expected version {written} in its log, which was written, but the last that is there "
            f"is {table.version()}: somebody has removed a commit. Commit again: {EXPORT_COMMAND}"
        )
    if release_of(table) is None or committed_at is None:
        raise _TroubleError(
            f"{each.folder.url}: expected version {table.version()} to say of which release it is, but it does not: "
            f"somebody else has written it, or emptied it. Commit again: {EXPORT_COMMAND}"
        )


def _check_release(table: DeltaTable, each: LayerTable, rows: int, release: Release) -> None:
    if release_of(table) != release.id:
        # Whole, and of an earlier release: something was published since, and the layers are written later.
        return
    if rows != each.table.rows:
        raise _TroubleError(
            f"{each.folder.url}: expected {each.table.rows:,} rows, as {each.table.full_name} of release {release.id} "
            f"has, but version {table.version()} has {rows:,}: somebody else has written to it. Delete the folder, and "
            f"write the table anew: {EXPORT_COMMAND}"
        )
    if not rows:
        raise _TroubleError(
            f"{each.folder.url}: expected rows, but the table is empty, as {each.table.full_name} of release "
            f"{release.id} is. Load what it is made of, build and publish, then: {EXPORT_COMMAND}"
        )
