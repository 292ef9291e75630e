"""The page of the suites of expectations by subject."""

from collections.abc import Iterator

from docs.hooks.markup import code, heading, link, paragraph, table, text
from docs.hooks.reference.models import address_of
from quality.suite import Expectation, Suite
from quality.suites import SUBJECTS

_PAGE = "reference/expectations.md"


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    parts = [
        "# Expectations\n\n",
        paragraph(
            text("What `nyc check` checks. A suite of rows checks the rows of its table, a suite of files the figures"),
            text("of each published file. What fails with severity `error` keeps a release from being made."),
        ),
    ]
    for subject in SUBJECTS:
        for suite in subject.suites:
            parts.extend(_suite(suite, subject.name or "all subjects"))
    yield _PAGE, "".join(parts)


def _suite(suite: Suite, subject: str) -> Iterator[str]:
    yield heading(2, suite.name, suite.name)
    files = f" of {', '.join(suite.feeds)}, by {suite.grain}" if suite.feeds else ""
    model = link(code(suite.model), address_of(suite.model, _PAGE))
    yield paragraph(f"{text(subject)}: {text(suite.kind + files)}, on {model}.")
    yield table(("expectation", "severity", "what holds"), map(_expectation, suite.expectations))


def _expectation(expectation: Expectation) -> tuple[str, str, str]:
    since = f" From {expectation.since} on." if expectation.since else ""
    return code(expectation.name), text(expectation.severity), text(f"{expectation.description}{since}")
