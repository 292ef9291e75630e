"""Data quality: Great Expectations suites for every staging model, dimension and fact, and their runner.

Imports only `warehouse` of the other packages, and runs without Dagster. Modules of this folder are the engine and know
no subject. A subject has a folder in `quality/suites/`.
"""

import os

# Great Expectations reads it when it is imported, which happens later than this.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
