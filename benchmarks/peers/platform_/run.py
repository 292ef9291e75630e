"""Load files as `nyc load` does: `python -m benchmarks.peers.platform_.run FILES [MONTH …]`.

With `--then` and arguments of dbt it builds afterwards, as `nyc load --build` does: dbt gets ready meanwhile. The
seconds that unpacking took, which count for nobody, are printed as JSON.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.processes import BenchmarkError
from warehouse.prepared_build import PreparedBuild


def main(arguments: Sequence[str]) -> None:
    """Load, build if that is asked for, and print what unpacking took.

    Raises:
        BenchmarkError: a file was not loaded, or dbt failed.
    """
    end = arguments.index("--then") if "--then" in arguments else len(arguments)
    loading, building = arguments[:end], arguments[end + 1 :]
    with PreparedBuild(building) if building else nullcontext() as build:
        # Imported when dbt has started, as the command does.
        from benchmarks.peers.platform_.load import load

        unpacking = load(Path(loading[0]).resolve(), loading[1:])
        if build and build.run():
            raise BenchmarkError(f"dbt {' '.join(building)} failed; what it says is above")
    print(json.dumps(unpacking))


if __name__ == "__main__":
    main(sys.argv[1:])
