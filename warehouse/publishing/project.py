"""What the dbt project publishes, read from dbt's manifest: which tables, and what is declared of them."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from warehouse.connection import WarehouseError
from warehouse.paths import dbt_target_folder
from warehouse.releases.release import SEMANTIC_MANIFEST
from warehouse.sql import identifier

# Models of these layers are for the project alone: they read raw data, which is not published.
_INTERNAL_LAYERS = ("staging", "intermediate")

# The unit, declared in a column's meta, of the columns whose sums people compare.
_MONEY = "USD"

# What S3 and every disk take as the name of a bucket and of a folder.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_TABLE = re.compile(r"[a-z0-9][a-z0-9_]{0,99}")

# What dbt's manifest says of the run that wrote it: times, identities, settings, and what was compiled and where.
_OF_A_RUN = {
    *("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id", "env", "created_at"),
    *("root_path", "build_path", "compiled", "compiled_path", "compiled_code", "extra_ctes", "extra_ctes_injected"),
}


class ProjectError(WarehouseError):
    """dbt's manifest is not there, or is not valid. The message says what to do."""


@dataclass(frozen=True)
class Model:
    """A table or view that dbt makes and a release holds.

    `partition_fields` are the columns that name a partition, the feed's before the period's; empty where the table is
    not kept by partitions. `subject` is the name of the folder that the model is in; missing where it is of none.
    `reads` are the names of all models below a table; a view reads them only when it is read itself, and has none.
    `layer` is where it is in the layers of the lakehouse: a bucket and a table, with a slash between them.
    """

    name: str
    schema: str
    table: str
    is_optional: bool
    fingerprint: str
    key: tuple[str, ...]
    money: tuple[str, ...]
    partition_fields: tuple[tuple[str, str], ...]
    subject: str | None
    description: str | None
    reads: frozenset[str] = frozenset()
    snapshot: str | None = None
    layer: str | None = None

    @property
    def relation(self) -> str:
        """What its rows are read from, quoted: the snapshot of a view, or the table."""
        return self.snapshot or identifier(self.schema, self.table)

    @property
    def full_name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Project:
    """The models and seeds of a release, what dbt compiled the metrics to, and dbt's manifest as it was read."""

    models: tuple[Model, ...]
    semantic_manifest: str
    manifest: bytes

    @property
    def dbt_manifest(self) -> bytes:
        """dbt's manifest for a release, compressed. That takes longer than the rest, so whoever only looks does not."""
        return _compressed(self.manifest)


def read_project(target: Path | None = None) -> Project:
    """Read what dbt wrote into its target folder when it last built or parsed the project.

    Raises:
        ProjectError: there is no manifest, or it is not valid.
    """
    target = target or dbt_target_folder()
    try:
        return _read(target, _state_of(target / "manifest.json"), _state_of(target / SEMANTIC_MANIFEST))
    except FileNotFoundError as error:
        raise ProjectError(f"{error.filename}: expected dbt's manifest, but there is none. Build: nyc build") from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ProjectError(
            f"{target}: expected dbt's manifests, but they cannot be read ({error!r}). "
            "If dbt is running, wait until it has ended. Otherwise build again: nyc build"
        ) from error


def _state_of(file: Path) -> tuple[int, ...]:
    """What differs once the file is written anew."""
    state = file.stat()
    return state.st_ino, state.st_mtime_ns, state.st_size


# A process that stays, as Dagster's, publishes the same project again and again.
@lru_cache(maxsize=1)
def _read(target: Path, *_states: tuple[int, ...]) -> Project:
    content = (target / "manifest.json").read_bytes()
    manifest = json.loads(content)
    if (engine := manifest["metadata"].get("adapter_type", "duckdb")) != "duckdb":
        raise ProjectError(
            f"{target}: expected dbt's manifest of DuckDB, but it is that of {engine}. Where DBT_TARGET_PATH is"
            " set, give each engine a folder of its own. Then build again: nyc build"
        )
    semantic_manifest = (target / SEMANTIC_MANIFEST).read_text()
    json.loads(semantic_manifest)
    return Project(tuple(_models(manifest)), semantic_manifest, content)


@lru_cache(maxsize=1)
def _compressed(content: bytes) -> bytes:
    """The manifest without what differs between two runs of dbt on the same project, and names paths or settings."""
    manifest = json.loads(content)
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _OF_A_RUN}
    stable = {**manifest, "metadata": metadata}
    for kind in (
        "nodes",
        "sources",
        "macros",
        "exposures",
        "metrics",
        "semantic_models",
        "saved_queries",
        "unit_tests",
    ):
        stable[kind] = {
            id_: {name: value for name, value in node.items() if name not in _OF_A_RUN}
            for id_, node in manifest.get(kind, {}).items()
        }
    # Beyond this level it takes twice as long, for 2 % less.
    return gzip.compress(json.dumps(stable, sort_keys=True).encode(), compresslevel=6, mtime=0)


def _models(manifest: Mapping[str, Any]) -> Iterator[Model]:
    fingerprints = _Fingerprints(manifest)
    layers = _declared_layers(manifest["nodes"])
    for id_, node in sorted(manifest["nodes"].items()):
        if not is_published(node):
            continue
        columns = node["columns"]
        yield Model(
            name=node["name"],
            schema=node["schema"],
            table=node["alias"],
            # Where a test keeps its failing rows. There is no table before it has run.
            is_optional=node["resource_type"] == "test",
            fingerprint=fingerprints.of_node(id_),
            key=_declared_key(node),
            money=tuple(name for name, column in columns.items() if _meta(column).get("unit") == _MONEY),
            partition_fields=tuple(
                (field["field"], field["data_type"])
                for field in sorted(node["config"].get("partition_by") or (), key=lambda field: "granularity" in field)
            ),
            subject=node["fqn"][2] if len(node["fqn"]) > 3 else None,
            description=node["description"] or None,
            reads=frozenset() if node["config"]["materialized"] == "view" else _models_below(id_, manifest["nodes"]),
            layer=layers.get(id_),
        )


def _declared_layers(nodes: Mapping[str, Any]) -> dict[str, str]:
    """Where each model with a layer is written, by the model's id: `silver/pipeline_runs`.

    Raises:
        ProjectError: a layer is not declared well, or two models have the same.
    """
    found: dict[str, str] = {}
    for id_, node in sorted(nodes.items()):
        if "layer" not in _meta(node):
            continue
        match declared := _meta(node)["layer"]:
            case {"bucket": str(bucket), "table": str(table), **rest} if (
                not rest and _BUCKET.fullmatch(bucket) and _TABLE.fullmatch(table) and is_published(node)
            ):
                layer = f"{bucket}/{table}"
            case _:
                raise ProjectError(
                    f"{node['original_file_path']}: model {node['name']}: expected a layer such as {{bucket: silver, "
                    "table: daily_runs}, of small letters, digits and dashes or underscores, on a model that is "
                    f"published, but got {str(declared)[:100]!r}"
                )
        if layer in found.values():
            other = next(nodes[each]["name"] for each, taken in found.items() if taken == layer)
            raise ProjectError(
                f"{node['original_file_path']}: model {node['name']}: expected a layer of its own, but {other} is "
                f"written to {layer} too. Give one of them another table."
            )
        found[id_] = layer
    return found


def _models_below(id_: str, nodes: Mapping[str, Any]) -> frozenset[str]:
    """The names of the models that a node reads, and those that these read."""
    found: dict[str, str] = {}
    below = [id_]
    while below:
        for each in nodes[below.pop()]["depends_on"].get("nodes", ()):
            if each in nodes and each not in found:
                found[each] = nodes[each]["name"]
                below.append(each)
    return frozenset(found.values())


def is_published(node: Mapping[str, Any]) -> bool:
    """Whether a release holds what a node of dbt's manifest makes."""
    config = node["config"]
    if node["resource_type"] == "test":
        return bool(config.get("store_failures"))
    if node["resource_type"] == "model":
        return node["fqn"][1] not in _INTERNAL_LAYERS and config["materialized"] != "ephemeral"
    return bool(node["resource_type"] in ("seed", "snapshot"))


def _declared_key(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that name a row: as the model's meta says, or as dbt infers them from its tests."""
    declared = _meta(node).get("key")
    return tuple([declared] if isinstance(declared, str) else declared or node.get("primary_key") or ())


def _meta(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {**(holder.get("meta") or {}), **((holder.get("config") or {}).get("meta") or {})}


class _Fingerprints:
    """Checksums of the SQL that a model is made by: its own, that of the models it reads, and of the macros."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._nodes: Mapping[str, Any] = manifest["nodes"]
        project = manifest["metadata"]["project_name"]
        # Those of dbt itself change with its version, and the rows do not.
        self._macros = {id_: macro for id_, macro in manifest["macros"].items() if macro["package_name"] == project}
        self.of_node = cache(self._of_node)
        self._macros_below = cache(self._all_macros)

    def _of_node(self, id_: str) -> str:
        node = self._nodes[id_]
        depends_on = node["depends_on"]
        parts = [node["checksum"]["checksum"], node.get("raw_code") or ""]
        parts += [self.of_node(each) for each in sorted(depends_on.get("nodes", ())) if each in self._nodes]
        names = {name for each in depends_on.get("macros", ()) for name in self._macros_below(each)}
        parts += [self._macros[name]["macro_sql"] for name in sorted(names)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _all_macros(self, id_: str) -> frozenset[str]:
        """A macro, and all that it calls."""
        found: set[str] = set()
        waiting = [id_]
        while waiting:
            if (each := waiting.pop()) in self._macros and each not in found:
                found.add(each)
                waiting += self._macros[each]["depends_on"]["macros"]
        return frozenset(found)
