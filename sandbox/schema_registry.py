"""A registry of Avro schemas on this machine: what producers and readers ask of Confluent's, kept in memory."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

_HOST = "127.0.0.1"
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
# As Confluent numbers them.
_SUBJECT_NOT_FOUND, _VERSION_NOT_FOUND, _SCHEMA_NOT_FOUND, _INVALID_SCHEMA = 40401, 40402, 40403, 42201


class _Answer(NamedTuple):
    status: int
    body: Any


class SchemaRegistry:
    """A registry that answers from `start` to `stop`, or within a `with` block.

    Any schema is taken, also one that does not fit those before it: what comes of that is for readers to see. Port 0 is
    any free one. `asked` counts the requests.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self._schemas: dict[int, str] = {}
        self._versions: dict[str, list[int]] = {}
        self.asked = 0

    @property
    def url(self) -> str:
        """The address, such as http://127.0.0.1:8081."""
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on.

        Raises:
            OSError: the port is not free.
        """
        self._server = _Server((_HOST, self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no longer. What is registered stays, and so does the port for another `start`."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def register(self, subject: str, schema: dict[str, Any] | str) -> int:
        """Give a schema its id; the same one has the same id in all subjects.

        Raises:
            ValueError: the text is not JSON.
        """
        text = json.dumps(json.loads(schema) if isinstance(schema, str) else schema, separators=(",", ":"))
        with self._lock:
            known = {known: number for number, known in self._schemas.items()}
            number = known.get(text, len(self._schemas) + 1)
            self._schemas[number] = text
            versions = self._versions.setdefault(subject, [])
            if number not in versions:
                versions.append(number)
            return number

    def answer(self, method: str, path: str, body: bytes) -> _Answer:
        """The answer to a request."""
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        with self._lock:
            self.asked += 1
        match method, parts:
            case "GET", ["schemas", "ids", number]:
                return self._schema(number)
            case "GET", ["subjects"]:
                return _Answer(200, sorted(self._versions))
            case "GET", ["subjects", subject, "versions"] if subject in self._versions:
                return _Answer(200, list(range(1, len(self._versions[subject]) + 1)))
            case "GET", ["subjects", subject, "versions", version] if subject in self._versions:
                return self._version(subject, version)
            case "GET", ["subjects", subject, "versions", *_]:
                return _error(404, _SUBJECT_NOT_FOUND, f"Subject '{subject}' not found.")
            case "POST", ["subjects", subject, "versions"]:
                return self._post(subject, body)
        return _error(404, 404, "HTTP 404 Not Found")

    def _schema(self, number: str) -> _Answer:
        schema = self._schemas.get(int(number)) if re.fullmatch(r"[0-9]{1,10}", number) else None
        if schema is None:
            return _error(404, _SCHEMA_NOT_FOUND, f"Schema {number} not found")
        return _Answer(200, {"schema": schema})

    def _version(self, subject: str, version: str) -> _Answer:
        ids = self._versions[subject]
        number = str(len(ids)) if version == "latest" else version
        position = int(number) if re.fullmatch(r"[0-9]{1,6}", number) else 0
        if not 1 <= position <= len(ids):
            return _error(404, _VERSION_NOT_FOUND, f"Version {version} not found.")
        schema_id = ids[position - 1]
        schema = self._schemas[schema_id]
        return _Answer(200, {"subject": subject, "version": position, "id": schema_id, "schema": schema})

    def _post(self, subject: str, body: bytes) -> _Answer:
        try:
            schema = json.loads(body)["schema"]
            if not isinstance(schema, str):
                raise TypeError(schema)
            return _Answer(200, {"id": self.register(subject, schema)})
        except (ValueError, TypeError, KeyError):
            return _error(422, _INVALID_SCHEMA, 'Expected JSON such as {"schema": "…"} with a schema of Avro.')


def _error(status: int, code: int, message: str) -> _Answer:
    return _Answer(status, {"error_code": code, "message": message})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # An open keep-alive connection must not hold up the end.
    block_on_close = False

    def __init__(self, address: tuple[str, int], registry: SchemaRegistry) -> None:
        self.registry = registry
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes. Without this the second waits for the client's acknowledgement.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are counted, not written down."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.registry.answer(self.command, self.path, body)
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", _MEDIA_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
