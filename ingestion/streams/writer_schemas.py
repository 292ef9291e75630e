"""Schemas of writers, as the registry has them: checked, and reduced to what reading needs.

A schema comes from outside, and so do the bytes that are read by it. What makes reading unbounded is refused here:
schemas that contain themselves, and arrays whose items take no bytes, of which a few bytes announce billions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastavro.schema import parse_schema

from ingestion.readers.columns import MAX_COLUMNS

_MOST_CHARACTERS = 1_000_000
_DEEPEST = 40
_MOST_VALUES = 5_000
# So many values a byte of a message at most.
_VALUES_A_BYTE = 8

_BYTES_AT_LEAST = {"null": 0, "float": 4, "double": 8}
_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


class BadSchemaError(ValueError):
    """A schema that nothing can be read by. The message continues "expected …, but …"."""


@dataclass(frozen=True)
class WriterField:
    """A field of the record that a writer writes. `type` is Avro's, with names resolved where it is one itself."""

    name: str
    aliases: tuple[str, ...]
    type: Any


@dataclass(frozen=True)
class WriterSchema:
    """What a writer writes. `decoder` is its schema for fastavro.

    It has no logical types: times come as numbers, which a whole column turns into times at once. Enums come as
    numbers too, for fastavro takes a negative one for the last symbol.
    """

    fields: tuple[WriterField, ...]
    decoder: Any


def read_writer_schema(text: str) -> WriterSchema:
    """The schema of a text as the registry has it.

    Raises:
        BadSchemaError: it is not a schema of Avro, not of a record, or not one that can be read safely.
    """
    try:
        if len(text) > _MOST_CHARACTERS:
            raise BadSchemaError(f"expected at most {_MOST_CHARACTERS:,} characters, but it has {len(text):,}")
        given = json.loads(text)
        _refuse_depth(given)
        parsed = parse_schema(given)
    except BadSchemaError:
        raise
    # Whatever a schema does to a library, it must not stop the others.
    except Exception as error:
        raise BadSchemaError(f"expected a schema of Avro, but {type(error).__name__}: {str(error)[:150]}") from error
    if not isinstance(parsed, dict) or parsed.get("type") != "record":
        raise BadSchemaError(f"expected a record, but it is {text[:60]!a}")
    reduction = _Reduction(parsed)
    return WriterSchema(reduction.fields, parse_schema(reduction.decoder))


def _refuse_depth(node: Any, depth: int = 0) -> None:
    if depth > 2 * _DEEPEST:
        raise BadSchemaError(f"expected at most {_DEEPEST} levels, but it has more")
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _refuse_depth(child, depth + 1)


class _Reduction:
    """A parsed schema, without what reading does not need."""

    def __init__(self, parsed: Mapping[str, Any]) -> None:
        self._named: dict[str, Any] = {}
        self._collect(parsed)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._open: set[str] = set()
        self._written: set[str] = set()
        if len(parsed["fields"]) > MAX_COLUMNS:
            raise BadSchemaError(f"expected at most {MAX_COLUMNS} fields, but it has {len(parsed['fields']):,}")
        values, _ = self._size(parsed)
        if values > _MOST_VALUES:
            raise BadSchemaError(f"expected at most {_MOST_VALUES:,} values in a message, but it has more")
        self.fields = tuple(
            WriterField(field["name"], tuple(map(str, field.get("aliases") or ())), self._resolved(field["type"]))
            for field in parsed["fields"]
        )
        self._written.add(parsed["name"])
        self.decoder = {
            "type": "record",
            "name": parsed["name"],
            "fields": [{"name": field.name, "type": self._without_enums(field.type)} for field in self.fields],
        }

    def _collect(self, node: Any) -> None:
        """Note every named type: fastavro has written their names in full."""
        if isinstance(node, list):
            for branch in node:
                self._collect(branch)
        elif isinstance(node, dict):
            if "name" in node and node.get("type") in ("record", "error", "enum", "fixed"):
                self._named[node["name"]] = node
            for child in (node.get("type"), node.get("items"), node.get("values")):
                if isinstance(child, dict | list):
                    self._collect(child)
            for field in node.get("fields") or ():
                self._collect(field["type"])

    def _resolved(self, node: Any) -> Any:
        """A type with its definition in place of its name; of a union, that of each branch."""
        if isinstance(node, list):
            return [self._resolved(branch) for branch in node]
        if isinstance(node, dict) and isinstance(node.get("type"), dict | list):
            return self._resolved(node["type"])
        return self._named.get(node, node) if isinstance(node, str) else node

    def _size(self, node: Any) -> tuple[int, int]:
        """How many values a type has at most, and how many bytes at least, without the items of arrays and maps."""
        node = self._resolved(node)
        if isinstance(node, list):
            return 1 + max((self._size(branch)[0] for branch in node), default=0), 1
        kind = node["type"] if isinstance(node, dict) else node
        if kind in ("array", "map"):
            self._check_items(node["items" if kind == "array" else "values"], is_map=kind == "map")
            return 1, 1
        if kind == "fixed":
            return 1, node["size"]
        if kind in ("record", "error"):
            return self._size_of_record(node)
        return 1, _BYTES_AT_LEAST.get(kind, 1)

    def _size_of_record(self, node: Mapping[str, Any]) -> tuple[int, int]:
        name = node["name"]
        if name in self._open:
            raise BadSchemaError(f"expected a schema that does not contain itself, but {name[:60]!a} does")
        if name not in self._sizes:
            self._open.add(name)
            sizes = [self._size(field["type"]) for field in node["fields"]]
            self._open.discard(name)
            self._sizes[name] = (1 + sum(values for values, _ in sizes), sum(least for _, least in sizes))
        return self._sizes[name]

    def _check_items(self, items: Any, *, is_map: bool) -> None:
        values, least = self._size(items)
        if values > _VALUES_A_BYTE * (least + is_map):
            raise BadSchemaError("expected items that take bytes of a message, but those of an array or map take none")

    def _without_enums(self, node: Any) -> Any:
        """The type of a field of the message, with a number in place of an enum."""
        if isinstance(node, list):
            return [self._without_enums(branch) for branch in node]
        return "int" if isinstance(node, dict) and node.get("type") == "enum" else self._reduced(node)

    def _reduced(self, node: Any) -> Any:
        """A type without logical types, defaults and descriptions."""
        node = self._resolved(node)
        if isinstance(node, list):
            return [self._reduced(branch) for branch in node]
        if isinstance(node, str):
            return node
        kind = node["type"]
        if kind in _PRIMITIVES:
            return kind
        if kind in ("array", "map"):
            items = "items" if kind == "array" else "values"
            return {"type": kind, items: self._reduced(node[items])}
        if node["name"] in self._written:
            return node["name"]
        self._written.add(node["name"])
        if kind == "fixed":
            return {"type": kind, "name": node["name"], "size": node["size"]}
        if kind == "enum":
            return {"type": kind, "name": node["name"], "symbols": node["symbols"]}
        fields = [{"name": field["name"], "type": self._reduced(field["type"])} for field in node["fields"]]
        return {"type": "record", "name": node["name"], "fields": fields}
