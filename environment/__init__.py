"""Installs what poetry.lock says into .venv. Runs before anything is installed: the standard library alone."""
