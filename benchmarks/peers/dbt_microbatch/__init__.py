"""dbt with the incremental strategy microbatch on DuckDB: a project of its own, with batches of a month."""
