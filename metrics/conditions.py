"""Conditions that people write for metrics: one comparison or several, and nothing else of SQL.

DuckDB's own parser says what a condition is. So nothing that reads a table, a file or the network, ends the statement
or begins another comes as far as MetricFlow, which puts conditions into its SQL as they are.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

_GRAINS = ("hour", "day", "week", "month", "quarter", "year")

# What MetricFlow is asked for by its own templates: names and grains as plain text.
_TEXT = r"""(?:'\w+'|"\w+")"""
_REFERENCE = re.compile(
    rf"\{{\{{\s*(?:Dimension|TimeDimension|Entity|Metric)\(\s*{_TEXT}(?:\s*,\s*(?:\[\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\]|{_TEXT}))*"
    rf"\s*\)(?:\.(?:grain|date_part)\(\s*{_TEXT}\s*\))?\s*\}}\}}",
    re.ASCII,
)
_PLACEHOLDER = "a_dimension_of_metricflow"

# What a comparison is made of, in DuckDB's words for the nodes of its syntax tree.
_ALLOWED = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
    "TYPE",
}


class ConditionError(ValueError):
    """What was given is not one condition; the message says why."""


def as_filter(condition: str) -> str:
    """A condition on plain names (`trip__trip_type = 'fhv'`) as MetricFlow wants it, in parentheses.

    References in MetricFlow's own words (`{{ Dimension('trip__trip_type') }}`) stay as they are.

    Raises:
        ConditionError: it is not one condition on dimensions.
    """
    # What is between quotes is a value, whatever it looks like.
    parts = re.split(rf"({_REFERENCE.pattern}|'(?:[^']|'')*')", condition, flags=re.ASCII)
    written = "".join(
        part if part.startswith(("'", "{{")) else re.sub(r"\b\w+?__\w+\b", _as_reference, part) for part in parts
    )
    _check(condition, _REFERENCE.sub(_PLACEHOLDER, written))
    return f"({written})"


def _as_reference(name: re.Match[str]) -> str:
    owner, _, last = name[0].rpartition("__")
    if last in _GRAINS:
        return f"{{{{ TimeDimension('{owner}', '{last}') }}}}"
    return f"{{{{ Dimension('{name[0]}') }}}}"


def _check(condition: str, sql: str) -> None:
    """Raise ConditionError unless the SQL, in which each reference is one name, is one condition."""
    if any(sign in sql for sign in ("{{", "{%", "{#")):
        raise _refused(condition, "templates may only be Dimension, TimeDimension, Entity and Metric of plain names")
    with duckdb.connect(config={"enable_external_access": "false", "autoload_known_extensions": "false"}) as parser:
        # Parsed with and without parentheses: `a) or (b` is a condition only with them, `a order by b` only without.
        for statement in (f"select 1 where {sql}", f"select 1 where ({sql}\n)"):
            (text,) = parser.execute("select json_serialize_sql($1)", [statement]).fetchall()[0]
            parsed = json.loads(text)
            if parsed["error"]:
                # Of another kind of statement DuckDB says something else.
                is_syntax = parsed.get("error_type") == "parser"
                raise _refused(condition, parsed["error_message"] if is_syntax else "it goes on after the condition")
            _check_statements(condition, parsed["statements"])
    if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(sql)):
        raise _refused(condition, "it has a comment")


def _check_statements(condition: str, statements: list[dict[str, Any]]) -> None:
    node = statements[0]["node"]
    if len(statements) != 1 or node["type"] != "SELECT_NODE":
        raise _refused(condition, "it goes on after the condition")
    rest = ("modifiers", "group_expressions", "group_sets", "having", "qualify", "sample")
    if any(node.get(part) for part in rest) or node["from_table"]["type"] != "EMPTY":
        raise _refused(condition, "it goes on after the condition")
    for part in _nodes(node["where_clause"]):
        kind = part["class"]
        if kind not in _ALLOWED:
            raise _refused(condition, f"it has a {kind.lower()}, which a condition on dimensions does not need")
        if kind == "COLUMN_REF" and part["column_names"] != [_PLACEHOLDER]:
            raise _refused(condition, f"{'.'.join(part['column_names'])!r} is not the name of a dimension")


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every expression of a syntax tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _refused(condition: str, why: str) -> ConditionError:
    shown = condition if len(condition) <= 120 else f"{condition[:120]} …"
    return ConditionError(
        f"expected one condition on dimensions, such as trip__trip_type = 'fhv' and trip__is_rain, "
        f"but got {shown!r}: {why[:200]}"
    )
