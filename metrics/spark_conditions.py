"""Conditions that people write, in Spark's SQL: written anew from DuckDB's syntax tree, so that nothing of their text
gets into it.

What has no dimension in it, DuckDB works out, and Spark gets the value. Comparisons, `and`, `or`, `not`, `in`,
`between`, `is null`, `case` and `coalesce` mean the same on both engines, and so do the functions below. All else is
refused: what rounds, matches patterns or writes numbers as text, the two do differently.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from metrics.conditions import Condition, nodes, open_calculator, read_condition

_COMPARISONS = {
    "COMPARE_EQUAL": "{} = {}",
    "COMPARE_NOTEQUAL": "{} <> {}",
    "COMPARE_LESSTHAN": "{} < {}",
    "COMPARE_GREATERTHAN": "{} > {}",
    "COMPARE_LESSTHANOREQUALTO": "{} <= {}",
    "COMPARE_GREATERTHANOREQUALTO": "{} >= {}",
    "COMPARE_NOT_DISTINCT_FROM": "{} <=> {}",
    "COMPARE_DISTINCT_FROM": "NOT ({} <=> {})",
}
_OPERATORS = {"OPERATOR_NOT": "NOT {}", "OPERATOR_IS_NULL": "{} IS NULL", "OPERATOR_IS_NOT_NULL": "{} IS NOT NULL"}

# By DuckDB's name and the number of arguments.
_FUNCTIONS = {
    ("+", 2): "{} + {}",
    ("-", 2): "{} - {}",
    ("*", 2): "{} * {}",
    ("-", 1): "- {}",
    **{(name, 1): f"{name.upper()}({{}})" for name in ("lower", "upper", "length", "abs", "year", "quarter", "month")},
    **{(name, 1): f"{name.upper()}({{}})" for name in ("day", "hour")},
    ("nullif", 2): "NULLIF({}, {})",
    ("starts_with", 2): "STARTSWITH({}, {})",
    ("prefix", 2): "STARTSWITH({}, {})",
    ("ends_with", 2): "ENDSWITH({}, {})",
    ("suffix", 2): "ENDSWITH({}, {})",
    ("contains", 2): "CONTAINS({}, {})",
}
_LIKES = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}

# Casts of what has a dimension in it. A cast to a whole number rounds on one engine only.
_TYPES = {"date": "DATE", "timestamp": "TIMESTAMP_NTZ", "double": "DOUBLE"}

# Spark leaves out the zone of such a text when it compares it with a time, and DuckDB does not.
_TIME_WITH_ZONE = re.compile(r"\s*\d{4}-\d\d?-\d\d?[ T]\d.*[-+]\d\d?(:?\d\d)?\s*", re.ASCII)

# What DuckDB may work out beforehand, beside the functions above: the same at any time, and never long.
_CONSTANT_FUNCTIONS = {
    *("/", "//", "%", "||", "trunc", "round", "floor", "ceil", "trim", "date_trunc", "make_date", "make_timestamp"),
    *(f"to_{unit}" for unit in ("years", "quarters", "months", "weeks", "days", "hours", "minutes", "seconds")),
    *(name for name, _ in _FUNCTIONS),
    *_LIKES,
}


def as_spark_filter(condition: str) -> str:
    """Turn a condition on plain names into MetricFlow's form, as `as_filter` does, for Spark.

    Raises:
        ConditionError: the text is not one condition on dimensions, or Spark would take it otherwise.
    """
    read = read_condition(condition)
    with open_calculator() as calculator:
        return f"({_Writer(read, calculator).write(read.tree)})"


def spark_literal(value: object) -> str | None:
    """A value as Spark writes it; None if there is no such value in Spark's SQL."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        # A longer one is no number to Spark that it compares well: it lets rows pass that have no value.
        case int() if -(2**63) <= value < 2**63:
            return str(value)
        case Decimal():
            return f"{value:f}D"
        case float() if math.isfinite(value):
            return f"{value!r}D"
        case str():
            return f"'{''.join(map(_escaped, value))}'"
        case datetime() if value.tzinfo is None:
            return f"TIMESTAMP_NTZ '{value.isoformat(' ')}'"
        case date() if not isinstance(value, datetime):
            return f"DATE '{value.isoformat()}'"
    return None


def _escaped(character: str) -> str:
    """A character of a text. In Spark a backslash begins an escape and `${` a variable, in MetricFlow `{` a template.

    MetricFlow indents whatever follows the end of a line, and there are more ends of lines than one.
    """
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable() and character not in "${":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _is_text(part: dict[str, Any]) -> bool:
    return part["class"] == "CONSTANT" and bool(part["literal"]["kind"] == "STRING")


class _Writer:
    """Writes the syntax tree of one condition."""

    def __init__(self, condition: Condition, calculator: duckdb.DuckDBPyConnection) -> None:
        self._condition = condition
        self._calculator = calculator
        (text,) = calculator.execute("select json_serialize_sql('select 1')").fetchall()[0]
        self._select: dict[str, Any] = json.loads(text)

    def write(self, part: dict[str, Any]) -> str:
        """An expression, in parentheses if it is more than a value."""
        if part["class"] == "COLUMN_REF":
            return self._condition.reference(part)
        if not self._has_dimension(part):
            return self._constant(part)
        ways: dict[str, Callable[[dict[str, Any]], str]] = {
            "BETWEEN": self._between,
            "CASE": self._case,
            "CAST": self._cast,
            "COMPARISON": self._comparison,
            "CONJUNCTION": self._conjunction,
            "FUNCTION": self._function,
            "OPERATOR": self._operator,
        }
        if way := ways.get(part["class"]):
            return f"({way(part)})"
        raise self._unknown(part["class"].lower())

    @staticmethod
    def _has_dimension(part: dict[str, Any]) -> bool:
        return any(each["class"] == "COLUMN_REF" for each in nodes(part))

    def _constant(self, part: dict[str, Any]) -> str:
        value = self._value(part)
        is_refused = isinstance(value, str) and _TIME_WITH_ZONE.fullmatch(value)
        if is_refused or (written := spark_literal(value)) is None:
            raise self._unknown(f"a value such as {value}")
        return written

    def _value(self, part: dict[str, Any]) -> object:
        """What DuckDB makes of an expression that has no dimension in it."""
        for each in nodes(part):
            if each["class"] == "FUNCTION" and each["function_name"] not in _CONSTANT_FUNCTIONS:
                raise self._unknown(f"the function {each['function_name']}")
        self._select["statements"][0]["node"]["select_list"] = [part]
        try:
            (sql,) = self._calculator.execute("select json_deserialize_sql($1)", [json.dumps(self._select)]).fetchall()
            found = self._calculator.execute(*sql)
            is_text = found.description[0][1] == duckdb.sqltypes.VARCHAR
            ((value,),) = found.fetchall()
        except (duckdb.Error, ValueError, OverflowError) as error:
            raise self._condition.refused(str(error).partition("\n")[0]) from error
        # What Python has no value for, such as a day before the first, comes as a text.
        if isinstance(value, str) and not is_text:
            raise self._unknown(f"a value such as {value}")
        return value

    def _compared(self, *parts: dict[str, Any]) -> list[str]:
        """Expressions that are compared with each other.

        Where one is a time with its grain, DuckDB reads the others: Spark takes `2025-01` for a day, and more.
        """
        types = {
            "DATE" if re.search(r"'day'", reference) else "TIMESTAMP"
            for part in parts
            if part["class"] == "COLUMN_REF" and "TimeDimension(" in (reference := self._condition.reference(part))
        }
        return [self._text_as(min(types), part) if types and _is_text(part) else self.write(part) for part in parts]

    def _text_as(self, type_name: str, part: dict[str, Any]) -> str:
        kind = {"class": "TYPE", "type": "TYPE", "type_name": type_name, "qualified_name": {"path": [type_name]}}
        return self._constant({"class": "CAST", "type": "OPERATOR_CAST", "child": part, "type_expr": kind})

    def _between(self, part: dict[str, Any]) -> str:
        return "{} BETWEEN {} AND {}".format(*self._compared(part["input"], part["lower"], part["upper"]))

    def _case(self, part: dict[str, Any]) -> str:
        checks = (
            f"WHEN {self.write(check['when_expr'])} THEN {self.write(check['then_expr'])}"
            for check in part["case_checks"]
        )
        return f"CASE {' '.join(checks)} ELSE {self.write(part['else_expr'])} END"

    def _cast(self, part: dict[str, Any]) -> str:
        name = part["type_expr"]["type_name"].lower()
        if name not in _TYPES:
            raise self._unknown(f"a cast of a dimension to {name}")
        return f"{'TRY_CAST' if part['try_cast'] else 'CAST'}({self.write(part['child'])} AS {_TYPES[name]})"

    def _comparison(self, part: dict[str, Any]) -> str:
        return _COMPARISONS[part["type"]].format(*self._compared(part["left"], part["right"]))

    def _conjunction(self, part: dict[str, Any]) -> str:
        word = {"CONJUNCTION_AND": " AND ", "CONJUNCTION_OR": " OR "}[part["type"]]
        return word.join(self.write(child) for child in part["children"])

    def _function(self, part: dict[str, Any]) -> str:
        name: str = part["function_name"]
        arguments = [argument["expression"] for argument in part["arguments"]]
        plain = not (part.get("distinct") or part.get("filter") or part["order_bys"].get("orders"))
        if plain and len(part["qualified_name"]["path"]) == 1:
            if name in _LIKES:
                return f"{self.write(arguments[0])} {_LIKES[name]} {self._pattern(arguments[1])}"
            if form := _FUNCTIONS.get((name, len(arguments))):
                return form.format(*map(self.write, arguments))
        raise self._unknown(f"the function {name}")

    def _pattern(self, part: dict[str, Any]) -> str:
        """What `like` compares with. Only Spark takes a backslash in it as an escape."""
        pattern = None if self._has_dimension(part) else self._value(part)
        if not isinstance(pattern, str):
            raise self._unknown("like with anything but a text")
        return str(spark_literal(pattern.replace("\\", "\\\\")))

    def _operator(self, part: dict[str, Any]) -> str:
        children = self._compared(*part["children"])
        if part["type"] == "COMPARE_IN":
            return f"{children[0]} IN ({', '.join(children[1:])})"
        if part["type"] == "OPERATOR_COALESCE":
            return f"COALESCE({', '.join(children)})"
        if form := _OPERATORS.get(part["type"]):
            return form.format(*children)
        raise self._unknown(part["type"].lower().replace("_", " "))

    def _unknown(self, what: str) -> Exception:
        return self._condition.refused(
            f"{what} is not known to mean the same on Spark. Write it with comparisons, or ask DuckDB"
        )
