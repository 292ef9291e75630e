"""Pages of the broker's API with something wrong in their records."""

import math
from typing import Any

from sandbox.faults import Fault

# A field that the API does not have.
EXTRA_FIELD = "venue"

_PARTS = ("bars", "snapshots")


def broken_page(page: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The page with the fault. A refusal stays one.

    Raises:
        ValueError: a page cannot be broken that way.
    """
    part = next((name for name in _PARTS if name in page), None)
    if part is None:
        return page
    match fault:
        case Fault.NO_ROWS:
            return {**page, part: {}}
        case Fault.MISSING_COLUMN:
            return {name: value for name, value in page.items() if name != part} | {f"{part}_renamed": page[part]}
        case Fault.EXTRA_COLUMN:
            return {**page, part: {name: _each(record, _with_extra) for name, record in page[part].items()}}
        case Fault.WRONG_TYPES:
            return {**page, part: {**page[part], **_middle(page[part], "wide")}}
        case Fault.NOT_FINITE:
            return {**page, part: {**page[part], **_middle(page[part], math.nan)}}
    raise ValueError(f"a page cannot be broken by {fault}")


def _middle(records: dict[str, Any], price: Any) -> dict[str, Any]:
    """The record half-way down, with this as its price."""
    middle = sorted(records)[len(records) // 2 :][:1]
    return {name: _each(records[name], lambda record: _with_price(record, price)) for name in middle}


def _each(record: Any, change: Any) -> Any:
    """A contract's snapshot changed, or each of a symbol's bars."""
    return [change(bar) for bar in record] if isinstance(record, list) else change(record)


def _with_extra(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, EXTRA_FIELD: "X"}


def _with_price(record: dict[str, Any], price: Any) -> dict[str, Any]:
    if "latestQuote" in record:
        return {**record, "latestQuote": {**record["latestQuote"], "bp": price}}
    return {**record, "c": price}
