"""`nyc metrics-server` and `nyc metrics-push`: the figures for Prometheus, pulled or pushed.

Exit status: 0 done; 1 the address cannot be had, or the gateway did not take the figures; 2 bad arguments; 3 nothing is
loaded or published yet, so nothing was pushed.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

import duckdb

from monitoring.push import GATEWAY_VARIABLE, Gateway, PushError, push_figures
from monitoring.server import METRICS, server_of
from monitoring.sources import all_sources
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode

DEFAULT_ADDRESS, DEFAULT_PORT = "127.0.0.1", 9464


def serve(arguments: Sequence[str] | None = None, *, prog: str = "python -m monitoring.command") -> int:
    """Serve `/metrics` until SIGTERM or Ctrl-C, and return the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--address", default=DEFAULT_ADDRESS, help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    sources = all_sources()
    try:
        server = server_of(sources, options.address, options.port)
    except OSError as error:
        print(f"{prog}: {options.address} port {options.port}: cannot be had: {error}", file=sys.stderr)
        return ExitCode.FAILED
    is_over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        is_over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with server:
        sources.start()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"[{options.address}]" if ":" in options.address else options.address
        print(f"serving http://{host}:{server.server_port}{METRICS}", flush=True)
        is_over.wait()
        server.shutdown()
    sources.stop()
    return ExitCode.DONE


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, but got {port}")
    return port


def push(arguments: Sequence[str] | None = None, *, prog: str = "nyc metrics-push") -> int:
    """Push the figures once, and return the exit status."""
    argparse.ArgumentParser(prog=prog, description=__doc__).parse_args(arguments)
    try:
        gateway = Gateway.from_environment()
        if gateway is None:
            print(f"{prog}: error: expected {GATEWAY_VARIABLE}, such as http://localhost:9091", file=sys.stderr)
            return ExitCode.BAD_ARGUMENTS
        is_there = push_figures(gateway)
    except (PushError, WarehouseError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    if not is_there:
        print("nothing is loaded or published yet: nothing to push", file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    print(f"pushed to {gateway.address}")
    return ExitCode.DONE
