"""The tag that says which subject an asset, a job or a run is of."""

from collections.abc import Iterable, Mapping
from typing import Any

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from orchestration.dbt_cli.selection import subjects_of_node

SUBJECT_TAG = "subject"


def subject_tags(names: Iterable[str]) -> dict[str, str]:
    """The tag of these subjects. Several are joined by dots, for a tag has one value; of none there is no tag."""
    # Each once, in order.
    value = ".".join(dict.fromkeys(names))
    return {SUBJECT_TAG: value} if value else {}


def tags_of_feeds(catalog: Catalog, feeds: Iterable[Feed]) -> dict[str, str]:
    """The tag of the subjects of these feeds."""
    return subject_tags(catalog.subject_of(feed).name for feed in feeds)


def tags_of_node(catalog: Catalog, node: Mapping[str, Any]) -> dict[str, str]:
    """The tag of a node of the dbt manifest. A shared node has none."""
    return subject_tags(subjects_of_node(node, catalog))
