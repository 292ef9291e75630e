"""Data quality: Great Expectations suites for every staging model, dimension and fact, and their runner.

Imports `warehouse`, and of the others nothing; runs without Dagster.
"""

import os

# Read when Great Expectations is imported, which everything here does later than this, and only to run suites.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
