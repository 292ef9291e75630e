"""When Dagster calls an asset stale: raw tables by their feed's grain and publication lag, the rest by the daily job.

Freshness looks at an asset's latest materialization, whichever partition that was of. Dagster's own check of the
newest partition does not fit: it expects a period as soon as it has ended, and publishers are weeks later. Which
periods are missing is what `python -m ingestion.gaps` says.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import dagster as dg

from ingestion.feeds import Feed

_LONGEST_GRACE = timedelta(days=7)
_A_YEAR = timedelta(days=366)

# The dbt tag of models that are to be built every day.
FACT_TAG = "fact"
# What the daily job makes. One value, not one for each model: Dagster takes 4 ms to check the cron.
MADE_DAILY = dg.FreshnessPolicy.cron(deadline_cron="0 4 * * *", lower_bound_delta=timedelta(days=1), timezone="UTC")


def freshness_of_feed(feed: Feed) -> dg.FreshnessPolicy:
    """When a feed's raw table is stale.

    It warns if nothing was loaded for longer than from one file to the next. One file may come as early as the end of
    its period, the next as late as the publication lag allows. So nothing loaded for longer than both together means
    that a file is due and not loaded. Publishers and whoever loads get as much grace as that step, at most a week.
    """
    step = _longest_step(feed)
    late = step + min(step, _LONGEST_GRACE)
    lag = timedelta(days=feed.publication_lag_days)
    # Dagster does not take two windows that are the same.
    return dg.FreshnessPolicy.time_window(fail_window=late + lag, warn_window=late if lag else None)


def _longest_step(feed: Feed) -> timedelta:
    """The longest time from one expected period to the next, in the feed's first year: a weekend, in trading days.

    A year where nobody can say when the next file comes.
    """
    if feed.is_irregular:
        return _A_YEAR
    first = feed.first_period
    periods = feed.calendar.expected(first, feed.period_of(first.start + _A_YEAR))
    return max((later.start - earlier.start for earlier, later in pairwise(periods)), default=_A_YEAR)


def freshness_of_model(node: Mapping[str, Any]) -> dg.FreshnessPolicy | None:
    """When a model of the dbt manifest is stale: a fact that was not built in the day before 04:00 UTC.

    The daily build begins at 02:00 UTC. Any other build since 04:00 of the day before counts as well. Other models are
    never stale.
    """
    return MADE_DAILY if FACT_TAG in node["config"]["tags"] else None
