"""The pool that lets only one run at a time write to the DuckDB file."""

# It has one slot (dagster.yaml), because DuckDB allows one writing process.
WRITER_POOL = "duckdb_writer"
