"""Dagster: schedules, shows and backfills what also runs from the terminal without it."""

import warnings

from dagster import BetaWarning

# Backfill policies are in beta; a range of months in one run is worth it.
warnings.filterwarnings("ignore", category=BetaWarning)

from orchestration.definitions import defs  # noqa: E402  after the filter, which the definitions need

__all__ = ["defs"]
