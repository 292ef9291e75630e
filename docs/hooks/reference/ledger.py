"""The page of the ledger's tables, from the comments beside their columns in `warehouse/ledger/schema.py`."""

import re
from collections.abc import Iterator

from docs.hooks.markup import code, heading, paragraph, table, text
from warehouse.ledger import schema

_TABLE = re.compile(r"((?:^--[^\n]*\n)*)create table if not exists ([a-z_.]+) \(\n(.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"    (?!primary key)([a-z_]+) ([a-z]+)([^,\n-]*),? *(?:-- *(.*))?$", re.MULTILINE)
_KEY = re.compile(r"primary key \(([^)]*)\)")


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    parts = [
        "# Ledger\n\n",
        paragraph(
            text(
                "The tables of `meta`, in the DuckDB file and, as of its time, in every release. Whoever does the work"
            ),
            text("writes them: a run from the terminal, cron or Dagster looks the same. Times are UTC."),
        ),
    ]
    for comment, name, body in _TABLE.findall("\n".join((schema.TABLES, schema.MIGRATIONS))):
        parts.append(heading(2, name, name.rpartition(".")[2]))
        if comment:
            parts.append(paragraph(text(" ".join(line.lstrip("- ") for line in comment.splitlines()))))
        key = _KEY.search(body)
        keys = {column.strip() for column in key[1].split(",")} if key else set()
        parts.append(
            table(("column", "type", "what it says"), (_row(column, keys) for column in _COLUMN.findall(body)))
        )
    yield "reference/ledger.md", "".join(parts)


def _row(column: tuple[str, str, str, str], keys: set[str]) -> tuple[str, str, str]:
    name, type_, constraint, words = column
    is_key = name in keys or "primary key" in constraint
    missing = "" if is_key or "not null" in constraint else " May be missing."
    return code(name), code(type_), text(f"{words}{' Key.' if is_key else ''}{missing}".strip())
