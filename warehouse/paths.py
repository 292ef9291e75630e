"""The paths of the platform's files."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

DATABASE_VARIABLE = "DUCKDB_DATABASE_PATH"
LOG_FOLDER_VARIABLE = "LOG_FOLDER"
PUBLISHED_FOLDER_VARIABLE = "PUBLISHED_FOLDER"
# The name that DuckDB gives to the database, and that dbt writes into its manifests.
DATABASE_FILE = "nyc_mobility.duckdb"
_DEFAULT_DATABASE = f"data/{DATABASE_FILE}"


def database_path() -> Path:
    """The DuckDB file, absolute: `DUCKDB_DATABASE_PATH`, by default `data/nyc_mobility.duckdb`.

    A relative path is relative to the project root, whichever folder a command runs in.
    """
    return PROJECT_ROOT / (os.environ.get(DATABASE_VARIABLE) or _DEFAULT_DATABASE)


def published_folder() -> Path:
    """The folder of releases, absolute: `PUBLISHED_FOLDER`, by default `published` beside the DuckDB file.

    A relative path is relative to the project root.
    """
    folder = os.environ.get(PUBLISHED_FOLDER_VARIABLE)
    return PROJECT_ROOT / folder if folder else database_path().parent / "published"


def dbt_target_folder() -> Path:
    """Where dbt writes its manifests, absolute: `DBT_TARGET_PATH`, by default `dbt/target`.

    A relative path is relative to `dbt/`, as dbt takes it.
    """
    return PROJECT_ROOT / "dbt" / (os.environ.get("DBT_TARGET_PATH") or "target")


def log_folder() -> Path:
    """Where log files go, absolute: `LOG_FOLDER`, by default `logs` below the project root."""
    return PROJECT_ROOT / os.environ.get(LOG_FOLDER_VARIABLE, "logs")
