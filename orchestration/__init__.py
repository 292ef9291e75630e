"""Dagster schedules, shows and backfills what also runs from the terminal without it.

`defs` is everything that Dagster loads. It is made when somebody asks for it: who only opens the instance
(`orchestration.instances`) or maintains it waits for no catalog and no manifest of dbt.
"""

import warnings
from typing import TYPE_CHECKING, Any

from warehouse.garbage import collect_seldom

collect_seldom()

from dagster import BetaWarning  # noqa: E402 - what it makes is most of what would be looked through.

if TYPE_CHECKING:
    from orchestration.definitions import defs

__all__ = ["defs"]

# Backfill policies are in beta. They load a range of partitions in one run.
warnings.filterwarnings("ignore", category=BetaWarning)


def __getattr__(name: str) -> Any:
    """Give `defs`."""
    if name != "defs":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestration.definitions import defs

    return defs


def __dir__() -> list[str]:
    """Dagster looks through these names for what it loads."""
    return [*globals(), *__all__]
