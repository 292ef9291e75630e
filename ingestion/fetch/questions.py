"""Asking an API that answers in pages: each page has the token that asks for the next one.

An API is not trusted to come to an end. A token that was given before, or more pages than any answer has, is an error,
and so is a page that is not whole.
"""

import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from ingestion.errors import DownloadError, UnreadableFileError
from ingestion.fetch.answers import AnswerRules, described, failed_status, refused_status, text_of
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.retries import RetryPolicy, TransientError
from ingestion.fetch.watch import Limits
from ingestion.fetch.watched_session import WatchedSession
from ingestion.readers.pages import NoPageError, parse_page

_PIECE_BYTES = 1 << 16
_LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class Question:
    """One thing asked of an API, in as many pages as its answer has.

    By `kind` and `about` the reader knows its pages again. `what` is in messages, such as "the prices of May".
    """

    kind: str
    what: str
    address: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    about: str = ""


Conversation = Generator[Question, list[dict[str, Any]], None]
"""Questions, each followed by the pages of its answer, of which there is at least one."""


@dataclass(frozen=True)
class Paging:
    """How an API pages its answers: the parameter of a page's token, and the field with the next one's.

    `most_pages` and `largest_page_bytes` are far more than any answer has.
    """

    parameter: str = "page_token"
    field: str = "next_page_token"
    most_pages: int = 1_000
    largest_page_bytes: int = 64_000_000


@dataclass(frozen=True)
class Answered:
    """A page as it came, and what it says."""

    body: bytes
    page: dict[str, Any]


class Asker:
    """Asks one API the questions about one partition. `headers` go with every request, and to no other address."""

    def __init__(
        self,
        rules: AnswerRules,
        paging: Paging,
        headers: Mapping[str, str],
        session: WatchedSession,
        policy: RetryPolicy,
        cancelled: threading.Event,
        again: str,
    ) -> None:
        self._rules = rules
        self._paging = paging
        self._headers = dict(headers)
        self._session = session
        self._policy = policy
        self._cancelled = cancelled
        self._again = again
        seconds = policy.longest_download_seconds
        self._limits = Limits(
            until=time.monotonic() + seconds,
            too_late=f"not everything had come within {seconds:,g} seconds",
            answer_seconds=policy.answer_seconds,
            slow_seconds=policy.slow_seconds,
            slow_bytes=policy.slow_bytes,
        )

    def pages(self, question: Question) -> Iterator[Answered]:
        """The pages of an answer, the next one asked for when the one before was taken.

        Raises:
            RefusedError: the API keeps it from us.
            DownloadError: the API could not be reached, its answer is not JSON, or its pages do not end.
            UnreadableFileError: a page is larger than the API's pages ever are.
            CancelledError: nobody waits for it any longer.
        """
        token, seen = "", set[str]()
        for number in range(1, self._paging.most_pages + 1):
            exchange = Exchange(
                question.address,
                f"page {number} of {question.what}",
                self._again,
                self._session,
                self._policy,
                self._cancelled,
            )
            answered = exchange.with_retries(partial(self._ask, exchange, question, token))
            yield answered
            token = self._next_token(exchange, answered)
            if not token:
                return
            if token in seen:
                raise DownloadError(
                    f"{exchange.expected} to lead on, but it names a page that was read before: the pages go in a "
                    f"circle. Nothing of them is loaded. {self._again.capitalize()} later."
                )
            seen.add(token)
        raise DownloadError(
            f"{question.address}: expected {question.what} on at most {self._paging.most_pages:,} pages, but there are "
            f"more. Nothing of them is loaded. {self._again.capitalize()} later."
        )

    def _ask(self, exchange: Exchange, question: Question, token: str) -> Answered:
        parameters = dict(question.parameters) | ({self._paging.parameter: token} if token else {})
        body = bytearray()
        # An API answers where it is asked. Its keys must not follow a redirect to another host.
        with exchange.request(
            "GET",
            self._limits,
            received=lambda: f"{len(body):,} bytes" if body else "",
            params=parameters,
            headers=self._headers,
            allow_redirects=False,
        ) as (answer, watch):
            if answer.status_code != requests.codes.ok:
                raise self._no_page(exchange, answer)
            for piece in answer.iter_content(_PIECE_BYTES):
                body += piece
                watch.received(len(body))
                if len(body) > self._paging.largest_page_bytes:
                    raise UnreadableFileError(
                        f"{exchange.expected} with at most {self._paging.largest_page_bytes:,} bytes, but it has more. "
                        f"Look at the publisher's page, and {self._again} when that is repaired."
                    )
            watch.received(len(body))
        try:
            return Answered(bytes(body), parse_page(bytes(body)))
        except NoPageError as error:
            raise TransientError(f"the answer is not whole JSON: {self._rules.text(str(error))}") from error

    def _no_page(self, exchange: Exchange, answer: requests.Response) -> Exception:
        """What an answer with another status than 200 means."""
        text = text_of(answer, self._rules)
        refused = refused_status(answer, text, self._rules, exchange.expected)
        return (
            refused
            or failed_status(answer, text, self._rules)
            or DownloadError(
                f"{exchange.expected}, but the publisher {described(answer, text)}. Check its base address and the "
                "publisher's page; asking again will not help until something changes."
            )
        )

    def _next_token(self, exchange: Exchange, answered: Answered) -> str:
        """The token of the next page; empty after the last one."""
        token = answered.page.get(self._paging.field)
        if token is None or token == "":
            return ""
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            raise DownloadError(
                f"{exchange.expected} to name the next one by a text in {self._paging.field}, but got "
                f"{str(token)[:40]!r}. {self._again.capitalize()} later."
            )
        return token
