"""PySpark in one process: Parquet by month, and partitions that are overwritten."""
