"""Answers as S3 does: signatures are checked, missing objects are 404, refusals say their code."""

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from xml.sax.saxutils import escape

from sandbox.breakages import Breakages
from sandbox.faults import Fault
from sandbox.listing import page_of_listing
from sandbox.stand_ins import BucketStandIn, Query
from sandbox.store import Store

_XML = {"Content-Type": "application/xml"}
_SIGNED_BY = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/\d{8}/(?P<region>[^/,]+)/s3/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)

Refusal = tuple[int, str]
"""The status of an error, and its code."""


def error_body(code: str) -> bytes:
    """An error as S3 writes it."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>'.encode()
    )


def hostile_error() -> bytes:
    """An error that would have its reader fetch a file, show keys, or clear a terminal."""
    return (
        b'<?xml version="1.0"?><!DOCTYPE Error [<!ENTITY passwd SYSTEM "file:///etc/passwd">]>'
        b"<Error><Code>AccessDenied</Code><Message>&passwd;\x1b[2J\x1b]0;x\x07</Message>"
        b"<AWSAccessKeyId>sandbox-key-id</AWSAccessKeyId><StringToSign>sandbox-secret-key</StringToSign></Error>"
    )


def refused_signature(stand_in: BucketStandIn, method: str, target: str, headers: Mapping[str, str]) -> Refusal | None:
    """Why a request is not taken for one of who has the stand-in's keys; None if it is."""
    signed = _SIGNED_BY.fullmatch(headers.get("Authorization", ""))
    if signed is None:
        return 403, "AccessDenied"
    access, secret = stand_in.keys
    if signed["key"] != access:
        return 403, "InvalidAccessKeyId"
    if _signature(method, target, headers, signed, access, secret) != signed["signature"]:
        return 403, "SignatureDoesNotMatch"
    return None


def _signature(
    method: str, target: str, headers: Mapping[str, str], signed: re.Match[str], access: str, secret: str
) -> str:
    """The signature that a request with these headers must have."""
    # Imported here because it takes 0.3 s, and other publishers' requests are not signed.
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    auth: Any = S3SigV4Auth(Credentials(access, secret), "s3", signed["region"])
    names = signed["headers"].split(";")
    request = AWSRequest(
        method=method,
        url=f"http://{headers.get('Host', '')}{target}",
        headers={name: headers.get(name.title(), "") for name in names},
    )
    request.context["timestamp"] = headers.get("X-Amz-Date", "")
    # So that no other header than those that were signed is counted.
    auth.headers_to_sign = lambda asked: _headers(asked, names)
    text: str = auth.string_to_sign(request, auth.canonical_request(request))
    found: str = auth.signature(text, request)
    return found


def _headers(request: Any, names: list[str]) -> Any:
    from botocore.compat import HTTPHeaders

    found = HTTPHeaders()
    for name in names:
        found[name] = request.headers[name]
    return found


def refused_object(fault: Fault | None) -> Refusal | None:
    """How an object is refused that is broken this way; None if it is not."""
    match fault:
        case Fault.FORBIDDEN:
            return 403, "AccessDenied"
        case Fault.WRONG_KEYS:
            return 403, "InvalidAccessKeyId"
        case Fault.CLOCK_SKEW:
            return 403, "RequestTimeTooSkewed"
        case Fault.LATE:
            return 404, "NoSuchKey"
    return None


def bucket_listing(stand_in: BucketStandIn, query: Query, store: Store, breakages: Breakages) -> bytes:
    """A page of the objects asked for. One that is late is left out, which counts as a request for it."""
    names, is_endless = [], False
    for name in store.names(stand_in, query.get("prefix", [""])[0]):
        partitions = store.partitions_in(stand_in, name)
        fault = breakages.seen_in_listing(partitions)
        is_endless = is_endless or fault is Fault.ENDLESS_LISTING
        if fault is Fault.LATE:
            breakages.met_by_request(partitions)
        else:
            names.append(name)
    page = page_of_listing(stand_in, query, names, lambda name: _contents(stand_in, name, store, breakages))
    if is_endless:
        # After all names.
        following = f"<NextContinuationToken>~{query.get('continuation-token', [''])[0]}</NextContinuationToken>"
        truncated = page.replace(b"<IsTruncated>false<", b"<IsTruncated>true<")
        page = truncated.replace(b"</ListBucketResult>", f"{following}</ListBucketResult>".encode())
    return page


def _contents(stand_in: BucketStandIn, name: str, store: Store, breakages: Breakages) -> str:
    partitions = store.partitions_in(stand_in, name)
    marks = store.look(partitions, breakages.seen_in_listing(partitions))
    modified = marks.last_modified.astimezone(UTC)
    # Files are made when they are asked for, and until then nobody knows their size.
    size = f"<Size>{marks.size}</Size>" if marks.size is not None else ""
    return (
        f"<Contents><Key>{escape(name)}</Key><LastModified>{modified:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>{escape(marks.etag, {chr(34): '&quot;'})}</ETag>{size}<StorageClass>STANDARD</StorageClass></Contents>"
    )
