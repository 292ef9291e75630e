"""The names that a partition's file may have, and the addresses that come of them."""

import re
from urllib.parse import quote

from ingestion.partitions import Partition


def file_address(base: str, name: str) -> str:
    """The address of a file below the base address, whatever characters its name has."""
    return f"{base}/{quote(name)}"


def registered_names(partition: Partition) -> list[str]:
    """The names that the feed declares for a partition's file, in the order to try them."""
    return [name.format(period=partition.period.start) for name in partition.feed.file_names]


def could_be_named(partition: Partition, name: str) -> bool:
    """Whether a file of this name is the partition's, but for a mistake that the publisher made in its words.

    Up to the period, and from the last dot on, it must be a declared name. Between the two may be letters, blanks,
    dots, hyphens and underscores: no digits, which might be of another period, and nothing that leaves the folder.
    """
    return any(_is_like(template, partition, name) for template in partition.feed.file_names)


def _is_like(template: str, partition: Partition, name: str) -> bool:
    beginning, _, rest = template.rpartition("}")
    to_period = f"{beginning}}}".format(period=partition.period.start)
    ending = rest.rpartition(".")[2]
    return re.fullmatch(rf"{re.escape(to_period)}[A-Za-z ._-]{{1,60}}\.{re.escape(ending)}", name) is not None
