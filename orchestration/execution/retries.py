"""How often a step of each layer is tried again, and after how long."""

from dataclasses import dataclass

import dagster as dg


@dataclass(frozen=True)
class Retries:
    """The retry policy of each layer. Tests use policies that wait less."""

    ingestion: dg.RetryPolicy
    dbt: dg.RetryPolicy


def _patiently(max_retries: int, first_delay_seconds: float) -> dg.RetryPolicy:
    """Wait twice as long after each failure. Jitter keeps runs that failed together from trying again together."""
    return dg.RetryPolicy(
        max_retries=max_retries,
        delay=first_delay_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )


# A publisher may be away for some minutes, and longer than a download retries by itself (ingestion/fetch/retries.py).
# Problems of dbt with the database are over sooner.
RETRIES = Retries(ingestion=_patiently(5, 30), dbt=_patiently(2, 60))

# What a subject's own jobs build begins with silver, which has a policy of its own. Gold takes longest, and is the
# least likely to be right by waiting.
SILVER_RETRIES = Retries(ingestion=RETRIES.ingestion, dbt=_patiently(3, 60))
GOLD_RETRIES = Retries(ingestion=RETRIES.ingestion, dbt=_patiently(2, 120))
DIMENSION_RETRIES = Retries(ingestion=RETRIES.ingestion, dbt=_patiently(2, 60))
