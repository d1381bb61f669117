"""A provider's month looked at whole: what is odd in it, and what only seems so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from chalicelib.attendance import store as sheets
from chalicelib.attendance.rules import Sheet
from chalicelib.kernel.periods import Month, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import DatedCapacity, Group
from chalicelib.signals.rules import Signal
from chalicelib.storage.commit import commit
from infra.local.testing import TestTables
from tests.attendance.builders import (
    AREA,
    GROUP,
    MARCH,
    ORGANISATION,
    OTHER_SITE,
    SITE,
    at,
    child,
    open_site,
    person,
)
from tests.signals.builders import arrive, look

FEBRUARY, JANUARY = MARCH.before(), MARCH.before().before()
CALENDAR = load_pack("preschool", AREA).calendar


def working(month: Month) -> list[date]:
    return [on for on in month.days() if CALENDAR.is_working(on)]


def attend(
    n: int,
    month: Month,
    *,
    days: Sequence[date] | None = None,
    shift: int = 0,
    site_id: str = SITE,
) -> None:
    """Mark a child in and out on days of a month; shift varies the minutes."""
    marks = set()
    for k, on in enumerate(working(month) if days is None else days):
        came = 8 * 60 + (7 * k + shift) % 31
        left = 17 * 60 + (11 * k + shift) % 41
        for kind, minute in ((1, came), (2, left)):
            marks.add(on.day << 57 | kind << 53 | minute << 40 | 7 << 24 | (on.day * 2 + kind))
    sheets.add_marks(site_id, month, child(n), marks, enrolment_id=f"enrolment-{n:02d}")


def approve(
    n: int,
    month: Month,
    *,
    when: str = "2026-04-03 10:00",
    device: str | None = None,
    by: str | None = None,
) -> None:
    kept = sheets.find_sheet(SITE, month, child(n)).said
    codes = "".join("P" if on in working(month) else "-" for on in month.days())
    said = Sheet(
        approved_at=stamp(at(when)),
        approved_by=by or person(n),
        codes=codes,
        digest="0" * 32,
        device=device,
    )
    commit([sheets.keep_sheet(kept, said)])


def kinds(found: Sequence[Signal]) -> list[str]:
    return sorted(signal.kind for signal in found)


# --- identical rows


def test_a_month_filed_twice(tables: TestTables) -> None:
    open_site()
    attend(1, FEBRUARY)
    attend(1, MARCH)
    attend(2, FEBRUARY, shift=3)
    attend(2, MARCH, shift=17)
    for n in (1, 2):
        approve(n, MARCH)

    (signal,) = look()

    assert (signal.kind, signal.subject, signal.period) == ("identical-rows", GROUP, "2026-03")
    assert [(ref.child_id, ref.lines) for ref in signal.refs] == [(child(1), ())]
    assert int(signal.facts["days"]) >= 18


def test_a_site_that_writes_the_same_hour_each_day_copies_nothing(tables: TestTables) -> None:
    open_site(children_count=1)
    for month in (FEBRUARY, MARCH):
        marks = {
            on.day << 57 | kind << 53 | minute << 40 | on.day * 2 + kind
            for on in working(month)
            for kind, minute in ((1, 480), (2, 1080))
        }
        sheets.add_marks(SITE, month, child(1), marks, enrolment_id="enrolment-01")
    approve(1, MARCH)

    assert look() == []


def test_a_month_under_way_is_not_compared(tables: TestTables) -> None:
    open_site(children_count=1)
    attend(1, FEBRUARY)
    attend(1, MARCH)

    assert look(now=at("2026-03-31 20:00")) == []


# --- full attendance


def a_term(children: int, *, ill: int = 0) -> None:
    open_site(children_count=children)
    for month in (JANUARY, FEBRUARY, MARCH):
        for n in range(1, children + 1):
            days = working(month)
            attend(n, month, days=days[1:] if n <= ill else days, shift=n * 3 + month.month * 7)
            if month == MARCH:
                approve(n, month) if n > ill else approve_seen(n, month)


def approve_seen(n: int, month: Month) -> None:
    """Approve a month with its first working day missed."""
    approve(n, month)
    kept = sheets.find_sheet(SITE, month, child(n)).said
    first = working(month)[0].day - 1
    codes = kept.value.codes or ""
    said = Sheet(
        approved_at=kept.value.approved_at,
        approved_by=kept.value.approved_by,
        codes=codes[:first] + "N" + codes[first + 1 :],
        digest=kept.value.digest,
    )
    commit([sheets.keep_sheet(kept, said)])


def test_a_group_that_never_missed_a_day_in_a_term(tables: TestTables) -> None:
    a_term(9, ill=1)

    (signal,) = look()

    assert signal.kind == "full-attendance"
    assert signal.facts == {"children": 8, "month": "2026-03", "of": 9, "months": 3}


def test_healthy_children_in_a_group_where_most_were_ill_are_no_signal(tables: TestTables) -> None:
    a_term(18, ill=10)

    assert look() == []


# --- approvals


def approvals(tables: TestTables, *, apart: int, devices: int = 1, persons: int = 6) -> list[str]:
    open_site(children_count=6)
    for n in range(1, 7):
        attend(n, MARCH, shift=n * 3)
        minute = (n - 1) * apart
        approve(
            n,
            MARCH,
            when=f"2026-04-03 {10 + minute // 60:02d}:{minute % 60:02d}",
            device=f"device-{n % devices}",
            by=person(1 + n % persons),
        )
    return kinds(look())


def test_many_families_from_one_device_within_minutes(tables: TestTables) -> None:
    assert approvals(tables, apart=5) == ["one-device-approvals"]


def test_one_device_over_a_day_is_a_library(tables: TestTables) -> None:
    assert approvals(tables, apart=20) == []


def test_devices_of_their_own_are_families(tables: TestTables) -> None:
    assert approvals(tables, apart=5, devices=6) == []


def test_one_person_with_six_children_is_a_family(tables: TestTables) -> None:
    assert approvals(tables, apart=5, persons=1) == []


# --- no act of a family


def test_children_of_whom_nobody_speaks_for_two_months(tables: TestTables) -> None:
    open_site()
    for n in (1, 2):
        attend(n, FEBRUARY, shift=n * 3)
        attend(n, MARCH, shift=n * 11)
    approve(2, FEBRUARY)

    (signal,) = look()

    assert (signal.kind, [ref.child_id for ref in signal.refs]) == ("no-act", [child(1)])


def test_families_have_their_window_before_silence_is_noted(tables: TestTables) -> None:
    open_site(children_count=1)
    attend(1, FEBRUARY)
    attend(1, MARCH, shift=13)

    assert look(now=at("2026-04-07 20:00")) == []
    assert kinds(look(now=at("2026-04-08 04:00"))) == ["no-act"]


def test_who_came_in_march_is_not_silent_for_two_months(tables: TestTables) -> None:
    open_site(children_count=1, starts_on=date(2026, 3, 1))
    attend(1, MARCH)

    assert look() == []


# --- capacity


def a_group(capacity: int, *capacities: DatedCapacity) -> None:
    group = Group(
        group_id=GROUP,
        site_id=SITE,
        organisation_id=ORGANISATION,
        programme="preschool",
        area=AREA,
        name="Күншуақ",
        academic_year=2025,
        age_from=3,
        age_to=5,
        language="kk",
        kind="general",
        hours="10.5",
        locality="urban",
        capacity=capacity,
        capacities=capacities,
        open=True,
    )
    commit([*providers.create_group(group)])


def test_more_children_than_places(tables: TestTables) -> None:
    open_site(children_count=3)
    a_group(2, DatedCapacity(date(2025, 9, 1), 3), DatedCapacity(date(2026, 3, 16), 2))

    (signal,) = look(now=at("2026-03-20 20:00"))

    assert (signal.kind, signal.subject, signal.facts["over"]) == ("over-capacity", GROUP, 1)
    (ref,) = signal.refs
    assert (ref.child_id, ref.lines[0], ref.lines[-1]) == (child(3), "2026-03-16", "2026-03-20")


def test_as_many_children_as_places(tables: TestTables) -> None:
    open_site(children_count=3)
    a_group(3, DatedCapacity(date(2025, 9, 1), 3))

    assert look(now=at("2026-03-20 20:00")) == []


def test_a_group_without_a_row_has_no_capacity_to_pass(tables: TestTables) -> None:
    open_site(children_count=3)

    assert look(now=at("2026-03-20 20:00")) == []


# --- two providers


def test_a_child_that_two_providers_claim(tables: TestTables) -> None:
    open_site(children_count=1)
    open_site(children_count=1, site_id=OTHER_SITE, organisation_id="organisation-2")
    days = working(MARCH)
    attend(1, MARCH, days=days[:5])
    attend(1, MARCH, days=days[4:7], site_id=OTHER_SITE)

    (signal,) = look(now=at("2026-03-20 20:00"))

    assert (signal.kind, signal.subject) == ("two-providers", child(1))
    assert [(ref.site_id, ref.lines) for ref in signal.refs] == [
        ("", (days[4].isoformat(),)),
        (OTHER_SITE, (days[4].isoformat(),)),
    ]
    assert signal.sites == (OTHER_SITE, SITE)


def test_a_child_that_moved_is_claimed_by_one_at_a_time(tables: TestTables) -> None:
    open_site(children_count=1)
    open_site(children_count=1, site_id=OTHER_SITE, organisation_id="organisation-2")
    days = working(MARCH)
    attend(1, MARCH, days=days[:5])
    attend(1, MARCH, days=days[5:7], site_id=OTHER_SITE)

    assert look(now=at("2026-03-20 20:00")) == []


# --- the look itself


def test_looking_again_changes_nothing(tables: TestTables) -> None:
    open_site()
    for n in (1, 2):
        attend(n, FEBRUARY, shift=n * 3)
        attend(n, MARCH, shift=n * 11)
    look()
    before = tables.dump()

    assert look(now=at("2026-04-11 09:00")) == []
    assert tables.dump() == before


def test_a_site_without_children_is_looked_at_in_vain(tables: TestTables) -> None:
    open_site(children_count=0)

    assert look() == []


@pytest.mark.parametrize("days_late", [0, 1, 5])
def test_a_day_that_was_missed_is_made_up_for(tables: TestTables, days_late: int) -> None:
    open_site()
    for n in (1, 2):
        attend(n, FEBRUARY, shift=n * 3)
        attend(n, MARCH, shift=n * 11)

    found = look(now=at("2026-04-08 04:00") + timedelta(days=days_late))

    assert kinds(found) == ["no-act"]
    assert arrive(tables) == []
