"""A11: every outgoing call has time limits; a socket that never answers costs under ten seconds.

Three kinds of silence: `mute` takes a connection and says nothing, `deaf` lets nobody in, `drip`
sends a byte now and then. All outgoing calls of the application meet each of them at once, in
threads, so that the test waits for the slowest only; whole requests meet a store that falls silent
at their first call and in the middle. A list of the places where the code opens a connection keeps
the table complete.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from chalicelib.adapters import files, messages, work
from chalicelib.adapters.patience import MOST_S, read_whole
from chalicelib.adapters.signatures import VerifierSilent, remote, trust
from chalicelib.edge import issuers
from chalicelib.kernel.actors import Role
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import client, secrets
from chalicelib.storage.commit import StoreSilent
from chalicelib.storage.rows import FactsRow, use_stage
from infra.local import faults, testing
from tests.stories.people import iin

ROOT = Path(__file__).resolve().parents[2]
# The gateway gives up at 29 s; whoever is refused for load all the time is told so before.
ALL_TRIES_S = 28.0
# Six tries of the whole action, six of each commit, and what each try reads.
MOST_CALLS_OF_A_CONFLICT = 120
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


# --- silence ------------------------------------------------------------------------------------


@dataclass
class Silence:
    """A port where nobody answers as they should."""

    kind: str
    listening: socket.socket
    others: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def silence(kind: str) -> Iterator[Silence]:
    """Open a port that is mute, deaf or drips."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0 if kind == "deaf" else 128)
    made = Silence(kind, listening)
    ended = threading.Event()
    threads: list[threading.Thread] = []
    if kind == "deaf":
        # Its backlog is full: the next who knocks hears nothing at all.
        for _ in range(4):
            knocking = socket.socket()
            knocking.setblocking(False)
            knocking.connect_ex(listening.getsockname())
            made.others.append(knocking)
        time.sleep(0.1)
    if kind == "drip":
        threads.append(threading.Thread(target=_drip, args=(made, ended), daemon=True))
        threads[0].start()
    try:
        yield made
    finally:
        ended.set()
        for one in [listening, *made.others]:
            one.close()
        for thread in threads:
            thread.join(2)


def _drip(of: Silence, ended: threading.Event) -> None:
    """Answer every request with headers at once and a body of one byte each half second."""
    of.listening.settimeout(0.2)
    open_: list[socket.socket] = []
    told: set[int] = set()
    while not ended.wait(0.5):
        while True:
            try:
                line, _ = of.listening.accept()
            except OSError:
                break
            open_.append(line)
        for line in open_:
            try:
                if line.fileno() not in told:
                    told.add(line.fileno())
                    line.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                line.send(b" ")
            except OSError:
                continue
    for line in open_:
        line.close()


# --- every outgoing call ------------------------------------------------------------------------


@dataclass(frozen=True)
class Outgoing:
    """One way out: where the code opens it, what is asked, and which refusal says it was silent.

    refusal: None where silence is an outage that has its own answer.
    """

    opened_in: str
    ask: Callable[[Silence], None]
    refusal: type[Refusal] | None


def _dynamodb(to: Silence) -> None:
    from chalicelib.storage.commit import Put, commit

    del to
    commit([Put(FactsRow("A11", "-", version=1, body="{}"))])


def _sqs(to: Silence) -> None:
    del to
    work.send([work.Message("billing/bill", {})])


def _s3(to: Silence) -> None:
    del to
    files.save("a11/file", b"x")


def _s3_read(to: Silence) -> None:
    del to
    files.published("checkpoint")


def _kms(to: Silence) -> None:
    del to
    secrets.opened_by_kms(base64.b64encode(b"x" * 64).decode(), context="keyring")


def _message(to: Silence) -> None:
    del to
    messages.send("a11", channel="sms", address="+77010000000", language="kk", text="-", at=NOW)


def _keys(to: Silence) -> None:
    issuer = issuers.Issuer(
        iss="a11",
        jwks_uri=f"{to.url}/jwks",
        roles=frozenset({Role.HEAD}),
        aud="kezek",
        algs=("EdDSA",),
        strong=(),
        longest_s=3600,
        clients=("kezek",),
    )
    assert issuers._fetch(issuer) is None


def _verifier(to: Silence) -> None:
    remote._post(to.url, {"cms": "", "data": ""})


def _revocations(to: Silence) -> None:
    # Three lists, as an authority with three keys has them: they share one limit.
    del to
    list(trust._revocation_lists(NOW))


OUTGOING = {
    "DynamoDB": Outgoing("chalicelib/storage/client.py", _dynamodb, StoreSilent),
    "SQS": Outgoing("chalicelib/adapters/work.py", _sqs, work.QueueSilent),
    "S3, write": Outgoing("chalicelib/adapters/files.py", _s3, files.FilesSilent),
    "S3, read": Outgoing("chalicelib/adapters/files.py", _s3_read, files.FilesSilent),
    "KMS": Outgoing("chalicelib/storage/secrets.py", _kms, secrets.KeysSilent),
    "messages": Outgoing("chalicelib/adapters/messages.py", _message, messages.GatewaySilent),
    "issuers' keys": Outgoing("chalicelib/edge/issuers.py", _keys, None),
    "verifier": Outgoing("chalicelib/adapters/signatures/remote.py", _verifier, VerifierSilent),
    "revocation lists": Outgoing(
        "chalicelib/adapters/signatures/trust.py", _revocations, VerifierSilent
    ),
}
# AWS is taken at its word that an answer that has begun comes to an end; others are not.
_MAY_DRIP = {"messages", "issuers' keys", "verifier", "revocation lists"}
# What opens a connection by itself, and has its own tests of silence.
ELSEWHERE = {"chalicelib/storage/vault/postgres.py": "tests/storage/test_vault.py"}


@pytest.fixture
def pointed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Silence], None]]:
    """Point every outgoing call of this process at one port, and back afterwards."""

    def point(to: Silence) -> None:
        for name in ("", "_DYNAMODB", "_SQS", "_S3", "_KMS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL{name}", to.url)
        monkeypatch.setenv("KEZEK_FILES_BUCKET", "files")
        monkeypatch.setenv("KEZEK_RECORD_BUCKET", "record")
        monkeypatch.setenv("KEZEK_MESSAGES_URL", to.url)
        monkeypatch.setenv("KEZEK_EDS_CRLS", " ".join(f"{to.url}/{n}.crl" for n in range(3)))
        monkeypatch.delenv("KEZEK_WORK_QUEUE_URL", raising=False)
        _forget()

    yield point
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    client.forget()
    work.forget_client()
    trust._lists.clear()
    use_stage(testing.STAGE)


@pytest.mark.parametrize("kind", ["mute", "deaf", "drip"])
def test_a11_every_outgoing_call_gives_silence_up_in_under_ten_seconds(
    kind: str, pointed: Callable[[Silence], None]
) -> None:
    with silence(kind) as nobody:
        pointed(nobody)
        client.client()  # made once, before the clock runs: it costs CPU, not waiting
        # All at once: the test takes as long as the slowest of them.
        with ThreadPoolExecutor(len(OUTGOING)) as pool:
            asked = {
                name: pool.submit(_timed, one.ask, nobody)
                for name, one in OUTGOING.items()
                if kind != "drip" or name in _MAY_DRIP
            }
            told = {name: future.result(timeout=60) for name, future in asked.items()}

    slow = {name: round(seconds, 1) for name, (seconds, _) in told.items() if seconds >= MOST_S}
    assert slow == {}
    # The message gateway has answered when its headers are there.
    no_refusal = {"messages"} if kind == "drip" else set()
    wrong = {
        name: repr(error)
        for name, (_, error) in told.items()
        if not (
            error is None
            if OUTGOING[name].refusal is None or name in no_refusal
            else isinstance(error, OUTGOING[name].refusal or ())
        )
    }
    assert wrong == {}


def _timed(ask: Callable[[Silence], None], to: Silence) -> tuple[float, Exception | None]:
    began = time.monotonic()
    try:
        ask(to)
    except Exception as error:
        return time.monotonic() - began, error
    return time.monotonic() - began, None


def test_a11_lists_known_before_stand_in_for_silent_addresses_within_one_limit(
    pointed: Callable[[Silence], None],
) -> None:
    with silence("mute") as nobody:
        pointed(nobody)
        stale = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
        for address in os.environ["KEZEK_EDS_CRLS"].split():
            trust._lists[address] = trust._List(stale, mock.sentinel.a_list)
        began = time.monotonic()
        found = list(trust._revocation_lists(NOW))

    assert found == [mock.sentinel.a_list] * 3
    assert time.monotonic() - began < MOST_S


def test_a11_an_answer_is_read_piece_by_piece_within_its_time() -> None:
    class Dripping:
        def read1(self, n: int = -1) -> bytes:
            ticks.append(1)
            return b" "

    ticks: list[int] = []
    with pytest.raises(TimeoutError):
        read_whole(Dripping(), most=1_000_000, within_s=5.0, clock=lambda: float(len(ticks)))
    assert len(ticks) == 6


# --- whole requests -----------------------------------------------------------------------------


class Gate:
    """Stands before the engine; from the n-th request on it takes them and says nothing."""

    def __init__(self, engine: str, *, silent_from: int) -> None:
        host, port = engine.removeprefix("http://").split(":")
        self._engine = (host, int(port))
        self._left = silent_from - 1
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open = [self._socket]
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.passed = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(line)
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with socket.create_connection(self._engine) as engine:
            while request := _message_from(line):
                with self._lock:
                    silent = self._left <= 0
                    self._left -= 1
                if silent:
                    return
                self.passed += 1
                engine.sendall(request)
                line.sendall(_message_from(engine) or b"")

    def close(self) -> None:
        for one in self._open:
            one.close()


def _message_from(line: socket.socket) -> bytes | None:
    """Return one HTTP message with a content-length, whole."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = _received(line)
        if not piece:
            return None
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    sizes = [h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")]
    size = int(sizes[0].partition(b":")[2])
    while len(body) < size:
        piece = _received(line)
        if not piece:
            return None
        body += piece
    return head + b"\r\n\r\n" + body


def _received(line: socket.socket) -> bytes:
    try:
        return line.recv(65_536)
    except OSError:
        return b""


@pytest.mark.parametrize("silent_from", [1, 3])
def test_a11_a_request_that_meets_a_silent_store_ends_in_under_ten_seconds(
    cloud: testing.TestCloud, monkeypatch: pytest.MonkeyPatch, silent_from: int
) -> None:
    gate = Gate(os.environ["AWS_ENDPOINT_URL_DYNAMODB"], silent_from=silent_from)
    token = cloud.token("representative", "family-1")
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", gate.url)
        use_stage(testing.STAGE)
        client.client()
        began = time.monotonic()
        said = cloud.put("/v1/children/me", _A_PERSON, token=token)
        took = time.monotonic() - began
    finally:
        monkeypatch.undo()
        use_stage(testing.STAGE)
        gate.close()

    assert gate.passed == silent_from - 1
    assert (said.status, said.code) == (503, "kezek/store-silent"), said.text
    assert took < MOST_S


_A_PERSON = {
    "iin": iin(1),
    "surname": "Серікова",
    "given_name": "Әлия",
    "language": "kk",
    "contacts": [{"kind": "phone", "value": "+77010000001"}],
}


@contextmanager
def _transactions_conflict() -> Iterator[faults.Struck]:
    """Refuse every transaction because another one is at work; what stands alone passes."""

    def plan(call: faults.Call, send: faults.Send) -> Any:
        del send
        if call.operation != "TransactWriteItems":
            return None
        reasons = [{"Code": "TransactionConflict"} for _ in call.asked["TransactItems"]]
        return faults.refusal(
            "TransactionCanceledException", "cancelled", CancellationReasons=reasons
        )

    with faults.planned(plan) as struck:
        yield struck


@pytest.mark.parametrize("load", ["throttled", "conflicting"])
def test_a11_all_tries_of_a_request_that_is_refused_for_load_end_before_the_gateway_gives_up(
    cloud: testing.TestCloud, load: str
) -> None:
    fault = _transactions_conflict() if load == "conflicting" else faults.throttle(1, times=10_000)
    began = time.monotonic()
    with fault as struck:
        said = cloud.put("/v1/children/me", _A_PERSON, token=cloud.token("representative", "f-1"))
    took = time.monotonic() - began

    assert said.status == 503, said.text
    assert took < ALL_TRIES_S
    # Tried again, and not for ever: no storm of calls from one request.
    assert 2 <= struck.calls <= MOST_CALLS_OF_A_CONFLICT


# --- nothing is left out ------------------------------------------------------------------------

_OPENS = {
    "boto3.client",
    "boto3.resource",
    "create_client",
    "urllib.request.urlopen",
    "urlopen",
    "opener.open",
    "socket.create_connection",
    "create_connection",
    "socket.socket",
    "HTTPConnection",
    "HTTPSConnection",
    "requests.get",
    "requests.post",
    "httpx.get",
    "httpx.post",
}


def test_a11_every_place_that_opens_a_connection_is_tried_here() -> None:
    opened = {
        str(file.relative_to(ROOT))
        for file in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]
        if _opens(ast.parse(file.read_text("utf-8")))
    }

    assert opened == {one.opened_in for one in OUTGOING.values()} | set(ELSEWHERE)
    for tests in ELSEWHERE.values():
        assert "test_a11_" in (ROOT / tests).read_text("utf-8")


def _opens(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in _OPENS or name.rsplit(".", 1)[-1] in ("create_client", "urlopen"):
                return True
    return False


def test_a11_every_aws_client_has_limits_and_one_layer_of_few_retries() -> None:
    seen: dict[str, dict[str, Any]] = {}
    from botocore import config

    with mock.patch.object(config, "Config", side_effect=_noting(seen, config.Config)):
        for name, ask in {"sqs": work._client.__wrapped__, "s3": files._s3}.items():
            _noting.name = name  # type: ignore[attr-defined]
            ask()
        _noting.name = "dynamodb"  # type: ignore[attr-defined]
        client.forget()
        client.client()
    use_stage(testing.STAGE)

    assert set(seen) == {"sqs", "s3", "dynamodb"}
    for name, limits in seen.items():
        tries = limits["retries"]["total_max_attempts"]
        # Standard mode waits up to 1 s before the second try, up to 2 s before the third.
        waits = sum(2**n for n in range(tries - 1))
        assert tries * limits["read_timeout"] + waits < MOST_S, (
            name,
            json.dumps(limits, default=str),
        )
        assert tries * limits["connect_timeout"] + waits < MOST_S, name


def _noting(seen: dict[str, dict[str, Any]], real: Any) -> Callable[..., Any]:
    def make(*args: Any, **limits: Any) -> Any:
        seen.setdefault(_noting.name, limits)  # type: ignore[attr-defined]
        return real(*args, **limits)

    return make
