"""The adapter of the target spark.

dbt looks for adapters in the folders `dbt/adapters` of all that is on Python's path, and the project is.
"""

from pathlib import Path

from dbt.adapters.base import AdapterPlugin

from warehouse.spark.adapter import TYPE, LakehouseAdapter, LakehouseCredentials

Plugin = AdapterPlugin(
    adapter=LakehouseAdapter,
    credentials=LakehouseCredentials,
    include_path=str(Path(__file__).parent),
    dependencies=["spark"],
    project_name=f"dbt_{TYPE}",
)
