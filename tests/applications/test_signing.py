"""An application signed with an EDS: over HTTP, each no by its name, races and repetitions."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from chalicelib.adapters import registry
from chalicelib.adapters.signatures import trust
from chalicelib.applications import actions, rules
from chalicelib.applications.rules.signing import SIGNINGS_MAX
from chalicelib.edge import auth
from chalicelib.journal import store as journal
from chalicelib.kernel.periods import stamp
from chalicelib.policy import actions as policy
from chalicelib.policy.rules import Pack
from chalicelib.storage import vault
from infra.local.testing import MORNING, Said, TestCloud
from tests.adapters.pki import NOW, Authority, message
from tests.applications.builders import a_group, keep_group, offer
from tests.applications.test_routes import ASKED, ME, ONE, refused
from tests.children.builders import an_iin

ASK = f"{ONE}/signings/signing-1"
SIGN = f"{ASK}/signature"
IIN = an_iin(0)

assert NOW == MORNING


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("NUC")


@pytest.fixture(autouse=True)
def configured(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "issuing.crl").write_bytes(authority.revocation_list())
    (lists / "root.crl").write_bytes(authority.revocation_list(by_root=True))
    monkeypatch.setenv("KEZEK_EDS_ROOTS", authority.pem)
    monkeypatch.setenv("KEZEK_EDS_CRLS", str(lists))
    monkeypatch.delenv("KEZEK_EDS_VERIFIER_URL", raising=False)
    trust.forget()
    yield
    trust.forget()


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    registry.forget()
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


@pytest.fixture
def applied(cloud: TestCloud, parent: str) -> dict[str, Any]:
    said = cloud.put(ONE, {**ASKED, "statuses": ["teacher"]}, token=parent)
    assert said.status == 200, said.text
    return dict(said.json)


@pytest.fixture
def given(cloud: TestCloud, parent: str, applied: dict[str, Any]) -> dict[str, Any]:
    said = cloud.put(ASK, token=parent)
    assert said.status == 200, said.text
    return dict(said.json)


def signature(cms: bytes) -> dict[str, str]:
    return {"cms": base64.b64encode(cms).decode()}


def signed_by(authority: Authority, given: dict[str, Any], iin: str = IIN, **how: Any) -> bytes:
    return message(authority.person(iin), given["text"].encode(), **how)


# --- the text


def test_the_text_is_canonical_and_says_it_in_words(given: dict[str, Any]) -> None:
    said = json.loads(given["text"])

    assert rfc8785.dumps(said).decode() == given["text"]
    assert said["meaning"] == "kezek/application-v1"
    assert said["application"]["id"] == "application-1"
    assert (said["application"]["statuses"], said["application"]["kind"]) == (
        ["teacher"],
        "general",
    )
    assert said["child"]["given_name"] == "Ерасыл"
    assert set(said["words"]) == {"kk", "ru"}
    assert "заявление" in said["words"]["ru"] and "Ерасыл" in said["words"]["kk"]
    assert "…" not in given["text"]
    assert ASKED["child"]["iin"] not in given["text"] and IIN not in given["text"]
    assert (given["state"], given["expires_at"]) == ("open", stamp(MORNING + timedelta(minutes=15)))


def test_the_same_id_gets_the_same_text_and_another_id_another_nonce(
    cloud: TestCloud, parent: str, given: dict[str, Any]
) -> None:
    assert cloud.put(ASK, token=parent).json == given

    other = cloud.put(f"{ONE}/signings/signing-2", token=parent).json

    assert json.loads(other["text"])["nonce"] != json.loads(given["text"])["nonce"]


def test_a_text_expires(cloud: TestCloud, parent: str, given: dict[str, Any]) -> None:
    cloud.clock.at = MORNING + timedelta(minutes=15)

    assert cloud.put(ASK, token=parent).json == {**given, "state": "expired"}


# --- yes


@pytest.mark.parametrize("attached", [False, True])
def test_the_applicant_signs(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority, attached: bool
) -> None:
    cms = signed_by(authority, given, attached=attached)
    cloud.clock.at = MORNING + timedelta(minutes=3)

    said = cloud.put(SIGN, signature(cms), token=parent)

    assert said.status == 200, said.text
    at = stamp(MORNING + timedelta(minutes=3))
    assert (said.json["signed_at"], len(said.json["certificate"])) == (at, 64)
    shown = cloud.get(ONE, token=parent).json["signature"]
    assert shown == {"needed": False, "signed_at": at, "certificate": said.json["certificate"]}
    assert cloud.put(ASK, token=parent).json["state"] == "signed"
    assert cloud.put(SIGN, signature(cms), token=parent).json == said.json


def test_what_is_kept_is_sealed_and_the_journal_knows_no_name(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    cms = signed_by(authority, given)
    assert cloud.put(SIGN, signature(cms), token=parent).status == 200

    sealed = vault.open_fields("SIGNING#application-1#signing-1")
    assert sealed == {"text": given["text"], "cms": cms.hex()}
    (subject,) = actions.signed_subjects("application-1")
    assert subject == "SIGNING#application-1#signing-1"
    entry = list(journal.history("application/application-1"))[-1]
    assert entry.event == "applications/signed"
    assert entry.facts["signing"] == "signing-1" and entry.facts["via"] == "here"
    fingerprint = authority.person(IIN).certificate.subject.rfc4514_string()
    everything = json.dumps(cloud.tables.dump(), ensure_ascii=False, default=str)
    for canary in (IIN, "ТЕСТОВ", given["text"][:60], cms.hex()[:80], fingerprint):
        assert canary not in everything
    told = cloud.get("/v1/notices", token=parent, headers={"accept-language": "ru"}).text
    assert "подписано ЭЦП" in told


def test_lines_and_pem_are_read_too(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    plain = base64.encodebytes(signed_by(authority, given)).decode()

    said = cloud.put(
        SIGN, {"cms": f"-----BEGIN CMS-----\n{plain}-----END CMS-----\n"}, token=parent
    )

    assert said.status == 200, said.text


# --- no


def test_another_persons_iin_is_refused_and_nothing_is_kept(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    cms = signed_by(authority, given, iin=an_iin(7))

    said = cloud.put(SIGN, signature(cms), token=parent, headers={"accept-language": "en"})

    assert refused(said, 400, "applications/bad-signature")
    assert said.json["problem"] == "another-person"
    assert "The applicant signs in person" in said.json["detail"]
    assert cloud.get(ONE, token=parent).json["signature"]["signed_at"] is None
    assert vault.open_fields("SIGNING#application-1#signing-1") == {"text": given["text"]}
    assert cloud.put(SIGN, signature(signed_by(authority, given)), token=parent).status == 200


def test_a_forged_chain_is_refused(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    forger = Authority("NUC", key_name="forger")
    person = forger.person(IIN)
    brought = [person.certificate, forger.issuing, forger.root]
    cms = message(person, given["text"].encode(), certificates=brought)

    said = cloud.put(SIGN, signature(cms), token=parent)

    assert refused(said, 400, "applications/bad-signature")
    assert said.json["problem"] == "unknown-root"


@pytest.mark.parametrize("attached", [False, True])
def test_a_replayed_nonce_is_refused_by_name(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority, attached: bool
) -> None:
    old = signature(signed_by(authority, given, attached=attached))
    cloud.put(f"{ONE}/signings/signing-2", token=parent)

    said = cloud.put(f"{ONE}/signings/signing-2/signature", old, token=parent)

    assert (said.status, said.json["problem"]) == (400, "nonce-replayed")


def test_an_expired_nonce_is_refused(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    cms = signature(signed_by(authority, given))
    cloud.clock.at = MORNING + timedelta(minutes=15)

    said = cloud.put(SIGN, cms, token=parent)

    assert refused(said, 400, "applications/bad-signature")
    assert said.json["problem"] == "nonce-expired"


@pytest.mark.parametrize(
    ("cms", "status", "code", "problem"),
    [
        ("not base64!", 400, "applications/bad-signature", "not-cms"),
        ("AAAA", 400, "applications/bad-signature", "not-cms"),
        ("ЭЦП", 400, "applications/bad-signature", "not-cms"),
        ("", 400, "kezek/bad-field", None),
        ("A" * 90_001, 400, "kezek/bad-field", None),
        ("A" * 200_000, 413, "kezek/too-large", None),
    ],
)
def test_junk_is_refused(
    cloud: TestCloud,
    parent: str,
    given: dict[str, Any],
    cms: str,
    status: int,
    code: str,
    problem: str | None,
) -> None:
    said = cloud.put(SIGN, {"cms": cms}, token=parent)

    assert refused(said, status, code)
    if problem:
        assert said.json["problem"] == problem


def test_without_lists_the_answer_is_neither_yes_nor_no(
    cloud: TestCloud,
    parent: str,
    given: dict[str, Any],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KEZEK_EDS_CRLS")
    said = cloud.put(SIGN, signature(signed_by(authority, given)), token=parent)

    assert refused(said, 503, "kezek/signatures-silent")


def test_another_signature_of_a_signed_text_is_another_content(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    assert cloud.put(SIGN, signature(signed_by(authority, given)), token=parent).status == 200

    again = cloud.put(SIGN, signature(signed_by(authority, given)), token=parent)
    second = cloud.put(f"{ONE}/signings/signing-2", token=parent)

    assert refused(again, 409, "kezek/another-content")
    assert refused(second, 409, "applications/already-signed")


def test_a_second_text_cannot_sign_a_signed_application(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    second = cloud.put(f"{ONE}/signings/signing-2", token=parent).json
    assert cloud.put(SIGN, signature(signed_by(authority, given)), token=parent).status == 200

    said = cloud.put(
        f"{ONE}/signings/signing-2/signature",
        signature(signed_by(authority, second)),
        token=parent,
    )

    assert refused(said, 409, "applications/already-signed")


def test_a_stranger_learns_nothing(
    cloud: TestCloud, given: dict[str, Any], authority: Authority
) -> None:
    stranger = cloud.token("representative", "stranger")
    cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=stranger)
    cms = signature(signed_by(authority, given))

    for path, body in ((ASK, None), (SIGN, cms)):
        foreign = cloud.put(path, body, token=stranger)
        nowhere = cloud.put(path.replace("application-1", "application-9"), body, token=stranger)
        assert refused(foreign, 404, "kezek/unknown") and foreign.json == nowhere.json


def test_a_text_that_was_never_given_out(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    said = cloud.put(
        f"{ONE}/signings/signing-9/signature", signature(signed_by(authority, given)), token=parent
    )

    assert refused(said, 404, "kezek/unknown")


def test_another_representative_cannot_sign_for_the_applicant(
    cloud: TestCloud, applied: dict[str, Any], given: dict[str, Any], authority: Authority
) -> None:
    father = cloud.token("representative", "father")
    me = cloud.put("/v1/children/me", {**ME, "iin": an_iin(2)}, token=father).json
    officer = cloud.token("department", "officer", areas=["taldykorgan"])
    relation = {
        "powers": ["apply", "choose", "confirm", "withdraw"],
        "valid_from": "2026-01-01",
        "valid_to": None,
        "basis": "birth-record",
    }
    path = f"/v1/children/{applied['child_id']}/representatives/{me['person_id']}"
    assert cloud.put(path, relation, token=officer).status == 202
    second = cloud.token("department", "second", areas=["taldykorgan"])
    put: Said = cloud.put(path, relation, token=second)
    assert put.status == 200, put.text

    own_key = signature(signed_by(authority, given, iin=an_iin(2)))

    assert refused(cloud.put(ASK, token=father), 403, "applications/not-the-applicant")
    assert refused(cloud.put(SIGN, own_key, token=father), 403, "applications/not-the-applicant")


def test_texts_are_not_given_out_without_end(
    cloud: TestCloud, parent: str, applied: dict[str, Any]
) -> None:
    for n in range(SIGNINGS_MAX):
        assert cloud.put(f"{ONE}/signings/signing-{n:02d}", token=parent).status == 200

    said = cloud.put(f"{ONE}/signings/signing-more", token=parent)

    assert refused(said, 429, "applications/too-many-signings")


def test_an_application_that_ended_is_not_signed(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    assert cloud.put(f"{ONE}/withdrawal", token=parent).status == 200

    cms = signature(signed_by(authority, given))

    assert refused(cloud.put(SIGN, cms, token=parent), 409, "applications/not-live")
    assert refused(
        cloud.put(f"{ONE}/signings/signing-2", token=parent), 409, "applications/not-live"
    )


def test_two_signatures_at_once_have_one_winner(
    cloud: TestCloud, parent: str, given: dict[str, Any], authority: Authority
) -> None:
    """Two honest signatures of one text by one person: one is kept, the other is told so."""
    actor = auth.caller(f"Bearer {parent}", now=MORNING)
    barrier = threading.Barrier(2)
    found: list[str] = []

    def run(cms: bytes) -> None:
        def slow(*given_to: Any) -> rules.Judged:
            barrier.wait(5)
            return rules.Judged(problem=None, iin=IIN, certificate="c", algorithm="a", via="here")

        try:
            actions.sign("application-1", "signing-1", cms=cms, verify=slow, by=actor, now=MORNING)
            found.append("signed")
        except Exception as error:
            found.append(getattr(error, "code", repr(error)))

    threads = [threading.Thread(target=run, args=(cms,)) for cms in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == ["kezek/another-content", "signed"]


# --- where the rules ask for it


def test_a_voucher_is_confirmed_only_for_a_signed_application(
    cloud: TestCloud,
    parent: str,
    given: dict[str, Any],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _asked_by_the_rules(monkeypatch)
    offer("application-1", keep_group(a_group()))
    confirm = f"{ONE}/confirmation"

    waiting = cloud.get(ONE, token=parent, headers={"accept-language": "ru"}).json
    assert waiting["signature"] == {"needed": True, "signed_at": None, "certificate": None}
    assert (waiting["next"]["step"], waiting["next"]["until"]) == ("sign", waiting["confirm_by"])
    assert refused(cloud.put(confirm, token=parent), 409, "applications/signature-needed")

    assert cloud.put(SIGN, signature(signed_by(authority, given)), token=parent).status == 200

    assert cloud.get(ONE, token=parent).json["next"]["step"] == "confirm"
    assert cloud.put(confirm, token=parent).json["state"] == "fulfilled"


def _asked_by_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every pack ask for a signature, as a later row of it would."""
    read = Pack.at

    def at(pack: Pack, on: Any) -> Any:
        found = read(pack, on)
        assert found.signing is not None
        return replace(found, signing=replace(found.signing, required=True))

    monkeypatch.setattr(Pack, "at", at)
    assert policy.load_pack("preschool", "taldykorgan").at(MORNING.date()).needs_signature
