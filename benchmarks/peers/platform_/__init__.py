"""The platform itself: its loader, dbt's facts, a metric by its definition, and SQL on its DuckDB file."""
