"""Layers: tables of a release as tables of Delta where others expect them, such as `s3://silver/pipeline_runs`.

A model is in a layer if its meta says so; the release keeps that, so a newer project changes no release:

    config:
      meta:
        layer: {bucket: silver, table: pipeline_runs}

`LAYERS_URL` says where the buckets are: a folder with a folder for each (default `data/layers`), `s3://` for buckets of
these names, or `s3://bucket/prefix`.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import requests

from warehouse.lakehouse.data_files import ReleaseReader, reading
from warehouse.lakehouse.delta import export_table
from warehouse.lakehouse.delta_state import DamagedTableError, files_not_there, open_table
from warehouse.lakehouse.errors import clear_errors
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.failures import failures_named
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, ReleaseTable, current_release
from warehouse.secrets import without_secrets

logger = logging.getLogger(__name__)

EXPORT_COMMAND = "nyc export --format delta --layers"

# The number of the last commit that was written. It is in the log's folder, where maintenance deletes nothing; readers
# of Delta pass over names that are not theirs.
_WRITTEN = "_delta_log/.written"

_SECONDS_FOR_AN_ANSWER = 3
_SECONDS_BETWEEN_QUESTIONS = 0.5
# The region whose name must not be given when a bucket is made.
_REGION_WITHOUT_NAME = "us-east-1"


@dataclass(frozen=True)
class LayerTable:
    """A table of a release that is in a layer, and the folder where it is or shall be."""

    layer: str
    name: str
    table: ReleaseTable
    folder: Location

    @property
    def full_name(self) -> str:
        """The layer and the table's name in it."""
        return f"{self.layer}/{self.name}"


def tables_in_layers(release: Release, to: Location) -> list[LayerTable]:
    """The tables of a release that are in layers, in the order that data takes through them.

    `to` is the place whose folders are the layers.
    """
    found = [_in_layer(table, to) for table in release.tables if table.layer]
    return sorted(found, key=lambda each: (_rank(each.layer), each.layer, each.name))


def _in_layer(table: ReleaseTable, to: Location) -> LayerTable:
    layer, _, name = (table.layer or "").partition("/")
    return LayerTable(layer, name, table, to.joined(layer, name))


def _rank(layer: str) -> int:
    order = ("bronze", "silver", "gold")
    return order.index(layer) if layer in order else len(order)


def export_layers(to: Location | None = None) -> list[Exported]:
    """Write the layers of the current release, and say what was written. `to` is by default what `LAYERS_URL` says.

    Where `to` is S3 itself, buckets that are missing are created. Files of data that somebody deleted are put again. A
    damaged log is left as it is, and named: others may have written to it.

    Raises:
        NothingPublishedError: nothing has been published yet.
        WarehouseBusyError: another export to the same place took longer than `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        ExportError: something was not written; the message says why, and what to do.
    """
    to = to or Location.of_layers()
    wait_for_store(to)
    with locked(to):
        release = current_release()
        tables = tables_in_layers(release, to)
        for each in _one_of_each_bucket(tables):
            _ensure_bucket(each.folder, may_create=not to.bucket)
        with reading(release) as reader:
            # All that can be: one damaged table keeps no other from being written.
            exported, damaged = [], []
            for each in tables:
                try:
                    exported.append(_export(reader, each))
                except DamagedTableError as error:
                    damaged.append(str(error))
    if damaged:
        raise ExportError("\n".join(damaged))
    return exported


def _export(reader: ReleaseReader, each: LayerTable) -> Exported:
    # Opened first, so that a damaged log is told from other failures.
    open_table(each.folder)
    exported = export_table(reader, each.table, each.folder)
    table = open_table(each.folder)
    if table:
        _write_version(each.folder, table.version())
    gone = files_not_there(table, each.folder) if table else {}
    if not gone:
        return exported
    logger.warning("%s: %s files were gone, and are put again", each.folder.url, len(gone))
    with failures_named(f"{each.table.full_name} to {each.folder.url}"):
        wanted = [file for file in reader.table(each.table).files if file.name in gone]
        put = [reader.put(file, each.folder) for file in wanted]
    return replace(
        exported,
        files_written=exported.files_written + len(put),
        bytes_written=exported.bytes_written + sum(file.bytes for file in put),
    )


def _write_version(folder: Location, version: int) -> None:
    with clear_errors(folder):
        folder.filesystem().pipe_file(folder.joined(_WRITTEN).url, json.dumps({"version": version}).encode())


def written_version(folder: Location) -> int | None:
    """The number of the last commit that an export wrote into the folder of a table; None if that is not known.

    Raises:
        ExportError: the place cannot be read, or what was written down there is damaged.
    """
    place = folder.joined(_WRITTEN)
    with clear_errors(folder):
        try:
            return int(json.loads(folder.filesystem().cat_file(place.url))["version"])
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, LookupError) as error:
            raise ExportError(
                f"{place.url}: expected the number of the commit that was written last, but somebody has changed it. "
                f"Write it again: {EXPORT_COMMAND}"
            ) from error


def _one_of_each_bucket(tables: Sequence[LayerTable]) -> Iterator[LayerTable]:
    return iter({each.folder.bucket: each for each in tables if each.folder.is_s3}.values())


def _ensure_bucket(folder: Location, *, may_create: bool) -> None:
    """Look whether a bucket is there and can be read, and create it if it is not and that is wanted."""
    try:
        check_bucket(folder)
    except MissingBucketError:
        if not may_create:
            raise
        files = folder.filesystem()
        region = files.client_kwargs["region_name"]
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != _REGION_WITHOUT_NAME else {}
        try:
            files.call_s3("create_bucket", Bucket=folder.bucket, **where)
        except OSError as error:
            raise ExportError(
                f"s3://{folder.bucket}: expected this bucket, but there is none, and it cannot be created: "
                f"{' '.join(str(error).split())[:200]}. Create it by hand, or set LAYERS_URL to one that is there, "
                f"such as s3://bucket/layers. Then run: {EXPORT_COMMAND}"
            ) from error
        logger.info("created the bucket %s", folder.bucket)


class MissingBucketError(ExportError):
    """There is no such bucket."""


def check_bucket(folder: Location) -> None:
    """Look whether the bucket of a place in S3 is there and can be read.

    Raises:
        MissingBucketError: there is none.
        ExportError: the server cannot be reached, or refuses.
    """
    with clear_errors(folder):
        try:
            folder.filesystem().call_s3("list_objects_v2", Bucket=folder.bucket, MaxKeys=1)
        except FileNotFoundError as error:
            raise MissingBucketError(
                f"s3://{folder.bucket}: expected this bucket, but there is none. Create it, and write the layers: "
                f"{EXPORT_COMMAND}"
            ) from error


def wait_for_store(to: Location, seconds: float = 0) -> None:
    """Wait until the server of a place in S3 answers; at once where it is a folder, or S3 of Amazon.

    Raises:
        ExportError: it did not answer within so many seconds, or the environment has no keys for it.
    """
    if not to.is_s3 or not (endpoint := to.endpoint):
        return
    until = time.monotonic() + seconds
    while why := _no_answer(endpoint):
        if time.monotonic() >= until:
            within = f" within {seconds:g} seconds" if seconds else ""
            raise ExportError(
                f"{without_secrets(endpoint)}: expected a server of S3 to answer{within}, but {why}. Start it, or set "
                "AWS_ENDPOINT_URL to where it is, or LAYERS_URL to a folder."
            )
        time.sleep(_SECONDS_BETWEEN_QUESTIONS)


def _no_answer(endpoint: str) -> str:
    """Why a server gives no answer; empty if it does. Whoever has no keys gets an answer too."""
    try:
        status = requests.get(endpoint, timeout=_SECONDS_FOR_AN_ANSWER, allow_redirects=False).status_code
    except requests.ConnectionError:
        return "nothing listens there"
    except requests.Timeout:
        return f"there was no answer in {_SECONDS_FOR_AN_ANSWER} seconds"
    except requests.RequestException as error:
        return f"it cannot be asked ({type(error).__name__})"
    return f"it answered {status}" if status >= 500 else ""
