"""B6: a check-in is signed on the tablet when it happens; change, gap, fork, clone and replay show.

Tablets here are written from docs/check-in-format.md alone; uploads go to a real engine. What the
format itself promises, byte by byte, stands in tests/attendance/test_format.py, with a verifier
that shares no code with Kezek.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
import rfc8785

from chalicelib.attendance import actions, rules, store
from chalicelib.attendance.actions import Receipt
from infra.local.testing import TestTables
from tests.attendance.builders import (
    HEAD,
    MORNING,
    SITE,
    at,
    device_actor,
    enrolment,
    marks_of,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet

NOON = at("2026-03-02 12:00")
CHANGED = {"malformed", "another-device", "bad-signature"}


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site(children_count=3)
    made = Tablet()
    pair(made)
    return made


def a_morning(tablet: Tablet, count: int = 9) -> list[dict[str, Any]]:
    """Return records of a chain: children come one by one."""
    return [
        tablet.sign(f"2026-03-02T08:{n:02d}:00+05:00", enrolment=enrolment(1 + n % 3))
        for n in range(count)
    ]


def kinds_of_flags() -> set[str]:
    (seen,) = actions.list_devices(SITE, by=HEAD, now=NOON)
    return {flag.kind for flag in seen.flags}


def state() -> str:
    (seen,) = actions.list_devices(SITE, by=HEAD, now=NOON)
    return str(seen.health.state)


def all_marks() -> list[frozenset[int]]:
    return [marks_of(n) for n in (1, 2, 3)]


# --- change


def test_b6_any_byte_changed_is_refused_and_marks_nothing(tablet: Tablet) -> None:
    genuine = tablet.sign("2026-03-02T08:05:00+05:00", ext={"battery": 80, "note": "door"})
    line = rfc8785.dumps(genuine)
    forged = []
    for place, bit in itertools.product(range(len(line)), (0x01, 0x04, 0x20)):
        changed = bytearray(line)
        changed[place] ^= bit
        try:
            record = json.loads(bytes(changed))
        except ValueError:
            continue  # this one never gets past the door
        if isinstance(record, dict) and rfc8785.dumps(record) != line:
            forged.append(record)
    assert len(forged) > 500

    codes = set()
    for start in range(0, len(forged), 400):
        receipt = send(tablet, forged[start : start + 400])
        assert {o.outcome for o in receipt.outcomes} == {"refused"}
        codes |= {o.code for o in receipt.outcomes}

    assert codes <= CHANGED and "bad-signature" in codes
    assert all_marks() == [frozenset()] * 3
    assert send(tablet, [genuine]).outcomes[0].outcome == "accepted"


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2026-03-02T08:04:00+05:00"},
        {"enrolment": enrolment(2)},
        {"kind": "out"},
        {"counter": 2},
        {"prev": "B" * 43},
        {"way": "qr"},
        {"guessed": True},
        {"adult": "pseudonym-1"},
        {"ext": {"battery": 81}},
    ],
)
def test_b6_any_field_changed_or_added_is_refused(tablet: Tablet, change: dict[str, Any]) -> None:
    genuine = tablet.sign("2026-03-02T08:05:00+05:00")

    (outcome,) = send(tablet, [{**genuine, **change}]).outcomes

    assert outcome.outcome == "refused" and outcome.code in CHANGED


def test_b6_another_tablets_records_are_not_its_own(tablet: Tablet) -> None:
    other = Tablet(seed=2)
    pair(other)
    records = a_morning(tablet)

    receipt = actions.receive(records, by=device_actor(other), now=MORNING)

    assert {(o.outcome, o.code) for o in receipt.outcomes} == {("refused", "another-device")}


# --- replay


def test_b6_a_replay_gets_the_same_answer_whatever_its_order(tablet: Tablet) -> None:
    records = a_morning(tablet)
    first = send(tablet, records)
    before = all_marks()

    for n in range(6):
        shuffled = random.Random(n).sample(records, len(records))
        again = send(tablet, shuffled, now=NOON)
        assert {o.counter: o for o in again.outcomes} == {o.counter: o for o in first.outcomes}
        assert (again.head, again.received_at) == (first.head, first.received_at)

    assert all_marks() == before
    assert len(list(store.each_evidence(tablet.device_id))) == 1
    assert kinds_of_flags() == set()


def test_b6_a_replay_in_other_parts_is_had(tablet: Tablet) -> None:
    records = a_morning(tablet)
    send(tablet, records)
    before = all_marks()

    receipt = send(tablet, records[2:5], now=NOON)

    assert {o.outcome for o in receipt.outcomes} == {"had"}
    assert (all_marks(), kinds_of_flags()) == (before, set())


# --- loss and order


@pytest.mark.parametrize("seed", range(8))
def test_b6_what_is_dropped_is_named_with_the_first_gap(tablet: Tablet, seed: int) -> None:
    records = a_morning(tablet)
    chance = random.Random(seed)
    kept = sorted(chance.sample(range(1, len(records)), 5))
    sent = [records[n] for n in kept]
    missing = [n + 1 for n in range(kept[-1]) if n not in kept]

    receipt = send(tablet, chance.sample(sent, len(sent)))

    assert receipt.first_gap is not None
    assert receipt.first_gap.first == missing[0] == 1
    assert {o.outcome for o in receipt.outcomes} == {"accepted"}
    assert kinds_of_flags() == {"gap"}
    (seen,) = actions.list_devices(SITE, by=HEAD, now=NOON)
    told = {c for flag in seen.flags for c in range(flag.first, flag.last + 1)}
    assert told == set(missing)


def test_b6_a_loss_at_the_end_shows_with_the_next_record(tablet: Tablet) -> None:
    records = a_morning(tablet)
    send(tablet, records[:4])
    next_day = tablet.sign("2026-03-02T18:00:00+05:00", kind="out")

    receipt = send(tablet, [next_day], now=at("2026-03-02 18:05"))

    assert (receipt.first_gap.first, receipt.first_gap.last) == (5, 9)  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(6))
def test_b6_any_order_and_any_parts_mark_the_same(tablet: Tablet, seed: int) -> None:
    chance = random.Random(seed)
    records = a_morning(tablet)
    expected = [frozenset(n for n in range(9) if n % 3 == child) for child in range(3)]
    parts: list[list[dict[str, Any]]] = [[] for _ in range(3)]
    for record in chance.sample(records, len(records)):
        chance.choice(parts).append(record)

    receipts = [send(tablet, part) for part in parts if part]

    assert all(o.outcome == "accepted" for r in receipts for o in r.outcomes)
    assert [len(marks) for marks in all_marks()] == [len(days) for days in expected]
    assert "fork" not in kinds_of_flags() and "clone" not in kinds_of_flags()


# --- copies


@pytest.mark.parametrize("seed", range(8))
def test_b6_two_machines_with_one_key_are_found_however_they_interleave(
    tablet: Tablet, seed: int
) -> None:
    """A tablet restored from a copy and the original both go on from the same record."""
    chance = random.Random(seed)
    a_morning(tablet, 3)
    send(tablet, tablet.records)
    copy = Tablet(seed=tablet.seed, counter=tablet.counter, prev=tablet.prev)
    own = [tablet.sign(f"2026-03-02T08:1{n}:00+05:00") for n in range(3)]
    copied = [copy.sign(f"2026-03-02T08:2{n}:00+05:00") for n in range(3)]
    queues = [own, copied]

    receipts: list[Receipt] = []
    while any(queues):
        queue = chance.choice([q for q in queues if q])
        count = chance.randint(1, len(queue))
        receipts.append(send(tablet, queue[:count]))
        del queue[:count]

    accepted = [o.counter for r in receipts for o in r.outcomes if o.outcome == "accepted"]
    assert len(accepted) == len(set(accepted)), "one counter counted twice"
    told = {flag for r in receipts for o in r.outcomes for flag in o.flags}
    codes = {o.code for r in receipts for o in r.outcomes}
    assert "fork" in codes or "clone" in told
    assert kinds_of_flags() & {"fork", "clone"}
    assert state() == "forked"


def test_b6_a_copy_that_skips_ahead_is_a_clone(tablet: Tablet) -> None:
    send(tablet, a_morning(tablet, 2))
    copy = Tablet(seed=tablet.seed, counter=1, prev="C" * 42 + "A")
    copy.sign("2026-03-02T08:30:00+05:00")

    receipt = send(tablet, [copy.sign("2026-03-02T08:31:00+05:00")])

    assert receipt.outcomes[0].flags == ("clone",)
    assert state() == "forked"


def test_b6_a_revoked_tablet_hands_in_nothing(tablet: Tablet) -> None:
    records = a_morning(tablet)
    actions.revoke(tablet.device_id, site_id=SITE, by=HEAD, now=MORNING)

    with pytest.raises(rules.DeviceRevoked):
        send(tablet, records)

    assert all_marks() == [frozenset()] * 3
