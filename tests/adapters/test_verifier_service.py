"""GOST goes to a verifier service, lists may come from an address: both never a silent yes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1

from chalicelib.adapters import signatures
from chalicelib.adapters.signatures import Verdict, VerifierSilent, remote, trust
from tests.adapters.pki import NOW, Authority, Person, message

TEXT = b'{"nonce":"n-1"}'
IIN = "061211600012"
GOST_2015, GOST_DIGEST = "1.2.398.3.10.1.1.2.3.2", "1.2.398.3.10.1.3.3"
GOOD: dict[str, Any] = {
    "valid": True,
    "signers": [
        {
            "certificates": [
                {
                    "valid": True,
                    "keyUsage": "SIGN",
                    "keyUser": ["INDIVIDUAL"],
                    "subject": {"iin": IIN},
                    "revocations": [{"revoked": False, "by": "OCSP"}],
                }
            ]
        }
    ],
}


class Service:
    """A local server that answers as it is told and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, json.dumps(GOOD).encode())
        self.asked: list[tuple[str, bytes]] = []
        self.wait: Callable[[], None] = lambda: None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                self._say(body)

            def do_GET(self) -> None:
                self._say(b"")

            def _say(self, body: bytes) -> None:
                service.asked.append((self.path, body))
                service.wait()
                status, content = service.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        class Quiet(HTTPServer):
            def handle_error(self, *_: object) -> None:
                """Say nothing of who hung up."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def says(self, value: object, status: int = 200) -> None:
        self.answer = (status, value if isinstance(value, bytes) else json.dumps(value).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(scope="module")
def person() -> Person:
    return Authority("NUC").person(IIN)


def gost(person: Person, text: bytes = TEXT, **how: Any) -> bytes:
    """Return a message whose algorithms are Kazakhstan's own; only the service could check it."""
    info = asn1.ContentInfo.load(message(person, text, **how))
    for signer in info["content"]["signer_infos"]:
        signer["digest_algorithm"] = {"algorithm": GOST_DIGEST}
        signer["signature_algorithm"] = {"algorithm": GOST_2015}
    info["content"]["digest_algorithms"] = [{"algorithm": GOST_DIGEST}]
    return bytes(info.dump(force=True))


def check(cms: bytes) -> Verdict:
    return signatures.verify(cms, TEXT, asked_at=NOW, now=NOW)


def changed(where: tuple[Any, ...], value: object) -> dict[str, Any]:
    """Return the good answer with one part of another kind; a missing value takes it out."""
    answer: Any = json.loads(json.dumps(GOOD))
    part = answer
    for step in where[:-1]:
        part = part[step]
    if value is KeyError:
        del part[where[-1]]
    else:
        part[where[-1]] = value
    return dict(answer)


def test_without_a_service_gost_is_a_named_no(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEZEK_EDS_VERIFIER_URL", raising=False)

    assert check(gost(person)).problem == "algorithm-elsewhere"


def test_the_service_is_asked_with_the_text(
    person: Person, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)
    cms = gost(person)

    verdict = check(cms)

    assert verdict.problem is None and verdict.signer is not None
    assert (verdict.signer.iin, verdict.signer.via) == (IIN, "service")
    ((path, body),) = service.asked
    said = json.loads(body)
    assert path == "/cms/verify"
    assert base64.b64decode(said["cms"]) == cms and base64.b64decode(said["data"]) == TEXT
    assert said["revocationCheck"] == ["OCSP", "CRL"]


def test_what_is_wrong_here_is_not_asked_there(
    person: Person, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)

    assert check(gost(person, b"other", attached=True)).problem == "another-text"
    assert check(gost(person, signers=2)).problem == "not-one-signer"
    assert check(gost(person, attributes=lambda _: None)).problem == "attributes-wrong"
    assert service.asked == []


CERTIFICATE = ("signers", 0, "certificates", 0)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (changed(("valid",), False), "refused-elsewhere"),
        (changed(("valid",), "true"), "refused-elsewhere"),
        (changed(("valid",), KeyError), "refused-elsewhere"),
        (changed(("signers",), None), "refused-elsewhere"),
        (changed(("signers",), []), "not-one-signer"),
        (changed(("signers",), GOOD["signers"] * 2), "not-one-signer"),
        (changed(("signers", 0, "certificates"), []), "refused-elsewhere"),
        (changed((*CERTIFICATE, "valid"), False), "refused-elsewhere"),
        (changed((*CERTIFICATE, "keyUsage"), "AUTH"), "wrong-certificate-use"),
        (changed((*CERTIFICATE, "keyUser"), ["ORGANIZATION"]), "not-a-person"),
        (changed((*CERTIFICATE, "keyUser"), ["INDIVIDUAL", "ORGANIZATION"]), "not-a-person"),
        (changed((*CERTIFICATE, "keyUser"), "INDIVIDUAL"), "not-a-person"),
        (changed((*CERTIFICATE, "revocations"), [{"revoked": True}]), "revoked"),
        (changed((*CERTIFICATE, "revocations"), [{"revoked": None}]), "revoked"),
        (changed((*CERTIFICATE, "subject"), {}), "no-iin"),
        (changed((*CERTIFICATE, "subject"), {"iin": "0612116000"}), "no-iin"),
        (changed((*CERTIFICATE, "subject"), {"iin": "991231500006"}), "refused-elsewhere"),
    ],
)
def test_a_strict_reading_of_the_answer(
    person: Person,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    problem: str,
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)
    service.says(answer)

    assert check(gost(person)).problem == problem


def test_a_signature_it_cannot_read_is_a_no(
    person: Person, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)
    service.says({"message": "bad cms"}, status=400)

    assert check(gost(person)).problem == "refused-elsewhere"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b"{}"),
        (503, b""),
        (401, b"{}"),
        (404, b"<html>"),
        (429, b"{}"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b""),
        (200, b'{"valid": true, ' + b'"x": "' + b"y" * 600_000),
        (200, json.dumps(changed((*CERTIFICATE, "revocations"), [])).encode()),
        (200, json.dumps(changed((*CERTIFICATE, "revocations"), KeyError)).encode()),
    ],
)
def test_silence_is_neither_yes_nor_no(
    person: Person,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    content: bytes,
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)
    service.says(content, status)

    with pytest.raises(VerifierSilent):
        check(gost(person))


def test_a_slow_service_is_silence(
    person: Person, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", service.address)
    monkeypatch.setattr(remote, "_TIMEOUT_S", 0.2)
    released = threading.Event()
    service.wait = lambda: released.wait(5) and None  # type: ignore[func-returns-value]

    with pytest.raises(VerifierSilent):
        check(gost(person))
    released.set()


def test_nobody_there_is_silence(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_EDS_VERIFIER_URL", "http://127.0.0.1:1")

    with pytest.raises(VerifierSilent):
        check(gost(person))


# --- lists from an address


def test_lists_come_from_an_address_and_are_kept_for_an_hour(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = Authority("LISTS")
    lone.issuing, lone.key = lone.root, lone.root_key
    signer = lone.person(IIN)
    monkeypatch.setenv("KEZEK_EDS_ROOTS", lone.pem)
    monkeypatch.setenv("KEZEK_EDS_CRLS", f"{service.address}/nca.crl")
    trust.forget()
    service.answer = (200, lone.revocation_list(by_root=True))
    cms = message(signer, TEXT)

    def at(hours: float) -> str | None:
        moment = NOW + timedelta(hours=hours)
        return signatures.verify(cms, TEXT, asked_at=NOW, now=moment).problem

    assert (at(0), at(0.5), len(service.asked)) == (None, None, 1)
    service.answer = (200, lone.revocation_list(signer.certificate, by_root=True, at=NOW))
    assert (at(0.9), at(1.1), len(service.asked)) == (None, "revoked", 2)
    # The address falls silent: what is kept counts by its own dates.
    service.says(b"", 500)
    assert (at(3), at(3), len(service.asked)) == ("revoked", "revoked", 3)
    with pytest.raises(VerifierSilent):
        at(24 * 31)
    trust.forget()
    with pytest.raises(VerifierSilent):
        at(0)


def test_a_list_of_another_kind_is_silence(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lone = Authority("LISTS")
    monkeypatch.setenv("KEZEK_EDS_ROOTS", lone.pem)
    monkeypatch.setenv("KEZEK_EDS_CRLS", service.address)
    trust.forget()
    service.answer = (200, b"<html>maintenance</html>")

    with pytest.raises(VerifierSilent):
        check(message(lone.person(IIN), TEXT))
