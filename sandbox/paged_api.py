"""Answers as an API of pages does: keys are checked, and each page has the token of the next one."""

import json
from collections.abc import Mapping
from dataclasses import replace

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from sandbox.faults import Fault
from sandbox.stand_ins import Call, PagedApiStandIn, Query, Reply
from sandbox.store import Store

_REPEATED = "cmVwZWF0ZWQ="


def call_of(stand_in: PagedApiStandIn, path: str, query: Query) -> Call:
    """A request as a call."""
    token = query.get(stand_in.token_parameter, [""])[-1]
    return Call(path, {name: values for name, values in query.items() if name != stand_in.token_parameter}, token)


def has_keys(stand_in: PagedApiStandIn, headers: Mapping[str, str]) -> bool:
    """Whether a request comes with the stand-in's keys."""
    return tuple(headers.get(name.title()) for name in stand_in.key_headers) == stand_in.keys


def partition_asked(stand_in: PagedApiStandIn, call: Call, store: Store) -> Partition | None:
    """The partition that a call is for, if it is for one."""
    asked = stand_in.asked(call, store.available_until(stand_in))
    if asked is None:
        return None
    name, day = asked
    return Partition(FEEDS[name], FEEDS[name].period_of(day))


def page_for(stand_in: PagedApiStandIn, call: Call, store: Store, fault: Fault | None) -> tuple[int, bytes]:
    """The status and the body for a call, with what is wrong with its partition."""
    if fault in (Fault.FORBIDDEN, Fault.WRONG_KEYS):
        return body_of(stand_in, stand_in.refused(fault))
    if fault in (Fault.REPEATING_TOKEN, Fault.ENDLESS_PAGES):
        reply = stand_in.answer(replace(call, token=""), store.available_until(stand_in))
        following = _REPEATED if fault is Fault.REPEATING_TOKEN else f"{call.token}x"
        return body_of(stand_in, replace(reply, next_token=following))
    reply = stand_in.answer(call, store.available_until(stand_in))
    if fault in (Fault.WRONG_TYPES, Fault.MISSING_COLUMN, Fault.EXTRA_COLUMN, Fault.NO_ROWS, Fault.NOT_FINITE):
        reply = replace(reply, page=stand_in.broken_page(call, reply.page, fault))
    status, body = body_of(stand_in, reply)
    match fault:
        case Fault.TRUNCATED:
            body = body[: len(body) // 2]
        case Fault.REPEATED_NAME:
            body = f'{{"{stand_in.token_field}":null,'.encode() + body[1:]
        case Fault.OTHER_SHAPE:
            body = b"[" + body + b"]"
    return status, body


def body_of(stand_in: PagedApiStandIn, reply: Reply) -> tuple[int, bytes]:
    """The status and the body of a reply."""
    tokens = {} if reply.status != 200 else {stand_in.token_field: reply.next_token}
    return reply.status, json.dumps({**reply.page, **tokens}, separators=(",", ":")).encode()
