"""Dagster schedules, shows and backfills what also runs from the terminal without it."""

import warnings

from dagster import BetaWarning

# Backfill policies are in beta. They load a range of partitions in one run.
warnings.filterwarnings("ignore", category=BetaWarning)

from orchestration.definitions import defs  # noqa: E402  the definitions need the filter

__all__ = ["defs"]
