"""The page of what Prometheus is told: families of figures, from the calls that make them, and the rules that alert."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.hooks.addresses import address
from docs.hooks.markup import code, heading, link, paragraph, table, text
from monitoring.runbooks import Runbook
from warehouse.paths import PROJECT_ROOT

_PAGE = "reference/monitoring.md"
# The functions that make a family, each with its name and its meaning among the arguments.
_MAKERS = {"gauge", "one", "by", "counter"}
_FAMILY = "nyc_"
_LABEL = re.compile(r"\{\{ *\$labels\.(\w+)[^}]*\}\}")
_VALUE = re.compile(r"\{\{ *\$value[^}]*\}\}")
_RULES = PROJECT_ROOT / "deploy" / "prometheus" / "rules.yml"


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    families, rules = sorted(_families(PROJECT_ROOT / "monitoring")), list(_rules())
    parts = ["# Monitoring\n\n", paragraph(text("What `nyc metrics-server` tells Prometheus, and when that alerts."))]
    if not families and not rules:
        parts = ["# Monitoring\n\nThis version serves no figures to Prometheus.\n"]
    if rules:
        parts.append(heading(2, "Alert rules"))
        parts.append(table(("alert", "when", "severity", "what it says", "runbook"), map(_alert, rules)))
    if families:
        parts.append(heading(2, "Families"))
        rows = ((code(name), text(meaning)) for name, meaning in families)
        parts.append(table(("family", "what it is"), rows))
    yield _PAGE, "".join(parts)


def _families(folder: Path) -> set[tuple[str, str]]:
    """Each family with its meaning. They are read from the source: to make them needs a warehouse and Dagster."""
    calls = (
        node
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS
    )
    found = ([one.value for one in call.args if isinstance(one, ast.Constant)] for call in calls)
    texts = ([str(word) for word in words if isinstance(word, str)] for words in found)
    # A label may come before the name; the meaning follows the name.
    families = (words[-2:] for words in texts if len(words) > 1 and words[-2].startswith(_FAMILY))
    return {(name, meaning) for name, meaning in families}


def _rules() -> Iterator[dict[str, Any]]:
    if _RULES.exists():
        for group in yaml.safe_load(_RULES.read_text())["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def _spoken(words: str) -> str:
    """The words of an alert, with what Prometheus puts into them in capitals."""
    words = _LABEL.sub(lambda found: found[1].upper(), words)
    return _VALUE.sub("N", words)


def _alert(rule: dict[str, Any]) -> tuple[str, ...]:
    notes = rule.get("annotations", {})
    when = code(rule["expr"]) + (f" for {text(rule['for'])}" if "for" in rule else "")
    words = text(_spoken(". ".join(filter(None, (notes.get("summary"), notes.get("description"))))))
    book = next((one for one in Runbook if f"/runbooks/{one.value}" in str(notes.get("runbook_url"))), None)
    page = link(text(book.value), address(f"runbooks/{book.value}.md", _PAGE)) if book else ""
    return code(rule["alert"]), when, text(rule.get("labels", {}).get("severity", "")), words, page
