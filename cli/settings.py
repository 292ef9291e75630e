"""Settings in `.env`, read as `make` and `dagster` read them."""

import os

from dotenv import dotenv_values

from warehouse.paths import PROJECT_ROOT


def read_env_file() -> None:
    """Put the settings of the project's `.env` into the environment; what is set there already stays."""
    for name, value in dotenv_values(PROJECT_ROOT / ".env").items():
        if value is not None:
            os.environ.setdefault(name, value)
