"""Loads what the publishers publish into `raw_data`, a month of a feed at a time."""

import os
from pathlib import Path

# Where dlt finds no file of secrets, it imports Streamlit to ask that for some: half a second of every load. This
# package has an empty one. A folder of dlt's settings where a command is run comes first, as dlt has it.
if not Path(".dlt").is_dir():
    os.environ.setdefault("DLT_PROJECT_DIR", str(Path(__file__).parent))
