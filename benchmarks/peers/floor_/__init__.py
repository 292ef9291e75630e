"""The floor: DuckDB alone, with the shortest SQL."""
