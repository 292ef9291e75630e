"""Which names a month's file may have at its publisher, and the addresses that come of them."""

import re
from urllib.parse import quote

from ingestion.fetch.base_address import base_address
from ingestion.partitions import Partition


def file_addresses(partition: Partition) -> list[str]:
    """The addresses at which a month's file may be by the registry's names, in the order to try them."""
    base = base_address(partition.feed.publisher)
    return [file_address(base, name) for name in registered_names(partition)]


def file_address(base: str, name: str) -> str:
    """The address of a file below the base address, whatever characters its name has."""
    return f"{base}/{quote(name)}"


def registered_names(partition: Partition) -> list[str]:
    """The names that the registry gives a month's file, in the order to try them."""
    return [name.format(period=partition.period.start) for name in partition.feed.file_names]


def could_be_named(partition: Partition, name: str) -> bool:
    """Whether a file of this name is the month's, with a slip of the publisher's in its words.

    Up to the month, and from the last dot on, it is a name of the registry. Between there are letters, blanks, dots,
    hyphens and underscores: no digit, which might be of another month, and nothing that leads out of the folder.
    """
    return any(_is_like(template, partition, name) for template in partition.feed.file_names)


def _is_like(template: str, partition: Partition, name: str) -> bool:
    beginning, _, rest = template.partition("}")
    to_month = f"{beginning}}}".format(period=partition.period.start)
    ending = rest.rpartition(".")[2]
    return re.fullmatch(rf"{re.escape(to_month)}[A-Za-z ._-]{{1,60}}\.{re.escape(ending)}", name) is not None
