"""Where Dagster keeps its history: SQLite or Postgres, as `DAGSTER_STORAGE` says; and the way from one to the other."""
