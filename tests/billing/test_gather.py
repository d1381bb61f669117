"""From real timesheets to a statement: attendance, families' approval, the site's groups."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.attendance import store as sheets
from chalicelib.attendance.rules import Sheet
from chalicelib.attendance.rules.marks import ABSENCE_KINDS, IN, OUT
from chalicelib.billing import actions
from chalicelib.billing.rules.statements import MonthForgotten, why_not_paid
from chalicelib.billing.store import statements
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.storage.commit import commit
from chalicelib.vouchers import store as vouchers
from infra.local import faults
from tests.attendance.builders import (
    GROUP,
    HEAD,
    MARCH,
    SITE,
    a_family,
    at,
    child,
    enrolment,
    open_site,
)

from .builders import working

JOB = system("billing")
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=frozenset({"taldykorgan"}))
DAYS = working(MARCH)
NOW = at("2026-04-13 09:00")


@pytest.fixture(autouse=True)
def _budget(tables):
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(100_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )


def mark(day: date, kind: int, minute: int, counter: int) -> int:
    return day.day << 57 | kind << 53 | minute << 40 | 77 << 24 | counter


def attend(n: int, days=DAYS, *, absent: dict[date, str] | None = None) -> None:
    marks = []
    for counter, day in enumerate(days):
        if absent and day in absent:
            marks.append(mark(day, ABSENCE_KINDS[absent[day]], 540, counter * 2))
            continue
        marks += [mark(day, IN, 500, counter * 2), mark(day, OUT, 1080, counter * 2 + 1)]
    sheets.add_marks(SITE, MARCH, child(n), marks, enrolment_id=enrolment(n))


def close() -> None:
    attendance.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 08:00"))


def approve(n: int) -> None:
    family = a_family(n)
    now = at("2026-04-02 20:00")
    (shown,) = attendance.child_month(child(n), MARCH, programme="preschool", by=family, now=now)
    attendance.approve(
        child(n),
        MARCH,
        programme="preschool",
        site_id=None,
        seen=shown.digest,
        by=family,
        now=now,
    )


def bill(now=NOW):
    return actions.bill(SITE, MARCH, by=JOB, now=now)


def test_only_what_families_approved_is_posted_and_the_rest_says_why():
    open_site(children_count=2)
    attend(1)
    attend(2)
    close()
    approve(1)

    statement = bill().statement

    lines = {s.line.child_id: s.line for s in statement.lines}
    assert len(DAYS) == 18
    assert lines[child(1)].accrual_tiyn == tenge(65_000)
    assert lines[child(2)].accrual_tiyn == 0
    assert lines[child(2)].unpaid == {"undecided": 18}
    assert statement.movement_tiyn == tenge(65_000)


def test_absences_need_their_paper_and_missing_records_are_findings():
    open_site(children_count=1)
    attend(1, DAYS[:-1], absent={DAYS[0]: "S", DAYS[1]: "N"})
    close()
    approve(1)

    line = bill().statement.lines[0].line

    assert line.payable == {"P": 15}
    assert line.unpaid == {"N": 2, "no-proof": 1}


def test_a_month_that_was_not_closed_says_so():
    open_site(children_count=1)
    attend(1)

    bill()

    head, _ = statements.load_site_month(SITE, MARCH)
    assert [w.reason for w in why_not_paid(head.value)] == ["not-closed", "undecided"]


def test_a_month_whose_children_the_rosters_may_have_forgotten_is_not_billed_again():
    open_site(children_count=1)
    attend(1)
    close()
    approve(1)
    bill()

    with pytest.raises(MonthForgotten):
        bill(now=at("2026-06-30 09:00"))


def test_a_member_with_special_needs_is_paid_the_raised_rate():
    open_site(children_count=2)
    _remember_the_sort(sen=enrolment(1))
    for n in (1, 2):
        attend(n)
    close()
    for n in (1, 2):
        approve(n)

    lines = {s.line.child_id: s.line for s in bill().statement.lines}

    assert lines[child(1)].accrual_tiyn == tenge(97_500)
    assert lines[child(1)].parts == {"base": tenge(65_000), "sen": tenge(32_500)}
    assert lines[child(2)].accrual_tiyn == tenge(65_000)
    assert lines[child(2)].parts == {}


def test_p9_a_provider_month_of_200_approved_children_is_read_with_at_most_60_units():
    open_site(children_count=200)
    _remember_the_sort()
    for n in range(1, 201):
        attend(n)
    close()
    for n in range(1, 201):
        approve_as_stored(n)

    with faults.watch() as seen:
        statement = bill().statement

    assert statement.movement_tiyn == 200 * tenge(65_000)
    units, _ = seen.units
    assert units <= 60, dict(seen.read_units)


def _remember_the_sort(*, sen: str | None = None) -> None:
    roster = vouchers.find_roster(SITE, GROUP)
    members = tuple(
        replace(m, sort="general/10.5/urban", sen=m.enrolment_id == sen)
        for m in roster.value.members
    )
    commit([vouchers.keep_roster(roster, replace(roster.value, members=members))])


def approve_as_stored(n: int) -> None:
    """Write the row that an approval leaves, of the size it has."""
    kept = sheets.find_sheet(SITE, MARCH, child(n)).said
    codes = "".join("P" if day in DAYS else "-" for day in MARCH.days())
    sheet = Sheet(
        approved_at="2026-04-02T15:00:00.000000Z",
        approved_by="person-0123456789abcdefghi",
        codes=codes,
        digest="0" * 64,
    )
    commit([sheets.keep_sheet(kept, sheet)])
