"""The paths of the platform's files."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

DATABASE_VARIABLE = "DUCKDB_DATABASE_PATH"
LOG_FOLDER_VARIABLE = "LOG_FOLDER"
_DEFAULT_DATABASE = "data/nyc_mobility.duckdb"


def database_path() -> Path:
    """The DuckDB file, absolute: `DUCKDB_DATABASE_PATH`, by default `data/nyc_mobility.duckdb`.

    A relative path is relative to the project root, whichever folder a command runs in.
    """
    return PROJECT_ROOT / os.environ.get(DATABASE_VARIABLE, _DEFAULT_DATABASE)


def log_folder() -> Path:
    """Where log files go, absolute: `LOG_FOLDER`, by default `logs` below the project root."""
    return PROJECT_ROOT / os.environ.get(LOG_FOLDER_VARIABLE, "logs")
