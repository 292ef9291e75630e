"""pandas: a month in memory at a time, and Parquet files in folders by month."""
