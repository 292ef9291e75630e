"""Quote names and values in SQL. This is the only module that does.

Pass values as parameters where DuckDB accepts them. Use these functions where it does not: for names of tables and
columns, and for paths in table functions and `attach`.
"""

from pathlib import Path


def identifier(*parts: str) -> str:
    """Quote a name. Several parts make a qualified name, such as `"raw_data"."trips"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str | Path) -> str:
    """A text or a path as a quoted string in SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def spark_identifier(*parts: str) -> str:
    """Quote a name for Spark."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def spark_literal(value: str) -> str:
    """A text as a quoted string in Spark's SQL, where a backslash begins an escape."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
