"""The pool that keeps runs from writing to the DuckDB file at once."""

# One slot (dagster.yaml): DuckDB allows one writing process.
WRITER_POOL = "duckdb_writer"
