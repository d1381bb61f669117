"""A1: whatever is sent again after a crash or a lost answer has one effect and one answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.applications import actions, store
from chalicelib.applications.rules import BatchAsked
from chalicelib.children import actions as children
from chalicelib.children.actions import Correction
from chalicelib.children.rules import POWERS
from chalicelib.kernel import ids
from chalicelib.kernel.actors import system
from chalicelib.kernel.refusals import Unavailable
from chalicelib.storage import vault
from chalicelib.vouchers import actions as vouchers
from infra.local import faults
from infra.local.testing import TestTables
from tests.applications import clubs
from tests.applications.builders import a_group, apply, at, keep_group, offer, proves
from tests.children.builders import (
    NOW,
    TODAY,
    a_child,
    a_parent,
    a_registration,
    an_iin,
    an_officer,
    registered,
)

JOB, OFFICER, PARENT = system("queue/deadlines"), an_officer(), a_parent()
BATCH = BatchAsked(id="our-twins", size=2)


def nothing() -> None:
    pass


def registering() -> None:
    registered()


def applying() -> None:
    registered()
    apply(PARENT, statuses=("teacher",), batch=BATCH)


def preferring() -> None:
    applying()
    keep_group(a_group())


def offering() -> None:
    applying()
    offer("application-1", keep_group(a_group()))


def lapsing() -> None:
    offering()
    actions.lapse_confirmation("application-1", by=JOB, now=term())


def doubled() -> None:
    registered()
    a_child(PARENT, named="doubled-child", iin=None, no_iin_reason="awaiting-documents")
    a_child(PARENT, named="single-child")


def merged() -> None:
    doubled()
    merge()


def job(action: Callable[..., bool], *, now: datetime) -> None:
    """Do what a deadline asks; whether it acted differs between the first and the second time."""
    action("application-1", by=JOB, now=now)


def term() -> datetime:
    confirm_by = store.load_application("application-1").value.confirm_by
    return at(confirm_by) if confirm_by else NOW + timedelta(days=3)


def announced() -> None:
    registered()
    clubs.announce()


def in_the_queue_of_clubs() -> None:
    registered()
    clubs.apply_club(PARENT, kind="sport")


def with_a_voucher() -> None:
    clubs.allot()
    in_the_queue_of_clubs()
    clubs.give("application-1", reserved=True)


def with_a_place() -> None:
    clubs.a_club()
    with_a_voucher()
    vouchers.choose("voucher-application-1-1", "group-club-1", by=PARENT, now=NOW)
    vouchers.sign(
        "voucher-application-1-1", TODAY, by=PARENT, now=NOW, name_enrolment=lambda: "enrolment-1"
    )


def missed(action: Callable[..., bool]) -> None:
    """Do what a deadline asks of a voucher; the second time there is nothing to do."""
    action("voucher-application-1-1", by=JOB, now=NOW + timedelta(days=40))


def merge() -> object:
    gone, into = sorted(children.children_of(children.person_of(PARENT).person_id, TODAY))
    return children.merge(gone, into=into, by=OFFICER, now=NOW)


def first_child() -> str:
    return sorted(children.children_of(children.person_of(PARENT).person_id, TODAY))[0]


OPERATIONS: dict[str, tuple[Callable[[], None], Callable[[], object]]] = {
    "register": (nothing, lambda: children.register(a_registration(), by=PARENT, now=NOW)),
    "change contacts": (
        registering,
        lambda: children.register(a_registration(language="ru"), by=PARENT, now=NOW),
    ),
    "link a sign-in": (
        registering,
        lambda: children.link_sign_in("0" * 32, iin=an_iin(0), by=OFFICER, now=NOW),
    ),
    "set a representative": (
        applying,
        lambda: children.set_representative(
            first_child(),
            children.person_of(PARENT).person_id,
            powers=POWERS[:1],
            valid_from=TODAY,
            valid_to=None,
            basis="court",
            by=OFFICER,
            now=NOW,
        ),
    ),
    "correct an identity": (
        applying,
        lambda: children.correct_identity(
            first_child(),
            Correction(iin=an_iin(50), birth_date=date(2021, 1, 1)),
            by=OFFICER,
            now=NOW,
        ),
    ),
    "merge": (doubled, merge),
    "unmerge": (merged, lambda: children.unmerge(first_child(), by=OFFICER, now=NOW)),
    "apply": (
        registering,
        lambda: apply(
            PARENT, statuses=("teacher", "large-family"), batch=BATCH, ask=proves("large-family")
        ),
    ),
    "prefer": (
        preferring,
        lambda: actions.prefer("application-1", ("group-one-1",), by=PARENT, now=NOW),
    ),
    "verify": (
        applying,
        lambda: actions.verify_status(
            "application-1",
            "teacher",
            result="proved",
            reason=None,
            paper_on=None,
            by=OFFICER,
            now=NOW,
        ),
    ),
    "confirm": (offering, lambda: actions.confirm("application-1", by=PARENT, now=NOW)),
    "refuse": (offering, lambda: actions.refuse("application-1", by=PARENT, now=NOW)),
    "withdraw": (applying, lambda: actions.withdraw("application-1", by=PARENT, now=NOW)),
    "restore": (lapsing, lambda: actions.restore("application-1", by=PARENT, now=NOW)),
    "lapse a confirmation": (
        offering,
        lambda: job(actions.lapse_confirmation, now=term()),
    ),
    "remind": (
        offering,
        lambda: job(actions.remind_confirmation, now=term() - timedelta(hours=1)),
    ),
    "lapse a proof": (
        applying,
        lambda: job(actions.lapse_proof, now=NOW + timedelta(days=30)),
    ),
    "announce a window": (registering, clubs.announce),
    "cancel a window": (
        announced,
        lambda: actions.cancel(clubs.INTAKE, by=clubs.OPERATOR, now=NOW),
    ),
    "draw a window": (announced, lambda: clubs.draw(clubs.announce())),
    "apply in a window": (announced, lambda: clubs.apply_club(PARENT, now=clubs.OPENS)),
    "wish": (
        in_the_queue_of_clubs,
        lambda: actions.wish("application-1", kind="creative", language="kk", by=PARENT, now=NOW),
    ),
    "miss the contract": (with_a_voucher, lambda: missed(actions.missed_contract)),
    "miss the first visit": (with_a_place, lambda: missed(actions.missed_first_visit)),
    "judge anew": (
        applying,
        lambda: job(actions.refresh, now=NOW.replace(month=8)),
    ),
}


def contents(tables: TestTables) -> object:
    """Return everything stored, personal fields opened, because each sealing differs."""
    dump = tables.dump()
    sealed = dump.pop("kezek-test-vault")
    subjects = [row["pk"]["S"].removeprefix("VAULT#") for row in sealed]
    wrapped = dump.pop("kezek-test-keys")
    return dump, vault.open_many(subjects), [row["pk"]["S"] for row in wrapped]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a1_sent_again_after_a_crash_it_has_one_effect_and_one_answer(
    name: str, tables: TestTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same "random" ids each time, or two runs could not be compared.
    monkeypatch.setattr(ids.secrets, "token_bytes", lambda n: b"k" * n)
    monkeypatch.setattr(ids.secrets, "choice", lambda letters: letters[0])
    prepare, act = OPERATIONS[name]

    prepare()
    with faults.watch() as seen:
        clean_answer = act()
    clean = contents(tables)
    written = [call.number for call in seen.calls if call.writes]
    assert written
    assert len(written) <= 2

    faulty = [
        fault
        for number in written
        for fault in (
            lambda n=number: faults.crash(before=n),
            lambda n=number: faults.crash(after=n),
            lambda n=number: faults.conflict(n, times=2),
        )
    ]
    for fault in faulty:
        tables.wipe()
        prepare()
        try:
            with fault():
                act()
        except (faults.Crash, Unavailable):
            pass
        answers = [act() for _ in range(3)]

        assert answers == [clean_answer] * 3
        assert contents(tables) == clean


def lost(call: faults.Call, send: faults.Send) -> object:
    """Let every transaction take effect and lose each answer."""
    if call.operation != "TransactWriteItems":
        return None
    send()
    raise ReadTimeoutError(endpoint_url="the answer was lost")


def test_a_silent_store_is_called_silent_and_nothing_is_lost(tables: TestTables) -> None:
    registered()

    with pytest.raises(Unavailable), faults.planned(lost):
        apply(PARENT)

    assert apply(PARENT).state == "queued"
    assert len(store.list_queue("preschool", "taldykorgan")) == 1
