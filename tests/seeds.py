"""Other points every day for drills that have too many to try in one run, and the seed to have those of a day again."""

import os

from warehouse.ledger import utc_now


def seed_of_today(variable: str) -> str:
    """What this environment variable says, such as `KILL_SEED`, or else the day of UTC, as 2026-01-31."""
    return os.environ.get(variable) or f"{utc_now():%Y-%m-%d}"
