"""Questions about metrics as addresses and as commands: to share them, to come back to them, to run them elsewhere.

An address names each part as the command does: `metrics=avg_fare&by=trip__trip_type&where=trip__is_rain&limit=5`.
Lists are separated by commas; only `where` may be there several times.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time

from metrics.conditions import ConditionError, as_filter
from metrics.dimensions import dimensions_of
from metrics.query import MetricQuery, list_metrics
from warehouse.releases import Source

_NAME = re.compile(r"[A-Za-z0-9_]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

# Whoever writes more into an address wants something else than an answer.
_MOST_NAMES = 50
_LONGEST_NAME = 200
_MOST_PROBLEMS = 10

_LISTS = ("metrics", "by", "order")
_SINGLE = ("limit", "start", "end", "saved")
PARTS = (*_LISTS, "where", *_SINGLE)


def as_command(query: MetricQuery) -> str:
    """The command that asks the question, quoted for a shell."""
    address = as_address(query)
    metrics = address.pop("metrics", [])
    # A value is joined to its option, so that it may begin with a dash.
    options = [f"--{part}={value}" for part, values in address.items() for value in values]
    return shlex.join(["nyc", "query", *metrics, *options])


def as_address(query: MetricQuery) -> dict[str, list[str]]:
    """The question as the parameters of an address; parts that it does not have are left out."""
    parts = {
        "metrics": [",".join(query.metrics)],
        "by": [",".join(query.group_by)],
        "where": list(query.where),
        "start": [_day(query.start)],
        "end": [_day(query.end)],
        "order": [",".join(query.order_by)],
        "limit": [str(query.limit or "")],
        "saved": [query.saved_query or ""],
    }
    present = {part: [value for value in values if value.strip()] for part, values in parts.items()}
    return {part: values for part, values in present.items() if values}


def _day(moment: datetime | None) -> str:
    return f"{moment.date()}" if moment else ""


def read_address(address: Mapping[str, Sequence[str]]) -> tuple[MetricQuery, list[str]]:
    """The question in the parameters of an address, and what in them is not valid, in words; that is left out.

    This needs no source. Whether there are such metrics and dimensions, `valid_part` says.
    """
    problems = [f"{shortened(part)} is not a part of a question" for part in address if part not in PARTS]
    names: dict[str, tuple[str, ...]] = {}
    for part in _LISTS:
        names[part], refused = _names(part, ",".join(address.get(part, ())))
        problems += refused
    single = {part: (list(address.get(part) or [""]))[-1] for part in _SINGLE}
    limit = single["limit"].strip()
    if limit and not _NUMBER.fullmatch(limit):
        problems.append(f"limit: expected a number of rows, 1 or more, but got {shortened(limit)}")
    saved, refused = _names("saved", single["saved"])
    days: dict[str, datetime | None] = {}
    for part in ("start", "end"):
        days[part], found = _read_day(part, single[part])
        problems += found
    if days["start"] and days["end"] and days["start"] > days["end"]:
        problems.append(f"start: expected a day that is not after the end, {_day(days['end'])}")
        days["start"] = None
    query = MetricQuery(
        metrics=names["metrics"],
        group_by=names["by"],
        where=tuple(condition for condition in address.get("where", ()) if condition.strip())[:_MOST_NAMES],
        order_by=names["order"],
        limit=int(limit) if _NUMBER.fullmatch(limit) else None,
        start=days["start"],
        end=days["end"],
        saved_query=saved[0] if saved else None,
    )
    return query, few([*problems, *refused])


def _names(part: str, text: str) -> tuple[tuple[str, ...], list[str]]:
    given = [name for name in (name.strip() for name in text.split(",")) if name]
    problems = [f"{part}: more than {_MOST_NAMES} names"] if len(given) > _MOST_NAMES else []
    valid = []
    for name in dict.fromkeys(given[:_MOST_NAMES]):
        plain = name.removeprefix("-") if part == "order" else name
        if len(plain) <= _LONGEST_NAME and _NAME.fullmatch(plain):
            valid.append(name)
        else:
            problems.append(f"{part}: {shortened(name)} is not a name")
    return tuple(valid), problems


def _read_day(part: str, text: str) -> tuple[datetime | None, list[str]]:
    try:
        return (datetime.combine(date.fromisoformat(text.strip()), time()) if text.strip() else None), []
    except ValueError:
        return None, [f"{part}: expected a day such as 2025-01-31, but got {shortened(text)}"]


def valid_part(query: MetricQuery, source: Source) -> tuple[MetricQuery, list[str]]:
    """What of a question the metrics of a source can be asked, and what is left out and why.

    Raises:
        WarehouseError: there is no semantic manifest.
    """
    known = {metric.name for metric in list_metrics(source)}
    metrics = tuple(name for name in query.metrics if name in known)
    problems = [f"metrics: there is no {shortened(name)}" for name in query.metrics if name not in known]
    if not metrics:
        return MetricQuery(), few(problems)
    allowed = {name for dimension in dimensions_of(metrics, source) for name in dimension.groups}
    group_by = tuple(name for name in query.group_by if name in allowed)
    problems += [
        f"by: not all chosen metrics can be grouped by {shortened(name)}"
        for name in query.group_by
        if name not in allowed
    ]
    sortable = {*metrics, *group_by}
    order_by = tuple(name for name in query.order_by if name.removeprefix("-") in sortable)
    problems += [f"order: {shortened(name)} is not in the answer" for name in query.order_by if name not in order_by]
    where = []
    for condition in query.where:
        try:
            as_filter(condition)
            where.append(condition)
        except ConditionError as error:
            problems.append(f"where: {error}")
    valid = replace(query, metrics=metrics, group_by=group_by, order_by=order_by, where=tuple(where), saved_query=None)
    return valid, few(problems)


def few(problems: Iterable[str]) -> list[str]:
    """The first of some problems, and how many more there are."""
    every = list(problems)
    more = len(every) - _MOST_PROBLEMS
    return every if more <= 0 else [*every[:_MOST_PROBLEMS], f"and {more:,} more"]


def shortened(text: str) -> str:
    """A text of somebody in quotes, short enough for a message."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
