"""The lakehouse: a release as files and tables that other tools read, on a folder or in S3.

`nyc export` writes them. Only this package imports the libraries of the extra `lakehouse`.
"""

from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.exporting import UnknownTableError, export
from warehouse.lakehouse.formats import FORMATS
from warehouse.lakehouse.location import Location

__all__ = ["FORMATS", "ExportError", "Exported", "Location", "UnknownTableError", "export"]
