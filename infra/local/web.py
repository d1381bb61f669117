"""The HTTP process: the application behind gunicorn, one worker with eight threads.

python -m infra.local.web --port 8000 --app app:app --clock .local/clock.json
"""

from __future__ import annotations

import argparse
import base64
import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from infra.local.places import LOOPBACK

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Wsgi = Callable[[Mapping[str, Any], StartResponse], Iterable[bytes]]

THREADS = 8
GENEROSITY = 1_000
_KEEP_ALIVE_S = 75


def load_app(named: str) -> Any:
    """Return the application named `module:attribute`."""
    module, _, attribute = named.partition(":")
    return getattr(importlib.import_module(module), attribute or "app")


def use_clock(path: Path | None) -> None:
    """Let the application read the simulated clock; None keeps the system's.

    Where the clock stands still while a rehearsal acts, one caller is as many as a city's.
    """
    from chalicelib.access.actions import limiting
    from chalicelib.edge import clock
    from infra.local.clock import FileClock

    clock.use(FileClock(path) if path is not None else None)
    limiting.use(GENEROSITY if path is not None else None)


def count_units() -> None:
    """Count the capacity units this process uses, beside the data it serves."""
    from chalicelib.storage.client import client
    from infra.local.capacity import Counted

    Counted(Path(os.environ["KEZEK_KEYS_FILE"]).parent).watch(client())


def wsgi(app: Any) -> Wsgi:
    """Return the application as a WSGI callable."""
    from infra.local.gateway import MOST_REQUEST_BYTES, Gateway

    gateway = Gateway(app)

    def answer(environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # The raw target keeps percent-encoding as the gateway would hand it on.
        path = environ.get("RAW_URI") or environ["PATH_INFO"]
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        body = environ["wsgi.input"].read(MOST_REQUEST_BYTES + 1)
        said = gateway.request(environ["REQUEST_METHOD"], path, headers, body)
        content = said.get("body") or ""
        raw = base64.b64decode(content) if said["isBase64Encoded"] else content.encode()
        shown = [(name, str(value)) for name, value in (said.get("headers") or {}).items()]
        for name, values in (said["multiValueHeaders"] or {}).items():
            shown += [(name, str(value)) for value in values]
        if said["statusCode"] not in (204, 304):
            shown.append(("Content-Length", str(len(raw))))
        status = HTTPStatus(said["statusCode"])
        start_response(f"{status.value} {status.phrase}", shown)
        return [raw]

    return answer


class Server(BaseApplication):
    """Gunicorn, told everything in code; the application is imported in the worker."""

    def __init__(self, named: str, port: int, clock: Path | None) -> None:
        self._named = named
        self._port = port
        self._clock = clock
        super().__init__()  # type: ignore[no-untyped-call]

    def load_config(self) -> None:
        """Set what gunicorn needs to know."""
        settings = {
            "bind": f"{LOOPBACK}:{self._port}",
            "workers": min(2, os.cpu_count() or 1),
            "threads": THREADS,
            "worker_class": "gthread",
            "keepalive": _KEEP_ALIVE_S,
            "timeout": 60,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "proc_name": "kezek-web",
            "control_socket_disable": True,
        }
        config: Any = self.cfg
        for name, value in settings.items():
            config.set(name, value)

    def load(self) -> Wsgi:
        """Import the application and return it."""
        use_clock(self._clock)
        count_units()
        return wsgi(load_app(self._named))


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="infra.local.web")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--app", default="app:app")
    parser.add_argument("--clock", type=Path)
    asked = parser.parse_args()
    Server(asked.app, asked.port, asked.clock).run()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
