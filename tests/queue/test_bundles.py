"""Bundles of runs over real tables, read by a little code of their own."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from chalicelib.queue import store
from chalicelib.queue.actions import proving
from tests.queue.city import (
    JOB,
    LATER,
    a_small_city,
    finished,
    released,
)

pytestmark = pytest.mark.usefixtures("tables", "one_salt")
RUN = "run-of-the-day"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def root(digests: list[bytes]) -> bytes:
    """The root of RFC 6962, as its text says."""
    if not digests:
        return hashlib.sha256(b"").digest()
    if len(digests) == 1:
        return hashlib.sha256(b"\x00" + digests[0]).digest()
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return hashlib.sha256(b"\x01" + root(digests[:split]) + root(digests[split:])).digest()


def proved(run_id: str = RUN) -> tuple[Any, dict[str, bytes]]:
    *_, proof = proving.prove(run_id, by=JOB, now=LATER)
    return proof, {name.rpartition("/")[2]: text for name, text in proving.files_of(proof)}


def test_a_run_s_bundle_is_what_its_note_signs_and_its_openings_open() -> None:
    a_small_city(60, 6)
    finished(released())

    proof, files = proved()

    note, bundle = files["note"].decode(), json.loads(files["bundle.json"])
    lines = note.split("\n")
    assert lines[:6] == [
        "kezek/test/run/preschool/taldykorgan",
        "60",
        b64(root([base64.b64decode(leaf) for leaf in bundle["leaves"]])),
        f"run {RUN}",
        f"bundle {b64(hashlib.sha256(files['bundle.json']).digest())}",
        "previous -",
    ]
    openings = list(proving.every_opening(RUN))
    whole = openings[0]["whole"]
    assert b64(hashlib.sha256(whole.encode()).digest()) == bundle["whole"] == proof.whole
    by_ticket = {line["ticket"]: line for line in openings[1:]}
    assert [row["ticket"] for row in bundle["outcomes"]] == sorted(by_ticket)
    for leaf, row in zip(bundle["leaves"], bundle["outcomes"], strict=True):
        opened = by_ticket[row["ticket"]]
        salt = base64.b64decode(opened["salt"])
        found = hashlib.sha256(b"kezek/run/1\n" + salt + opened["text"].encode()).digest()
        assert b64(found) == leaf
        assert json.loads(opened["text"])["ticket"] == row["ticket"]
        assert opened["outcome"]["group_id"] == row["group_id"]
    given = {row["ticket"]: row["to"] for row in bundle["outcomes"] if row["to"]}
    assert len(given) == store.load_run(RUN).value.issued > 10


def test_a_run_made_twice_is_the_same_to_the_byte() -> None:
    a_small_city(30, 3)
    finished(released())

    first, files = proved()
    again, same = proved()

    assert first == again and files == same
