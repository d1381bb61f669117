"""The HTTP client of commands, imports and demo: kept-alive connections, bounded patience.

    api = Api("http://127.0.0.1:8000", token)
    answer = api.put("/v1/…", {...})          # Answer: status, json(), header(name)

One connection per thread and host. Only what time can cure is tried again (no answer, 429, 503):
every operation of Kezek may be sent twice, because the caller names what it creates.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

TRIES = 6
# A server of several processes takes connections where it has time; a kept one stays where it is.
MOST_PER_CONNECTION = 50
PATIENCE_S = 30.0
_AGAIN = frozenset({429, 502, 503, 504})


class SystemSilent(ConnectionError):
    """Nothing answers at that address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Tell whether the system said yes."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body as JSON; {} where there is none."""
        return json.loads(self.raw) if self.raw else {}

    @property
    def code(self) -> str:
        """Return the stable code of a refusal; the status where the answer has none."""
        try:
            found = self.json()
        except ValueError:
            return f"http/{self.status}"
        return str(found.get("code", f"http/{self.status}")) if isinstance(found, dict) else ""

    @property
    def detail(self) -> str:
        """Return what a refusal says to a person."""
        try:
            found = self.json()
        except ValueError:
            return ""
        return str(found.get("detail", "")) if isinstance(found, dict) else ""


@dataclass(slots=True)
class Api:
    """An address and a token; safe to use from many threads.

    purpose: why a member of staff looks at what is protected, as the family will read it.
    device: which telephone a family acts from, as its portal names it.
    """

    url: str
    token: str | None = None
    language: str = "ru"
    timeout_s: float = PATIENCE_S
    purpose: str | None = None
    device: str | None = None
    _local: threading.local = field(default_factory=threading.local)

    def as_(self, token: str | None) -> Api:
        """Return the same address for somebody else, over the same connections."""
        return replace(self, token=token)

    def for_(self, purpose: str) -> Api:
        """Return the same client, looking for a purpose."""
        return replace(self, purpose=purpose)

    def from_(self, device: str) -> Api:
        """Return the same client, acting from a telephone."""
        return replace(self, device=device)

    def get(self, path: str, **query: object) -> Answer:
        """Ask for something; None among the query's values is left out."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self.ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def put(self, path: str, body: object = None) -> Answer:
        """Name and send something."""
        return self.ask("PUT", path, body)

    def post(self, path: str, body: object = None) -> Answer:
        """Send something that carries its own name inside."""
        return self.ask("POST", path, body)

    def delete(self, path: str) -> Answer:
        """Take something back."""
        return self.ask("DELETE", path)

    def ask(
        self, method: str, path: str, body: object = None, *, media: str = "application/json"
    ) -> Answer:
        """Send a request, again where time may cure it. Raises SystemSilent."""
        # What somebody typed may hold letters and signs that no address has.
        path = quote(path, safe="/?&=:%+,;@!$'()*~")
        headers = {"Accept": "*/*", "Accept-Language": self.language}
        content: bytes | None = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = media
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.purpose:
            headers["Kezek-Purpose"] = self.purpose
        if self.device:
            headers["Kezek-Device"] = self.device
        answer: Answer | None = None
        for tried in range(TRIES):
            if tried:
                jitter = random.uniform(0.05, 0.2) * 2**tried  # noqa: S311
                time.sleep(max(jitter, _asked_to_wait(answer)))
            try:
                answer = self._once(method, path, content, headers)
            except (OSError, http.client.HTTPException):
                self._close()
                continue
            if answer.status not in _AGAIN:
                return answer
        if answer is None:
            raise SystemSilent(f"nothing answers at {self.url}")
        return answer

    def _once(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> Answer:
        connection = self._connection()
        connection.request(method, path, content, headers)
        got = connection.getresponse()
        raw = got.read()
        self._local.used = getattr(self._local, "used", 0) + 1
        if got.will_close or self._local.used >= MOST_PER_CONNECTION:
            self._close()
        return Answer(got.status, raw, {name.lower(): value for name, value in got.getheaders()})

    def _connection(self) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is None:
            where = urlsplit(self.url)
            kind = (
                http.client.HTTPSConnection
                if where.scheme == "https"
                else http.client.HTTPConnection
            )
            kept = kind(where.hostname or "", where.port, timeout=self.timeout_s)
            self._local.connection = kept
            self._local.used = 0
        return kept

    def _close(self) -> None:
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None:
            kept.close()
        self._local.connection = None


def _asked_to_wait(answer: Answer | None) -> float:
    """Return the seconds after which who asked too much may go on; a minute at most."""
    if answer is None or answer.status != 429:
        return 0.0
    said = answer.headers.get("retry-after", "")
    return min(60.0, float(said)) if said.isascii() and said.isdigit() else 0.0
