"""What the shell offers for a half-typed name. Lists are separated by commas: the last name is completed.

Imports are inside the functions: only a completion that needs a registry waits for it.
"""

from collections.abc import Iterable

import typer


def _complete_list(incomplete: str, names: Iterable[str]) -> list[str]:
    """The list with its last name completed, in every way that fits."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in given]


def complete_feeds(incomplete: str) -> list[str]:
    """Feeds, aliases and subjects."""
    from ingestion.catalog import ALIASES, FEEDS, SUBJECTS

    return _complete_list(incomplete, [*ALIASES, *FEEDS, *SUBJECTS])


def complete_streams(incomplete: str) -> list[str]:
    """Feeds that are streams."""
    from ingestion.catalog import FEEDS

    return _complete_list(incomplete, [feed.name for feed in FEEDS.values() if feed.is_stream])


def complete_suites(incomplete: str) -> list[str]:
    """Suites of expectations, and the models that they check."""
    from quality.suites import SUITES

    return _complete_list(incomplete, dict.fromkeys(name for suite in SUITES for name in (suite.name, suite.model)))


def complete_metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Metrics of the current release, with `--live` those that dbt has compiled last; none where there is none."""
    from metrics.query import list_metrics
    from warehouse.connection import WarehouseError
    from warehouse.releases import source_for_readers

    try:
        source = source_for_readers(live=bool(context.params.get("live")))
        return _complete_list(incomplete, [metric.name for metric in list_metrics(source)])
    except WarehouseError:
        return []


def complete_formats(incomplete: str) -> list[str]:
    """Formats of an export."""
    from warehouse.lakehouse.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def complete_tables(incomplete: str) -> list[str]:
    """Tables that are published; none before anything is."""
    from warehouse.connection import WarehouseError
    from warehouse.releases import current_release

    try:
        return _complete_list(incomplete, [table.name for table in current_release().tables])
    except WarehouseError:
        return []
