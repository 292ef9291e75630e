"""SQLMesh on DuckDB: a project of its own, incremental by ranges of months."""
