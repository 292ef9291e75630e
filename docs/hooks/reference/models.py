"""The pages of dbt's models by subject and layer: grain, key, strategy, description and columns, from the manifest."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from docs.hooks.addresses import address
from docs.hooks.dbt_project import manifest
from docs.hooks.markup import code, heading, link, paragraph, table, text

Node = dict[str, Any]

# In the order in which data goes through them.
_LAYERS = {
    "seeds": "small tables of the project's own",
    "staging": "rename and cast, a model a raw table; nothing else",
    "intermediate": "steps on the way, such as what all trips have in common",
    "marts": "dimensions and facts, which are published",
    "semantic": "what metrics are asked of beside the marts",
    "checks": "what is checked, as views",
}
_GRAIN = re.compile(r"Grain: ([^.;]+)")
_EVERYWHERE = "all subjects"
_INDEX = "reference/models/index.md"


def pages() -> Iterator[tuple[str, str]]:
    """The pages and their texts: an index, then a page a subject and layer."""
    by_page: dict[str, list[Node]] = defaultdict(list)
    layers = list(_LAYERS)
    for node in sorted(_nodes(), key=lambda one: (_subject(one), layers.index(_layer(one)))):
        by_page[_page(node)].append(node)
    yield _INDEX, _index(by_page)
    for page, nodes in by_page.items():
        parts = [f"# {_title(page)}\n\n", paragraph(text(f"{_LAYERS[_layer(nodes[0])].capitalize()}."))]
        for node in sorted(nodes, key=lambda one: str(one["name"])):
            parts.extend(_model(node, page))
        yield page, "".join(parts)


def address_of(model: str, page: str) -> str:
    """Where a model is described, as a link from a page."""
    wanted = next((_page(node) for node in _nodes() if node["name"] == model), None)
    if wanted is None:
        raise LookupError(f"expected a model or seed of the dbt project, but {model} is none")
    return address(f"{wanted}#{model}", page)


@cache
def _nodes() -> tuple[Node, ...]:
    return tuple(node for node in manifest()["nodes"].values() if node["resource_type"] in ("model", "seed"))


@cache
def _keys() -> dict[str, list[str]]:
    """The columns that a test says are unique, by the id of their model."""
    found = {}
    for node in manifest()["nodes"].values():
        metadata = node.get("test_metadata") or {}
        if metadata.get("name") == "unique" and node.get("attached_node"):
            found[node["attached_node"]] = [metadata["kwargs"]["column_name"]]
    return found


def _layer(node: Node) -> str:
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def _page(node: Node) -> str:
    return f"reference/models/{_subject(node).replace(' ', '-')}-{_layer(node)}.md"


def _subject(node: Node) -> str:
    folders = node["fqn"][1:-1] if node["resource_type"] == "seed" else node["fqn"][2:-1]
    return str(folders[0]) if folders else _EVERYWHERE


def _title(page: str) -> str:
    subject, _, layer = posixpath.basename(page).removesuffix(".md").rpartition("-")
    return f"{subject.replace('-', ' ')}: {layer}"


def _index(by_page: dict[str, list[Node]]) -> str:
    parts = [
        "# Models\n\n",
        paragraph(
            text("Every model and seed of dbt, by subject and layer. `make docs` makes dbt's own pages of them.")
        ),
        table(("layer", "what is in it"), ((text(layer), text(words)) for layer, words in _LAYERS.items())),
    ]
    for page, nodes in by_page.items():
        parts.append(heading(2, _title(page)))
        rows = (
            (link(code(node["name"]), address_of(node["name"], _INDEX)), text(_grain(node)))
            for node in sorted(nodes, key=lambda one: str(one["name"]))
        )
        parts.append(table(("model", "a row is"), rows))
    return "".join(parts)


def _grain(node: Node) -> str:
    found = _GRAIN.search(" ".join(node["description"].split()))
    return found[1] if found else ""


def _model(node: Node, page: str) -> Iterator[str]:
    yield heading(2, node["name"], node["name"])
    yield paragraph(text(node["description"]))
    yield table(("", "of the table"), ((text(name), words) for name, words in _facts(node, page) if words))
    yield table(("column", "type", "description"), (_column(column) for column in node["columns"].values()))


def _facts(node: Node, page: str) -> Iterator[tuple[str, str]]:
    yield "table", code(f"{node['schema']}.{node['alias']}")
    yield "a row is", text(_grain(node))
    key = node["config"]["meta"].get("key") or _keys().get(node["unique_id"], [])
    yield "key", ", ".join(map(code, key))
    yield "strategy", _strategy(node["config"])
    read = [manifest()["nodes"].get(name) for name in node.get("depends_on", {}).get("nodes", ())]
    yield "reads", ", ".join(link(code(one["name"]), address_of(one["name"], page)) for one in read if one)


def _strategy(config: dict[str, Any]) -> str:
    columns = [field["field"] for field in config.get("partition_by") or ()]
    return code(config["materialized"]) + (f" by {', '.join(map(code, columns))}" if columns else "")


def _column(column: dict[str, Any]) -> tuple[str, str, str]:
    unit = column["meta"].get("unit")
    return (
        code(column["name"]),
        code(column["data_type"] or ""),
        text(column["description"] + (f" [{unit}]" if unit else "")),
    )
