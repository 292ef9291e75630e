"""Changes of the sample of markets, of which the second trading day is broken."""

OF_THE_DAY = "source_date = date '2026-01-21'"


def set_on_the_day(table: str, change: str, where: str = "true") -> str:
    """Change rows of the day."""
    return f"update {table} set {change} where {OF_THE_DAY} and {where}"


def everywhere(table: str, change: str, where: str = "true") -> str:
    """Change rows, of whatever day."""
    return f"update {table} set {change} where {where}"


def nulls(table: str, **columns: str) -> dict[str, str]:
    """Of each expectation that a column has a value, a file without one: by the names of the columns in raw data."""
    return {f"{name}_not_null": set_on_the_day(table, f"{column} = null") for name, column in columns.items()}


def once_more(table: str) -> str:
    """A row stands twice."""
    return f"insert into {table} from (from {table} limit 1)"
