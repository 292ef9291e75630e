"""Where the platform keeps its files."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOG_FOLDER = PROJECT_ROOT / "logs"

DATABASE_VARIABLE = "DUCKDB_DATABASE_PATH"
_DEFAULT_DATABASE = "data/nyc_mobility.duckdb"


def database_path() -> Path:
    """The DuckDB file, absolute: `DUCKDB_DATABASE_PATH`, by default `data/nyc_mobility.duckdb`.

    A relative path is below the project root, from whichever folder a command runs.
    """
    return PROJECT_ROOT / os.environ.get(DATABASE_VARIABLE, _DEFAULT_DATABASE)
