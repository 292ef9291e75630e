"""The page of feeds by subject, from the catalog."""

from collections.abc import Iterator

from docs.hooks.markup import code, heading, link, paragraph, table, text
from docs.hooks.reference.models import address_of
from ingestion.calendars import Described
from ingestion.catalog import CATALOG
from ingestion.feeds import Feed

_PAGE = "reference/feeds.md"
_HEADER = ("feed", "publisher", "grain", "from", "due after", "tables")


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    parts = [
        "# Feeds\n\n",
        paragraph(
            text("A feed is one series of files, answers or messages by one publisher."),
            text("“By default”: loaded if nobody names feeds."),
            text("“Due after”: days from a period's end until its file is due."),
            text("“Tables”: the raw one, and the models that keep its rows, or reject them."),
        ),
    ]
    for subject in CATALOG.subjects.values():
        parts.append(heading(2, subject.name))
        parts.append(table(_HEADER, (_row(feed) for feed in subject.feeds)))
        if subject.aliases:
            meant = (f"{code(alias)} stands for {code(', '.join(names))}." for alias, names in subject.aliases.items())
            parts.append(paragraph(*meant))
    yield _PAGE, "".join(parts)


def _row(feed: Feed) -> tuple[str, ...]:
    name = code(feed.name) + ("<br>by default" if feed.is_default else "")
    models = [feed.kept_in, *([feed.quarantined_in] if feed.quarantined_in else [])]
    kept = (link(code(model), address_of(model, _PAGE)) for model in models)
    return (
        name,
        text(feed.publisher.name),
        text(_grain(feed)),
        code(feed.first_period.key),
        text("at once" if feed.is_stream or feed.is_own else f"{feed.publication_lag_days} days"),
        "<br>".join([code(f"raw_data.{feed.raw_table}"), *kept]),
    )


def _grain(feed: Feed) -> str:
    if feed.stream is not None:
        return f"stream: topic `{feed.stream.topic}`, by {feed.grain} of the event, {feed.stream.zone}"
    if feed.is_reference:
        return "one file"
    if feed.is_irregular:
        return f"{feed.grain}, irregular"
    calendar = feed.calendar
    return f"{feed.grain}: {calendar.description}" if isinstance(calendar, Described) else str(feed.grain)
