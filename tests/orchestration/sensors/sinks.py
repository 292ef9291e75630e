"""Where alerts arrive in tests: a webhook and a mail server on local ports."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebhookSink(ThreadingHTTPServer):
    """Takes what is posted to it, and answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Webhook)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Webhook(BaseHTTPRequestHandler):
    server: WebhookSink

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, body["text"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class MailSink(socketserver.ThreadingTCPServer):
    """Takes mail as a plain SMTP server without TLS does; `refusal` is what it answers to a recipient instead."""

    daemon_threads = True

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.messages: list[str] = []
        self.refusal: str | None = None
        super().__init__(("127.0.0.1", 0), _Mail)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Mail(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._say("220 sink")
        for line in iter(self.rfile.readline, b""):
            verb, _, rest = line.decode().strip().partition(" ")
            self.server.commands.append(f"{verb.upper()} {rest}")
            match verb.upper():
                case "EHLO":
                    self._say("250-sink\r\n250 AUTH PLAIN")
                case "AUTH":
                    self._say("235 welcome")
                case "RCPT":
                    self._say(self.server.refusal or "250 ok")
                case "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.server.messages.append(b"".join(lines).decode())
                    self._say("250 ok")
                case "QUIT":
                    return self._say("221 bye")
                case _:
                    self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(sink: socketserver.BaseServer) -> Iterator[None]:
    """Have the sink answer while the block runs."""
    thread = threading.Thread(target=sink.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        sink.shutdown()
        thread.join()
        sink.server_close()
