"""A stand-in for Slack's incoming webhook: `python -m tests.monitoring.receiver FILE [--port PORT]`.

Appends what is posted to FILE as JSON lines, {"at": UTC time, "path": …, "text": …}, until it is stopped. Prints the
setting that leads alerts to it.
"""

import argparse
import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Receiver(ThreadingHTTPServer):
    """Takes what is posted to it, and appends it to a file."""

    daemon_threads = True

    def __init__(self, file: Path, port: int = 0) -> None:
        self.file = file
        super().__init__(("127.0.0.1", port), _Post)


class _Post(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "path": self.path, "text": body["text"]}
        with self.server.file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


def main() -> None:
    """Receive until the process is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    with Receiver(arguments.file, arguments.port) as receiver:
        print(f"ALERT_SLACK_WEBHOOK_URL=http://127.0.0.1:{receiver.server_address[1]}/", flush=True)  # noqa: T201
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
