"""The formats of an export."""

from collections.abc import Sequence
from typing import Protocol

from warehouse.lakehouse.exported import Exported
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, ReleaseTable


class Exporter(Protocol):
    """What every format implements, as `export_tables` in a module of its own."""

    def __call__(self, release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
        """Export tables of a release, and say what was written. The caller has locked the place.

        Raises:
            ExportError: something was not exported. Running the export again mends it.
        """
