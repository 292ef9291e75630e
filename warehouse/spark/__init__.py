"""The second engine: Spark runs the models that DuckDB runs, and the ledger stays in the DuckDB file.

`settings` says where Spark keeps its tables and how a session is set; `session` starts one; `ledger` is what dbt on
Spark reads and writes of the ledger; `raw_tables` has Spark find the lakehouse's copy of raw data; `adapter` is
dbt-spark with these. Only `session` and `adapter` need the extra `spark` and Java.
"""
