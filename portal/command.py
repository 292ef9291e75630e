"""Start the portal: `nyc portal`.

It has Streamlit's own protections, and a limit on the memory of DuckDB. Listening on this machine only, it answers to
no other name, so that a site elsewhere cannot have a browser ask it.

Exit status: that of the server; 1 the extra `portal` is not installed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from warehouse.connection import MEMORY_LIMIT_VARIABLE
from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT

_SERVER = Path(__file__).with_name("server.py")

# Of each release that is open. Pages read small marts, and more would not make them faster.
_MEMORY = "150MB"

_LAST_PORT = 65535

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m portal.command") -> int:
    """Serve the portal in place of this process, until it is stopped."""
    parser = argparse.ArgumentParser(prog=prog, description="Look at what is published, in a browser.")
    parser.add_argument("--port", type=_port, default=8501, metavar="N", help="default 8501")
    parser.add_argument(
        "--address", default="127.0.0.1", help="where to listen; by default only this machine can connect"
    )
    options = parser.parse_args(arguments)
    if find_spec("streamlit") is None:
        print("expected streamlit, but it is not installed: make setup, or pip install '.[portal]'", file=sys.stderr)
        return ExitCode.FAILED
    print(f"the portal is at http://{options.address}:{options.port}; stop it with Ctrl-C", flush=True)
    os.chdir(PROJECT_ROOT)
    os.environ.setdefault(MEMORY_LIMIT_VARIABLE, _MEMORY)
    server = [f"--server.address={options.address}", f"--server.port={options.port}"]
    if options.address in _THIS_MACHINE:
        server += [f"--server.allowedHosts={name}" for name in _THIS_MACHINE]
    # In place of this process, so that signals reach the server.
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(_SERVER), *server])


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port from 1 to {_LAST_PORT}, but got {text[:50]!r}")


if __name__ == "__main__":
    sys.exit(main())
