"""Polars: lazy queries, and Parquet files in folders by feed and month."""
