"""Names and values written into SQL: the one place that quotes them.

Values go in as parameters where DuckDB takes parameters. This is for where it does not: names of tables and columns,
paths in table functions and `attach`.
"""

from pathlib import Path


def identifier(*parts: str) -> str:
    """A name as SQL, whatever is in it; of several parts a qualified name, such as `"raw_data"."green_taxi"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str | Path) -> str:
    """A text or a path as a string in SQL, with its quotes."""
    return "'" + str(value).replace("'", "''") + "'"
