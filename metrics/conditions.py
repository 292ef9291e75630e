"""Conditions that people write for metrics: comparisons of dimensions, and no other SQL.

MetricFlow copies conditions into its SQL as they are. So DuckDB's parser checks each one first: it must not read a
table, a file or the network, end the statement or begin another. `spark_conditions` writes them for Spark.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

# The grains of times, finest first.
GRAINS = ("hour", "day", "week", "month", "quarter", "year")

# MetricFlow's own templates, with names and grains as plain text.
_TEXT = r"""(?:'\w+'|"\w+")"""
_REFERENCE = re.compile(
    rf"\{{\{{\s*(?:Dimension|TimeDimension|Entity|Metric)\(\s*{_TEXT}(?:\s*,\s*(?:\[\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\]|{_TEXT}))*"
    rf"\s*\)(?:\.(?:grain|date_part)\(\s*{_TEXT}\s*\))?\s*\}}\}}",
    re.ASCII,
)
# A name that stands for a reference, by its number. It goes on after the number, so that a digit makes no other of it.
_PLACEHOLDER = "a_dimension_of_metricflow_{}_"

# No person writes more; who does wants to keep the parser busy.
_LONGEST = 10_000

# What a comparison may consist of: DuckDB's names for the nodes of its syntax tree.
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
    """The text is not one valid condition; the message says why."""


@dataclass(frozen=True)
class Condition:
    """A condition that has been checked.

    `text` is what a person wrote, `written` the same with MetricFlow's references. `tree` is DuckDB's syntax tree of
    it, where the columns are the references: `reference` finds them.
    """

    text: str
    written: str
    references: tuple[str, ...]
    tree: dict[str, Any]

    def reference(self, column: dict[str, Any]) -> str:
        """The reference that a column of the tree stands for."""
        return self.references[_placeholders(self.references).index(column["column_names"][0])]

    def refused(self, why: str) -> ConditionError:
        """The error that says why the condition is refused."""
        return _refused(self.text, why)


def as_filter(condition: str) -> str:
    """Turn a condition on plain names (`date__season = 'winter'`) into MetricFlow's form, in parentheses.

    MetricFlow's own references (`{{ Dimension('date__season') }}`) stay as they are.

    Raises:
        ConditionError: the text is not one condition on dimensions.
    """
    return f"({read_condition(condition).written})"


def read_condition(condition: str) -> Condition:
    """Check a condition.

    Raises:
        ConditionError: the text is not one condition on dimensions.
    """
    if len(condition) > _LONGEST:
        raise _refused(condition, f"it is longer than {_LONGEST:,} characters")
    # Text between quotes is a value, whatever it looks like.
    parts = re.split(rf"({_REFERENCE.pattern}|'(?:[^']|'')*')", condition, flags=re.ASCII)
    written = "".join(
        part if part.startswith(("'", "{{")) else re.sub(r"\b\w+?__\w+\b", _as_reference, part) for part in parts
    )
    references = tuple(found[0] for found in _REFERENCE.finditer(written))
    names = _placeholders(references)
    following = iter(names)
    tree = _checked(condition, _REFERENCE.sub(lambda _: next(following), written), names)
    return Condition(condition, written, references, tree)


def _placeholders(references: Sequence[str]) -> list[str]:
    return [_PLACEHOLDER.format(number) for number in range(len(references))]


def _as_reference(name: re.Match[str]) -> str:
    owner, _, last = name[0].rpartition("__")
    if last in GRAINS:
        return f"{{{{ TimeDimension('{owner}', '{last}') }}}}"
    return f"{{{{ Dimension('{name[0]}') }}}}"


def open_calculator() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that reads no file and no address, for what people write."""
    return duckdb.connect(config={"enable_external_access": "false", "autoload_known_extensions": "false"})


def _checked(condition: str, sql: str, names: Sequence[str]) -> dict[str, Any]:
    """The syntax tree of the SQL, in which each reference has been replaced by one of the names.

    Raises:
        ConditionError: it is not one condition.
    """
    trees = []
    if any(sign in sql for sign in ("{{", "{%", "{#")):
        raise _refused(condition, "only Dimension, TimeDimension, Entity and Metric of plain names may be templates")
    with open_calculator() as parser:
        # With and without parentheses: `a) or (b` is valid only with them, `a order by b` only without.
        for statement in (f"select 1 where {sql}", f"select 1 where ({sql}\n)"):
            (text,) = parser.execute("select json_serialize_sql($1)", [statement]).fetchall()[0]
            parsed = json.loads(text)
            if parsed["error"]:
                # Only syntax errors have a helpful message; the others are about the kind of statement.
                is_syntax = parsed.get("error_type") == "parser"
                raise _refused(condition, parsed["error_message"] if is_syntax else "it goes on after the condition")
            trees.append(_condition_in(condition, parsed["statements"], names))
    if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(sql)):
        raise _refused(condition, "it has a comment")
    return trees[0]


def _condition_in(condition: str, statements: list[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    node = statements[0]["node"]
    if len(statements) != 1 or node["type"] != "SELECT_NODE":
        raise _refused(condition, "it goes on after the condition")
    rest = ("modifiers", "group_expressions", "group_sets", "having", "qualify", "sample")
    if any(node.get(part) for part in rest) or node["from_table"]["type"] != "EMPTY":
        raise _refused(condition, "it goes on after the condition")
    for part in nodes(node["where_clause"]):
        kind = part["class"]
        if kind not in _ALLOWED:
            raise _refused(condition, f"a {kind.lower()} is not allowed in a condition on dimensions")
        if kind == "COLUMN_REF" and ".".join(part["column_names"]) not in names:
            raise _refused(condition, f"{'.'.join(part['column_names'])!r} is not the name of a dimension")
    where: dict[str, Any] = node["where_clause"]
    return where


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    """All expressions in a syntax tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def _refused(condition: str, why: str) -> ConditionError:
    shown = condition if len(condition) <= 120 else f"{condition[:120]} …"
    return ConditionError(
        f"expected one condition on dimensions, such as trip__is_rain and date__season = 'winter', "
        f"but got {shown!r}: {why[:200]}"
    )
