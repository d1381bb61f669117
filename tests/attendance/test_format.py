"""The record format: vectors, an independent verifier, every byte, the canonical text."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.attendance import rules
from chalicelib.attendance.rules import Record, Unread
from chalicelib.edge import auth
from tests.attendance import make_vectors, verifier
from tests.attendance.tablets import Tablet

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors.json").read_text("utf-8"))
KEY = base64.urlsafe_b64decode(VECTORS["pairing"]["public_key"] + "=")


def our_verdict(raw: Any, public_key: bytes) -> str:
    record = rules.read_record(raw)
    if isinstance(record, Unread):
        return record.code
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(record.signature, record.signed)
    except InvalidSignature:
        return "bad-signature"
    return "good"


def test_the_vectors_are_those_the_generator_makes() -> None:
    assert (HERE / "vectors.json").read_text("utf-8") == make_vectors.vectors()


@pytest.mark.parametrize("case", VECTORS["records"], ids=lambda case: case["name"])
def test_we_and_an_independent_verifier_say_the_same_of_every_vector(case: dict[str, Any]) -> None:
    record = case["record"]

    assert our_verdict(record, KEY) == case["verdict"]
    assert verifier.verdict(record, KEY) == case["verdict"]
    if "hash" in case:
        read = rules.read_record(record)
        assert isinstance(read, Record)
        assert read.hash == verifier.hash_of(record) == case["hash"]
        assert read.signed.decode() == case["signed"]


@pytest.mark.parametrize("case", VECTORS["canonical"])
def test_canonical_texts_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    assert rules.canonical(case["value"]).decode() == case["text"]
    assert verifier.text_of(case["value"]) == case["text"]


def test_a_tablet_proves_its_key_as_the_vector_says() -> None:
    case = VECTORS["pairing"]
    text = rules.proof_text(case["device_id"], rules.typed_code(case["code"]))

    assert text.decode() == case["text"]
    assert auth.device_id(KEY) == case["device_id"]
    proof = base64.urlsafe_b64decode(case["proof"] + "==")
    Ed25519PublicKey.from_public_bytes(KEY).verify(proof, text)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(plain)
def test_our_canonical_text_is_that_of_the_rfc8785_package(value: Any) -> None:
    assert rules.canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [0.5, 1.0, 2**53, -(2**53), b"x", "\ud800", {1: 2}])
def test_what_has_no_canonical_text_is_refused(value: Any) -> None:
    with pytest.raises(rules.NotCanonical):
        rules.canonical(value)


def test_b6_any_byte_of_a_record_changed_is_refused() -> None:
    tablet = Tablet()
    record = tablet.sign("2026-03-02T08:05:00+05:00", adult="adult-0001", ext={"a": 1})
    line = rfc8785.dumps(record)
    silent = []

    for n in range(len(line)):
        for bit in (0, 3, 6):
            changed = line[:n] + bytes([line[n] ^ 1 << bit]) + line[n + 1 :]
            try:
                value = json.loads(changed)
            except ValueError:
                continue
            if value != record and our_verdict(value, tablet.public) == "good":
                silent.append(changed)

    assert silent == []


@given(st.binary(min_size=1, max_size=400))
def test_no_bytes_at_all_break_the_reader(raw: bytes) -> None:
    try:
        value = json.loads(raw)
    except ValueError:
        value = raw.decode("latin-1")

    assert isinstance(rules.read_record(value), Unread)


def test_the_example_in_the_document_is_a_vector() -> None:
    text = (HERE.parents[1] / "docs" / "check-in-format.md").read_text("utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    known = [case["record"] for case in VECTORS["records"]]

    assert [record for record in shown if "sig" in record]
    assert all(record in known for record in shown if "sig" in record)
