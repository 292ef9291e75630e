"""chDB: ClickHouse in the process, MergeTree tables by month."""
