"""From what a writer writes to the columns of a feed: a plan a schema.

Fields are matched by name, in whatever spelling, then by the aliases that the writer gives them. A column without a
field is null, if it may be. A field without a column is kept as a column of its own.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.feeds import Column, Feed
from ingestion.readers.columns import match_key
from ingestion.streams.conversions import Conversion, conversion_of, conversion_to
from ingestion.streams.rejects import Reason
from ingestion.streams.writer_schemas import BadSchemaError, WriterField, WriterSchema, read_writer_schema


@dataclass(frozen=True)
class Planned:
    """A field of the message and how it is converted; to a declared column, or one of its own."""

    field: str
    conversion: Conversion
    column: Column | None


@dataclass(frozen=True)
class Plan:
    """How messages of one schema are read. `decoder` is the schema for fastavro."""

    schema_id: int
    decoder: Any
    declared: tuple[Planned, ...]
    undeclared: tuple[Planned, ...]


@dataclass(frozen=True)
class Unreadable:
    """Why no message of a schema can be read."""

    reason: Reason
    explanation: str


def plan_of(feed: Feed, schema_id: int, text: str) -> Plan | Unreadable:
    """How messages of a schema, given as the registry's text, become rows of a feed; or why they cannot."""
    try:
        schema = read_writer_schema(text)
        fields = _matched(feed, schema)
        declared = tuple(_planned(feed, column, fields.get(column.name)) for column in feed.columns)
    except BadSchemaError as error:
        return Unreadable(Reason.INCOMPATIBLE_SCHEMA, f"schema {schema_id}: {error}")
    taken = {field.name for field in fields.values()}
    undeclared = tuple(
        Planned(field.name, conversion_of(field.type), None) for field in schema.fields if field.name not in taken
    )
    return Plan(schema_id, schema.decoder, tuple(one for one in declared if one is not None), undeclared)


def _matched(feed: Feed, schema: WriterSchema) -> Mapping[str, WriterField]:
    """The field of each column that has one."""
    counted = Counter(match_key(field.name) for field in schema.fields)
    twice = [field.name for field in schema.fields if counted[match_key(field.name)] > 1]
    if twice:
        raise BadSchemaError(f"expected each field once, but {', '.join(twice)[:100]} are the same in snake_case")
    columns = {match_key(column.name): column.name for column in feed.columns}
    fields = {columns[key]: field for field in schema.fields if (key := match_key(field.name)) in columns}
    by_name = set(fields)
    for field in schema.fields:
        if match_key(field.name) in columns:
            continue
        for alias in field.aliases:
            # An alias may have a namespace.
            column = columns.get(match_key(alias.rpartition(".")[2]))
            if column is None or column in by_name:
                continue
            if column in fields and fields[column] != field:
                raise BadSchemaError(
                    f"expected one field for {column}, but {fields[column].name[:60]!a} and {field.name[:60]!a} both "
                    "have it as an alias"
                )
            fields[column] = field
    return fields


def _planned(feed: Feed, column: Column, field: WriterField | None) -> Planned | None:
    """How a column is read; None where it has no field and may be null.

    Raises:
        BadSchemaError: it has none and must not be null, or its field is of another type.
    """
    if field is None:
        if column.required:
            raise BadSchemaError(
                f"expected the field {column.name} ({column.type}), as {feed.declared_in} declares, but it has none"
            )
        return None
    conversion = conversion_to(column.type, field.type)
    if conversion is None:
        raise BadSchemaError(
            f"expected the field {field.name[:60]!a} to be readable as {column.type}, as {feed.declared_in} declares, "
            f"but it is {_described(field.type)}"
        )
    return Planned(field.name, conversion, column)


def _described(written: Any) -> str:
    """A type of Avro in words."""
    if isinstance(written, list):
        return " or ".join(map(_described, written))[:150]
    if isinstance(written, dict):
        logical = f" ({written['logicalType']})" if written.get("logicalType") else ""
        return f"{written['type']}{logical}"[:60]
    return str(written)[:60]
