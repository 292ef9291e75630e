"""Asking a publisher for the headers of a file, without fetching it."""

import threading

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.errors import DownloadError
from ingestion.fetch.answers import AnswerRules, described, failed_status, file_fingerprint
from ingestion.fetch.deadline import within
from ingestion.fetch.retries import RetryPolicy, failed_request, hopeless_reason, with_retries
from warehouse.ledger import Fingerprint
from warehouse.secrets import scrubbed, without_secrets

# Of a request that times out by itself, the reason is the better one.
_GRACE_SECONDS = 1


def ask_for_headers(
    address: str, session: requests.Session, rules: AnswerRules, policy: RetryPolicy
) -> Fingerprint | None:
    """What the publisher says of the file at an address; None where it has none there.

    Raises:
        DownloadError: the publisher could not be reached, or did not answer the question.
    """
    expected = f"{without_secrets(address)}: expected to be told of the file"

    def attempt() -> Fingerprint | None:
        answer = _answer(address, expected, session, policy)
        if rules.is_not_published(answer.status_code, ""):
            return None
        if answer.status_code == requests.codes.ok:
            return file_fingerprint(address, answer)
        raise failed_status(answer, "", rules) or DownloadError(
            f"{expected}, but the publisher {described(answer, said='')}. Look at the publisher's page."
        )

    return with_retries(attempt, expected, policy, threading.Event(), again="ask again")


def _answer(address: str, expected: str, session: requests.Session, policy: RetryPolicy) -> requests.Response:
    timeouts = (policy.connect_timeout_seconds, policy.read_timeout_seconds)
    seconds = sum(timeouts) + _GRACE_SECONDS
    try:
        return within(seconds, lambda: session.head(address, allow_redirects=True, timeout=timeouts))
    except TimeoutError:
        reason = f"no whole answer came within {seconds:g} seconds"
    except requests.RequestException as error:
        if failure := failed_request(error, policy, received=""):
            raise failure from error
        reason = hopeless_reason(error)
    except (urllib3_errors.HTTPError, ValueError) as error:
        # Such as a redirect to what is no address.
        reason = f"it cannot be asked for ({error})"
    raise DownloadError(f"{expected}, but {scrubbed(reason)}. Check the publisher's base address.")
