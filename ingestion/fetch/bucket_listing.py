"""The objects in a bucket whose keys begin with a prefix: S3's ListObjectsV2, page by page.

It is read as hostile: bounded in pages, in bytes and in time, and without document types.
"""

import time
from urllib.parse import unquote

import requests

from ingestion.errors import DownloadError
from ingestion.fetch.answers import AnswerRules, described, failed_status, refused_status, text_of
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.file_addresses import file_address
from ingestion.fetch.listing import fingerprint_of_listed
from ingestion.fetch.listing_page import NoListingError, Page, parse_page
from ingestion.fetch.retries import RetryPolicy, TransientError
from ingestion.fetch.watch import Limits
from ingestion.fetch.watched_session import WatchedSession
from warehouse.ledger import Fingerprint

# A page has up to 1,000 keys, in about 300 kB.
_MOST_PAGES = 100
_MOST_BYTES = 4 << 20
_LONGEST_TOKEN = 2048
_PIECE_BYTES = 1 << 16


class TooManyObjectsError(DownloadError):
    """More objects begin with the prefix than are listed at once. A longer prefix has fewer."""


def list_bucket(
    bucket: str, prefix: str, session: WatchedSession, rules: AnswerRules, policy: RetryPolicy
) -> dict[str, Fingerprint]:
    """The objects of the bucket at this address, by key. A page that fails is asked for again.

    Raises:
        RefusedError: whoever has these keys may not see the listing.
        TooManyObjectsError: there are more than are listed at once.
        DownloadError: there is no listing, or it does not end within the bounds.
    """
    exchange = Exchange(bucket, f"a listing of {prefix}", "ask again", session, policy)
    seconds = policy.listing_seconds
    limits = Limits(time.monotonic() + seconds, f"not all of it came within {seconds:g} seconds")
    question = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
    files: dict[str, Fingerprint] = {}

    def attempt() -> Page:
        return _page(exchange, question, limits, rules)

    for _ in range(_MOST_PAGES):
        page = exchange.with_retries(attempt)
        for said in page.files:
            # XML cannot have every character that a key can.
            if key := unquote(said.get("Key", "")) if page.has_encoded_keys else said.get("Key", ""):
                files[key] = fingerprint_of_listed(file_address(bucket, key), said)
        if not page.is_truncated:
            return files
        if not 0 < len(page.next_token) <= _LONGEST_TOKEN or page.next_token == question.get("continuation-token"):
            raise DownloadError(f"{exchange.expected}, but it does not say how to ask for its next page. Ask again.")
        question["continuation-token"] = page.next_token
    raise TooManyObjectsError(
        f"{exchange.expected} of at most {_MOST_PAGES} pages, but there are more. Check the bucket's address."
    )


def _page(exchange: Exchange, question: dict[str, str], limits: Limits, rules: AnswerRules) -> Page:
    body = bytearray()
    with exchange.request("GET", limits, params=question, allow_redirects=False) as (answer, watch):
        if answer.status_code != requests.codes.ok:
            text = text_of(answer, rules)
            refused = refused_status(answer, text, rules, exchange.expected)
            raise (
                refused
                or failed_status(answer, text, rules)
                or DownloadError(
                    f"{exchange.expected}, but the publisher {described(answer, text)}. "
                    f"{rules.advice(answer.status_code, text)}"
                )
            )
        for piece in answer.iter_content(_PIECE_BYTES):
            body += piece
            watch.received(len(body))
            if len(body) > _MOST_BYTES:
                raise DownloadError(
                    f"{exchange.expected} in pages of at most {_MOST_BYTES:,} bytes, but one has more. "
                    "Check the bucket's address."
                )
        watch.received(len(body))
    try:
        return parse_page(bytes(body))
    except NoListingError as error:
        # This is also how a page looks that broke off.
        raise TransientError(f"{error}") from error
