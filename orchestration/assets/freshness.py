"""When Dagster calls an asset stale: raw tables by their feed's publication lag, facts by the daily build.

Freshness goes by an asset's latest materialization, whichever month it was of. Dagster's check of the newest
time partition is no alternative for a feed: it expects a month as soon as it is over, and TLC publishes two
months later. Which months are missing is what `python -m ingestion.gaps` says.
"""

from datetime import timedelta

import dagster as dg

from ingestion.feeds import Feed

_LONGEST_MONTH = timedelta(days=31)
# For publishers that are late, and for who loads.
_GRACE = timedelta(days=7)

_FACTS = "fct_"
# Made once, not each time that a model is asked about: Dagster takes 4 ms to check the cron.
_OF_FACTS = dg.FreshnessPolicy.cron(deadline_cron="0 4 * * *", lower_bound_delta=timedelta(days=1), timezone="UTC")


def freshness_policy(feed: Feed) -> dg.FreshnessPolicy:
    """When a feed's raw table is stale.

    A month follows a month, so it warns if nothing was loaded for longer than that. A month may have been
    published as early as its end and the next as late as the publication lag allows: nothing loaded for longer
    than a month and the lag means that a month is due and is not there.
    """
    lag = timedelta(days=feed.publication_lag_days)
    return dg.FreshnessPolicy.time_window(
        warn_window=_LONGEST_MONTH + _GRACE, fail_window=_LONGEST_MONTH + lag + _GRACE
    )


def freshness_policy_of_model(name: str) -> dg.FreshnessPolicy | None:
    """When a dbt model is stale: a fact that was not built in the day before 04:00 UTC; other models never.

    The daily build begins at 02:00 UTC. Any other build since 04:00 of the day before counts as well.
    """
    if not name.startswith(_FACTS):
        return None
    return _OF_FACTS
