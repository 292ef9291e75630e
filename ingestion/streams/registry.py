"""The registry of schemas, over HTTP."""

import json
import logging
import threading
import time
from typing import Any

import requests
import urllib3

from ingestion.errors import DownloadError, RefusedError
from ingestion.streams.settings import RegistrySettings

logger = logging.getLogger(__name__)

_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"
_TIMEOUT_SECONDS = (5, 30)
_LARGEST_ANSWER = 4_000_000
_SCHEMA_NOT_FOUND = 40403
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 15.0
# An id that was not known may be so some time later.
_SECONDS_UNKNOWN = 30.0
_MOST_UNKNOWN = 10_000


class RegistryError(DownloadError):
    """The registry could not be reached, or its answer says nothing of the schema."""


class RegistryRefusedError(RefusedError):
    """The registry gives nothing to whoever has this user and password."""


class StoppedError(Exception):
    """The stream was stopped while it waited."""


class Registry:
    """Asks the registry for schemas, each once. While it does not answer it waits, until `stop` is set.

    After `patience_seconds` without an answer it gives up; without them never.
    """

    def __init__(
        self, settings: RegistrySettings, stop: threading.Event, patience_seconds: float | None = None
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._patience_seconds = patience_seconds
        self._schemas: dict[int, str] = {}
        self._unknown: dict[int, float] = {}
        self._session = requests.Session()
        self._session.headers["Accept"] = _ACCEPT
        if settings.user is not None:
            self._session.auth = (settings.user, settings.password or "")

    def schema(self, schema_id: int) -> str | None:
        """The text of a schema of Avro; None where the registry knows none of this id.

        Raises:
            RegistryError: it gave no answer for `patience_seconds`.
            RegistryRefusedError: the user or password is wrong.
            StoppedError: `stop` was set meanwhile.
        """
        if schema_id in self._schemas:
            return self._schemas[schema_id]
        now = time.monotonic()
        if now - self._unknown.get(schema_id, -_SECONDS_UNKNOWN) < _SECONDS_UNKNOWN:
            return None
        text = self._ask_until_answered(schema_id)
        if text is not None:
            self._schemas[schema_id] = text
        else:
            if len(self._unknown) >= _MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[schema_id] = now
        return text

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask_until_answered(self, schema_id: int) -> str | None:
        begun, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._ask(schema_id)
            except RegistryError as error:
                waited = time.monotonic() - begun
                if self._patience_seconds is not None and waited + pause > self._patience_seconds:
                    raise
                logger.log(logging.WARNING if pause == _FIRST_PAUSE_SECONDS else logging.INFO, "%s Waiting.", error)
            if self._stop.wait(pause):
                raise StoppedError
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _ask(self, schema_id: int) -> str | None:
        try:
            with self._session.get(
                f"{self._settings.url}/schemas/ids/{schema_id}", timeout=_TIMEOUT_SECONDS, stream=True
            ) as response:
                body = response.raw.read(_LARGEST_ANSWER + 1, decode_content=True)
        # urllib3's own come through where the body breaks off.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._no_answer(schema_id, f"{type(error).__name__}") from error
        if response.status_code in (401, 403):
            raise RegistryRefusedError(
                f"{self._settings.url}: expected the registry to give schema {schema_id}, but it answered "
                f"{response.status_code}. Set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD to those of a reader."
            )
        answer = _json_of(body)
        if response.status_code == 404 and answer.get("error_code") == _SCHEMA_NOT_FOUND:
            return None
        if response.status_code != 200 or not isinstance(answer.get("schema"), str):
            raise self._no_answer(schema_id, f"status {response.status_code}, {len(body):,} bytes")
        # Schemas of other kinds, and those that lean on others, are refused as what they are when they are read.
        if answer.get("schemaType", "AVRO") != "AVRO":
            return json.dumps(f"a schema of {str(answer['schemaType'])[:30]}, not of Avro")
        return str(answer["schema"])

    def _no_answer(self, schema_id: int, came: str) -> RegistryError:
        return RegistryError(
            f"{self._settings.url}: expected the registry to answer for schema {schema_id}, but got {came}. Start the "
            "registry, or set SCHEMA_REGISTRY_URL."
        )


def _json_of(body: bytes) -> dict[str, Any]:
    """An answer; empty where it is none in JSON."""
    try:
        answer = json.loads(body) if len(body) <= _LARGEST_ANSWER else None
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
