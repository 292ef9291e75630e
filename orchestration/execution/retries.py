"""How often a step is tried again, and after how long: by layer."""

from dataclasses import dataclass

import dagster as dg


@dataclass(frozen=True)
class Retries:
    """The retry policy of each layer; tests build their jobs with more impatient ones."""

    ingestion: dg.RetryPolicy
    dbt: dg.RetryPolicy


def _patiently(max_retries: int, first_delay_seconds: float) -> dg.RetryPolicy:
    """Wait twice as long after each failure, and never as long as another run that failed at the same time."""
    return dg.RetryPolicy(
        max_retries=max_retries,
        delay=first_delay_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )


# A publisher may be away for some minutes, on top of the patience that each download has (ingestion/retries.py).
# What dbt meets in the database is over sooner.
RETRIES = Retries(ingestion=_patiently(5, 30), dbt=_patiently(2, 60))
