"""Asking a publisher for the headers of a file, without fetching it."""

import time

import requests

from ingestion.errors import DownloadError
from ingestion.fetch.answers import AnswerRules, described, failed_status, file_fingerprint
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.watch import Limits
from ingestion.fetch.watched_session import WatchedSession
from warehouse.ledger import Fingerprint

# A request that times out by itself gives the better reason, so it gets the time for that.
_GRACE_SECONDS = 1


def ask_for_headers(
    address: str, session: WatchedSession, rules: AnswerRules, policy: RetryPolicy
) -> Fingerprint | None:
    """What the publisher says of the file at an address; None where it has none there.

    Raises:
        DownloadError: the publisher could not be reached, or did not answer the question.
    """
    exchange = Exchange(address, "to be told of the file", "ask again", session, policy)
    seconds = policy.connect_timeout_seconds + policy.read_timeout_seconds + _GRACE_SECONDS

    def attempt() -> Fingerprint | None:
        limits = Limits(time.monotonic() + seconds, f"no whole answer came within {seconds:g} seconds")
        with exchange.request("HEAD", limits) as (answer, _):
            if rules.is_not_published(answer.status_code, ""):
                return None
            if answer.status_code == requests.codes.ok:
                return file_fingerprint(address, answer)
            raise failed_status(answer, "", rules) or DownloadError(
                f"{exchange.expected}, but the publisher {described(answer, '')}. Look at the publisher's page."
            )

    return exchange.with_retries(attempt)
