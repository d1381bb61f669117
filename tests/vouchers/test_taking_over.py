"""Vouchers of a platform that closes: with their club and what is left of the month, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.children.actions import SignIn
from chalicelib.children.rules import Provenance, RepresentedByAnother
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import UnknownStatus
from chalicelib.providers.rules import GroupClosed, NoPlace
from chalicelib.storage.secrets import alias_digest
from chalicelib.vouchers import actions, rules, store
from chalicelib.vouchers.actions import ImportedVoucher
from chalicelib.vouchers.rules import Used
from infra.local import testing
from tests.children.builders import a_registration, an_iin, details
from tests.vouchers.builders import both
from tests.vouchers.clubs import (
    BORN,
    BOXING,
    FIGHT,
    MONTH_TIYN,
    NOW,
    OPERATOR,
    PLAY,
    RUN,
    TODAY,
    City,
    committed,
    later,
)
from tests.vouchers.test_clubs import notices_to, told, unlisted


@pytest.fixture
def city(tables: testing.TestTables) -> City:
    return City()


def a_row(n: int = 1, **said: Any) -> ImportedVoucher:
    """Return a row of the register: a boxer who had 6,000 of 18,000 tenge this month."""
    fields: dict[str, Any] = {
        "representative": a_registration(iin=an_iin(n)),
        "sign_in": None,
        "child": details(iin=an_iin(100 + n), birth_date=BORN),
        "programme": "clubs",
        "area": "karaganda",
        "statuses": (),
        "voucher_kind": "universal",
        "group_id": FIGHT,
        "issued_at": later(days=-300),
        "starts_on": date(2026, 9, 1),
        "used": Used("2026-10", 600_000, 1_800_000),
        "source": Provenance(platform="artsport", number=f"n-{n}", file="a" * 64, row=n),
    }
    return ImportedVoucher(**{**fields, **said})


def take(row: ImportedVoucher, voucher_id: str = "voucher-import"):
    return actions.import_voucher(voucher_id, row, by=OPERATOR, now=NOW)


def test_a_child_goes_on_in_its_club_with_the_rest_of_the_month(city: City):
    taken = take(a_row())
    again = take(a_row(source=Provenance(platform="artsport", number="n-1", file="b" * 64, row=9)))

    assert again == taken
    voucher, enrolment = taken.voucher, taken.enrolment
    assert (voucher.state, voucher.direction, voucher.first_visit_by) == ("used", "sport", None)
    assert voucher.source == replace(a_row().source, at=stamp(NOW))
    # Days before the move are the former platform's.
    assert enrolment.starts_on == TODAY
    assert (taken.cap_tiyn, taken.remaining_tiyn) == (1_800_000, 1_200_000)
    (roster,) = store.load_rosters(BOXING)
    assert (roster.members[0].used_month, roster.members[0].used_tiyn) == ("2026-10", 600_000)
    assert city.held_by("voucher-import") == {"voucher", "enrolment"}
    assert city.holders(FIGHT) == {"voucher-import"}
    assert [committed(m) for m in ("2026-10", "2026-12")] == [1, 1]
    assert told(city, "voucher-import") == ["imported"]
    assert notices_to(f"organisation:org-{BOXING}") == ["signed-here"]
    (entry,) = journal.history("voucher/voucher-import")
    assert (entry.facts["platform"], entry.facts["row"]) == ("artsport", 1)


def test_what_was_used_follows_the_child_through_the_month_and_no_further(city: City):
    account = SignIn(issuer="egov", subject="family")
    voucher = take(a_row(sign_in=account)).voucher
    subject = alias_digest("sign-in", "egov\x00family")[:32]
    city.parents[voucher.voucher_id] = Actor(subject, frozenset({Role.REPRESENTATIVE}))

    moved = city.switch(voucher.voucher_id, PLAY)
    assert (moved.used_month, moved.used_tiyn) == ("2026-10", 600_000)
    november = city.switch(voucher.voucher_id, FIGHT, later(days=27))
    assert (november.used_month, november.used_tiyn) == (None, 0)


def test_a_child_with_special_needs_is_taken_over_as_such(city: City):
    taken = take(a_row(statuses=("sen",)))

    assert taken.enrolment.sen
    assert taken.cap_tiyn == 2_700_000


def test_a_public_club_s_voucher_holds_its_money_too(city: City):
    taken = take(a_row(voucher_kind="target", group_id=RUN))

    assert taken.voucher.reserve_tiyn == MONTH_TIYN
    assert committed("2026-10") == 1


def test_a_row_is_refused_with_its_reason(city: City):
    city.group("group-first", capacity=1)
    take(a_row(2, group_id="group-first"), "voucher-first")
    born = details(iin=an_iin(109), birth_date=date(2023, 1, 1))

    refusals: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"area": "astana"}, Unknown),
        ({"issued_at": later(hours=1)}, rules.IssuedLater),
        ({"voucher_kind": "golden"}, rules.OtherKind),
        ({"statuses": ("clever",)}, UnknownStatus),
        ({"used": Used("2026-09", 0, 1)}, rules.BadUse),
        ({"used": Used("2026-10", 2, 1)}, rules.BadUse),
        ({"group_id": "group-nowhere"}, rules.NoSuchGroup),
        ({"voucher_kind": "target"}, rules.WrongForm),
        ({"child": born}, rules.NotOfAge),
        ({"group_id": "group-first"}, NoPlace),
        ({"starts_on": TODAY + timedelta(days=61)}, rules.BadStart),
        ({"child": details(iin=an_iin(102), birth_date=BORN)}, RepresentedByAnother),
    ]
    for said, refusal in refusals:
        with pytest.raises(refusal):
            take(a_row(**said))
    with pytest.raises(rules.HeldAlready):
        take(a_row(2), "voucher-second")
    unlisted(city, FIGHT)
    with pytest.raises(GroupClosed):
        take(a_row())
    assert store.find_voucher("voucher-import") is None


def test_the_same_voucher_with_another_rest_is_refused(city: City):
    take(a_row())

    with pytest.raises(AnotherContent):
        take(a_row(used=Used("2026-10", 700_000, 1_800_000)))


def test_money_that_is_not_there_is_not_promised(tables: testing.TestTables):
    city = City(months=5)
    take(a_row())

    with pytest.raises(BudgetShort):
        take(a_row(2), "voucher-second")
    assert city.holders(FIGHT) == {"voucher-import"}


def test_two_rows_for_the_last_place_at_once_and_one_is_taken_over(city: City):
    city.group("group-first", capacity=1)
    one, two = (a_row(n, group_id="group-first") for n in (1, 2))

    results = both(lambda: take(one, "voucher-one"), lambda: take(two, "voucher-two"))

    assert sorted(type(r).__name__ for r in results) == ["NoPlace", "TakenOver"]


def test_one_child_in_two_rows_at_once_is_taken_over_once(city: City):
    one, two = a_row(), replace(a_row(), group_id=PLAY)

    results = both(lambda: take(one, "voucher-one"), lambda: take(two, "voucher-two"))

    assert sorted(type(r).__name__ for r in results) == ["HeldAlready", "TakenOver"]
    assert len(city.holders(FIGHT) | city.holders(PLAY)) == 1
