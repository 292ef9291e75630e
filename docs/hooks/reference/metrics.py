"""The page of the governed metrics by category, from the semantic manifest."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docs.hooks.dbt_project import semantic_manifest
from docs.hooks.markup import code, heading, paragraph, table, text
from metrics.definitions import formula_of


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    metrics = sorted(semantic_manifest()["metrics"], key=lambda one: (_meta(one, "category"), one["name"]))
    parts = [
        "# Metrics\n\n",
        paragraph(
            text(f"{len(metrics)} metrics, each declared once."),
            text(
                "`nyc metrics describe NAME` shows one with its dimensions and its SQL, `nyc query NAME` asks for it."
            ),
        ),
    ]
    for category, found in groupby(metrics, key=lambda one: _meta(one, "category")):
        parts.append(heading(2, category))
        parts.append(table(("metric", "unit", "owner", "definition"), (_row(metric) for metric in found)))
    yield "reference/metrics.md", "".join(parts)


def _meta(metric: dict[str, Any], name: str) -> str:
    return str(metric["config"]["meta"].get(name, ""))


def _row(metric: dict[str, Any]) -> tuple[str, str, str, str]:
    formula = "<br>".join(code(line) for line in formula_of(semantic_manifest(), metric["name"]))
    name = f"{code(metric['name'])}<br>{text(metric['label'])}"
    words = f"{text(metric['description'])}<br><small>{formula}</small>"
    return name, text(_meta(metric, "unit")), text(_meta(metric, "owner")), words
