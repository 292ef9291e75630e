"""Find SQL in models, data tests and macros that only one of the engines knows, or that they read differently.

What is spelled differently belongs into a macro of `dbt/macros/engine/`, or into one of dbt's own.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

# What `show system functions` says in Spark. A test of tests/spark says when it has to be written anew.
SPARK_FUNCTIONS = Path(__file__).with_name("spark_functions.txt")

# Words of the grammar that stand before a bracket, and functions that DuckDB keeps in its grammar.
_GRAMMAR = """
    all and as by case cast coalesce cross decimal distinct else end except exists extract filter from group having in
    inner intersect is join lateral left like limit not nullif on or order over partition recursive right select then
    try_cast union using values when where with substring trim position overlay grouping
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
"""

# Both engines have a function of this name, and it does something else. What to write in its place.
READ_DIFFERENTLY = {
    "add_months": "add_months of dbt/macros/dates.sql",
    "any_value": "min or max: which value it is differs",
    "array_agg": "list_in_order",
    "concat": "||, because DuckDB leaves nulls out",
    "date_add": "add_days",
    "date_diff": "days_between",
    "date_part": "date_part_integer",
    "date_sub": "add_days",
    "date_trunc": "month_start or hour_start",
    "dateadd": "add_days or dbt.dateadd",
    "datediff": "days_between or dbt.datediff",
    "dayname": "day_name",
    "dayofweek": "iso_day_of_week",
    "extract": "date_part_integer",
    "first": "min or max: which value it is differs",
    "hash": "dbt.hash",
    "last": "min or max: which value it is differs",
    "listagg": "dbt.listagg",
    "log": "ln or log10",
    "make_timestamp": "dbt.cast of a text",
    "max_by": "last_by, because Spark takes a missing value, too",
    "median": "median of dbt/macros/engine/sets.sql",
    "min_by": "first_by, because Spark takes a missing value, too",
    "mode": "min or max: which value it is differs",
    "monthname": "month_name",
    "regexp_extract": "a macro of dbt/macros/engine/",
    "regexp_replace": "a macro of dbt/macros/engine/",
    "round": "round_to, or rounded for a sum or mean",
    "split": "dbt.split_part",
    "split_part": "dbt.split_part",
    "string_agg": "dbt.listagg",
    "to_json": "json_of_objects or json_of_pairs",
    "trim": "trimmed",
    "weekday": "iso_day_of_week",
}
# What is written for a type after `as`. dbt.type_string() is the one of texts.
_TYPES = ("bigint", "boolean", "date", "decimal", "double", "integer", "smallint", "timestamp")

_OPERATORS = {
    TokenType.DCOLON: "`::`: write cast(… as …)",
    TokenType.DIV: "`//`: write a macro",
    TokenType.QUALIFY: "`qualify`: write a CTE and where",
    TokenType.L_BRACKET: "`[`: lists and elements have macros in dbt/macros/engine/lists.sql",
    TokenType.L_BRACE: "`{`: structs have macros in dbt/macros/engine/lists.sql",
    TokenType.ARROW: "`->`: write a macro",
    TokenType.DARROW: "`->>`: write a macro",
    TokenType.DSTAR: "`**`: write power()",
    TokenType.CARET: "`^`: write power()",
    TokenType.INTERVAL: "`interval`: write add_days, add_hours, add_minutes or dbt.dateadd",
    TokenType.PIVOT: "`pivot`: write case when",
    TokenType.UNPIVOT: "`unpivot`: write union all",
    TokenType.ASOF: "`asof`: write a window",
    TokenType.TABLE_SAMPLE: "`using sample`",
}
_WORDS = {
    "exclude": "`exclude`: name the columns",
    "at": "`at time zone`: write utc_to_new_york or another macro",
    "ilike": "`ilike`: write lower(…) like",
    "similar": "`similar to`: write matches",
    "glob": "`glob`: write like or matches",
    "positional": "`positional join`",
    "lambda": "`lambda`: lists have macros in dbt/macros/engine/lists.sql",
    "timestamptz": "the type timestamptz",
    "hugeint": "the type hugeint",
}

_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_JINJA_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_CALL = re.compile(r"(?<![\w.])([a-z_][a-z0-9_]*)\(")


@cache
def functions_of_both() -> frozenset[str]:
    """The names of functions that both engines have, and words of the grammar."""
    rows = duckdb.execute("select distinct function_name from duckdb_functions()").fetchall()
    return frozenset(_functions_of_spark() & {str(name) for (name,) in rows} | set(_GRAMMAR.split()))


@cache
def _functions_of_spark() -> set[str]:
    return set(SPARK_FUNCTIONS.read_text().split())


def faults_of(text: str, macros: frozenset[str] = frozenset()) -> list[str]:
    """What only one engine knows in the text of a file, `line: what is wrong`; Jinja's texts are SQL, too.

    `macros` are names that Jinja's texts may say with a bracket, as messages do.
    """
    return [f"{line}: {fault}" for line, fault in sorted({*_faults_outside(text), *_faults_in_jinja(text, macros)})]


def _faults_outside(text: str) -> Iterator[tuple[int, str]]:
    # What Jinja writes is a name, and stands on as many lines.
    def written(match: re.Match[str]) -> str:
        return ("jinja" if match[0].startswith("{{") else "") + "\n" * match[0].count("\n")

    tokens = Dialect.get_or_raise("duckdb").tokenize(_JINJA.sub(written, text))
    brackets: list[str] = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.token_type is TokenType.L_PAREN:
            brackets.append(before.text.lower() if before else "")
        elif token.token_type is TokenType.R_PAREN and brackets:
            brackets.pop()
        of_cast = bool(brackets) and brackets[-1] in ("cast", "try_cast")
        fault = _fault_of(before, token, after)
        if of_cast and before and before.token_type is TokenType.ALIAS:
            fault = _fault_of_type(token.text.lower())
        if fault:
            yield token.line, fault


def _fault_of(before: Token | None, token: Token, after: Token | None) -> str | None:
    word = token.text.lower()
    if token.token_type is TokenType.STRING:
        return "a backslash in a text: Spark reads an escape, write engine_literal" if "\\" in word else None
    if token.token_type is TokenType.IDENTIFIER:
        return f'"{token.text}": for Spark it is a text'
    if token.token_type in _OPERATORS:
        return _OPERATORS[token.token_type]
    if after and after.token_type is TokenType.L_PAREN and re.fullmatch("[a-z_][a-z0-9_]*", word):
        # After `as` it is a table's name with those of its columns.
        of_table = before and before.token_type in (TokenType.DOT, TokenType.ALIAS)
        return None if of_table else _fault_of_function(word)
    if word in _WORDS:
        return _WORDS[word]
    if word == "by" and after and after.text.lower() in ("name", "all"):
        return f"`by {after.text.lower()}`: name the columns"
    return None


def _fault_of_type(name: str) -> str | None:
    return None if name in {*_TYPES, "jinja"} else f"the type {name}: one of {', '.join(_TYPES)}, or dbt's"


def _fault_of_function(name: str) -> str | None:
    if name in READ_DIFFERENTLY:
        return f"{name}(): the engines read it differently, write {READ_DIFFERENTLY[name]}"
    if name in functions_of_both() or name == "jinja":
        return None
    return f"{name}(): known to Spark alone" if name in _functions_of_spark() else f"{name}(): not known to Spark"


def _faults_in_jinja(text: str, macros: frozenset[str]) -> Iterator[tuple[int, str]]:
    for block in _JINJA.finditer(text):
        if block[0].startswith("{#"):
            continue
        for quoted in _JINJA_TEXT.finditer(block[0]):
            line = text.count("\n", 0, block.start() + quoted.start()) + 1
            content = quoted[1] or quoted[2] or ""
            if "::" in content:
                yield line, _OPERATORS[TokenType.DCOLON]
            for call in _CALL.finditer(content):
                if call[1] not in macros and (fault := _fault_of_function(call[1])):
                    yield line, fault
