"""Why an HTTP request failed, in plain words."""

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.fetch.retries import RetryPolicy, TransientError
from warehouse.secrets import scrubbed

_REASON_CHARACTERS = 250


def failed_request(error: requests.RequestException, policy: RetryPolicy, received: str) -> TransientError | None:
    """Why a request failed, in plain words; None if asking again cannot help.

    `received` says how much of the file had come, and is empty before its first byte.
    """
    host = _host(error)
    causes = list(_causes(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(ssl.SSLCertVerificationError) or not isinstance(
        error,
        requests.ConnectionError
        | requests.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError,
    ):
        return None
    if has(urllib3_errors.ProxyError):
        return TransientError("the proxy that is set for this machine does not let it through", is_unreachable=True)
    if has(urllib3_errors.NameResolutionError):
        return TransientError(f"the host name {host} cannot be resolved", is_unreachable=True)
    if has(ConnectionRefusedError):
        return TransientError(f"{host} refused the connection", is_unreachable=True)
    if has(urllib3_errors.NewConnectionError):
        return TransientError(f"{host} cannot be reached ({_system_reason(causes)})", is_unreachable=True)
    if has(urllib3_errors.ConnectTimeoutError):
        return TransientError(
            f"{host} could not be reached within {policy.connect_timeout_seconds:g} seconds", is_unreachable=True
        )
    if has(urllib3_errors.ReadTimeoutError):
        silence = f"{policy.read_timeout_seconds:g} seconds"
        return TransientError(
            f"nothing more came within {silence} after {received}" if received else f"nothing came within {silence}"
        )
    if has(urllib3_errors.DecodeError):
        return TransientError("the answer's compression is damaged")
    return TransientError(f"the connection broke off {f'after {received}' if received else 'before any of it came'}")


def hopeless_reason(error: Exception) -> str:
    """Why a request failed, where asking again cannot help."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {_host(error)} cannot be trusted ({cause.verify_message})"
    return f"it cannot be asked for ({scrubbed(str(error))[:_REASON_CHARACTERS]})"


def _host(error: BaseException) -> str:
    """The host that was asked: where a redirect led, that one."""
    request = getattr(error, "request", None)
    try:
        return urlsplit(request.url).hostname or "the publisher" if request else "the publisher"
    except ValueError:
        return "the publisher"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that are wrapped in it: requests wraps urllib3's, which wraps the system's."""
    pending, seen = [error], {id(error)}
    while pending:
        cause = pending.pop()
        yield cause
        for inner in (getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args):
            if isinstance(inner, BaseException) and id(inner) not in seen:
                seen.add(id(inner))
                pending.append(inner)


def _system_reason(causes: list[BaseException]) -> str:
    """The words of the operating system, without what the libraries wrap around them."""
    reasons = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return str(reasons[-1]) if reasons else "no connection"
