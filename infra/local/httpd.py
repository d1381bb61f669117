"""A small loopback HTTP server for the local cloud's own talk: queue, control, public keys."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.places import LOOPBACK

SECRET_HEADER = "X-Kezek-Control"  # noqa: S105 - the name of a header


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: method, path without query, headers by lower-case name, body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object; {} without a body. Raises ValueError."""
        value = json.loads(self.body or b"{}")
        if isinstance(value, dict):
            return value
        raise ValueError("a JSON object is expected")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: whole, or a line of JSON at a time where `lines` is given."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    lines: Iterable[dict[str, Any]] | None = None


Answer = Callable[[Ask], Reply]


def said(value: object, status: int = 200) -> Reply:
    """Return a JSON answer."""
    return Reply(status, json.dumps(value).encode())


class Httpd:
    """Serves from a daemon thread until closed."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        self._server = _Server((LOOPBACK, port), handler)
        self.port: int = self._server.server_address[1]
        self.base = f"http://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no event worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write per answer and no waiting for acknowledgements, or each answer takes 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120
    answer: Answer

    def do_GET(self) -> None:
        """Answer a request."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.answer(Ask(self.command, self.path.split("?")[0], headers, body))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.media)
        if reply.lines is None:
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
            return
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self._send_lines(iter(reply.lines))

    do_POST = do_GET

    def _send_lines(self, lines: Iterator[dict[str, Any]]) -> None:
        for line in lines:
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
