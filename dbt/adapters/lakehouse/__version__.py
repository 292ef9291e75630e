"""The version that dbt says of the adapter: that of dbt-spark."""

from dbt.adapters.spark.__version__ import version

__all__ = ["version"]
