"""Start the portal: `nyc portal`.

Exit status: that of the server; 1 the extra `portal` is not installed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT

_SERVER = Path(__file__).with_name("server.py")


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m portal.command") -> int:
    """Serve the portal in place of this process, until it is stopped."""
    parser = argparse.ArgumentParser(prog=prog, description="Look at what is published, in a browser.")
    parser.add_argument("--port", type=int, default=8501, metavar="N", help="default 8501")
    parser.add_argument(
        "--address", default="127.0.0.1", help="where to listen; by default only this machine can connect"
    )
    options = parser.parse_args(arguments)
    if find_spec("streamlit") is None:
        print("expected streamlit, but it is not installed: make setup, or pip install '.[portal]'", file=sys.stderr)
        return ExitCode.FAILED
    print(f"the portal is at http://{options.address}:{options.port}; stop it with Ctrl-C", flush=True)
    os.chdir(PROJECT_ROOT)
    # In place of this process, so that signals reach the server.
    server = [f"--server.address={options.address}", f"--server.port={options.port}"]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(_SERVER), *server])


if __name__ == "__main__":
    sys.exit(main())
