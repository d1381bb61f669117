"""What happens by itself: reminders, absences told, months closed; each run twice, counted once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.attendance import actions, jobs, rules, store
from chalicelib.attendance.actions import lines, telling
from chalicelib.edge.texts import text
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.storage import outbox
from infra.local import faults
from infra.local.testing import TestCloud, TestTables
from tests.attendance.builders import (
    HEAD,
    MARCH,
    SITE,
    a_family,
    at,
    child,
    enrolment,
    open_site,
    pair,
    parent,
    person,
    send,
)
from tests.attendance.tablets import Tablet
from tests.promises.rewind import Kept

JOB = system("attendance")


class Event:
    def __init__(self, time: str) -> None:
        self.time = time


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site()
    a_family(1)
    a_family(2)
    made = Tablet()
    pair(made)
    return made


def notices(tables: TestTables, template: str) -> list[str]:
    rows = tables.dump()["kezek-test-outbox"]
    return [row["pk"]["S"] for row in rows if f"notice:attendance/{template}" in str(row)]


def said(tables: TestTables, template: str) -> str:
    """Return what the notices of a template say in Kazakhstan's state language."""
    told = [kept.value for kept in outbox.NOTICES.each(notices(tables, template)[0])]
    return "\n".join(text(one.template, "kk", one.facts) for one in told)


def run(day: str) -> int:
    now = at(f"{day} 12:00")
    # The tablet lives: what is told of dead ones stands in test_health.py.
    store.touch_device(Tablet().device_id, records=0, top=None, now=now)
    return actions.day_at_site(SITE, local_day(now), by=JOB, now=now)


def test_an_absence_marked_today_is_told_once(tables: TestTables, tablet: Tablet) -> None:
    tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.sign("2026-03-02T09:00:00+05:00", "absence", enrolment(2), reason="S")
    send(tablet, tablet.records, now=at("2026-03-02 09:30"))

    assert (run("2026-03-02"), run("2026-03-02")) == (1, 0)

    assert notices(tables, "absence-marked") == [f"NOTICES#person:{person(2)}"]
    assert "02.03.2026 күні" in said(tables, "absence-marked")


def test_a_child_nobody_marked_yet_is_no_absence_to_tell(
    tables: TestTables, tablet: Tablet
) -> None:
    assert run("2026-03-02") == 0
    run("2026-03-08")
    assert notices(tables, "absence-marked") == []


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-04-01", 2),
        ("2026-04-02", 0),
        ("2026-04-03", 2),
        ("2026-04-05", 2),
        ("2026-04-07", 2),
    ],
)
def test_families_are_reminded_on_the_packs_days(
    tables: TestTables, tablet: Tablet, day: str, told: int
) -> None:
    actions.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 09:00"))

    assert (run(day), run(day)) == (told, 0)
    if told:
        assert "07.04.2026 дейін" in said(tables, "timesheet-to-approve")


def month() -> rules.SiteMonth:
    return store.find_site_month(SITE, MARCH).value


def test_a_reminder_that_nobody_sent_on_its_day_goes_out_on_the_next(
    tables: TestTables, tablet: Tablet
) -> None:
    actions.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 09:00"))

    assert run("2026-04-01") == 2
    assert run("2026-04-04") == 2  # the third of April was missed
    assert run("2026-04-04") == 0
    assert month().reminded == ("2026-04-01", "2026-04-03")
    assert run("2026-04-07") == 2  # the fifth and the seventh at once: families hear it once
    assert month().reminded == tuple(f"2026-04-0{n}" for n in (1, 3, 5, 7))


def test_after_the_families_days_nobody_is_reminded(tables: TestTables, tablet: Tablet) -> None:
    actions.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 09:00"))

    run("2026-04-08")

    assert notices(tables, "timesheet-to-approve") == []
    assert month().reminded == ()


def test_after_a_programme_s_last_month_is_done_nothing_is_asked_for(
    tables: TestTables, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = replace(load_pack("preschool", "taldykorgan"), valid_to=MARCH.last)
    monkeypatch.setattr(lines, "load_pack", lambda *_: over)
    monkeypatch.setattr(telling, "list_packs", lambda: (over,))

    assert telling.list_open_sites(local_day(at("2026-04-08 12:00"))) == [SITE]
    run("2026-04-08")

    assert (month().closed_by, month().handed_at) == ("attendance", stamp(at("2026-04-08 12:00")))
    assert telling.list_open_sites(local_day(at("2026-05-01 12:00"))) == []
    assert run("2026-05-01") == 0


def test_a_programme_s_first_month_has_none_before_it(
    tables: TestTables, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = replace(load_pack("preschool", "taldykorgan"), valid_from=MARCH.first)
    monkeypatch.setattr(lines, "load_pack", lambda *_: new)

    assert run("2026-03-03") >= 0


def test_silence_is_handed_to_the_department_once_and_the_provider_told(
    tables: TestTables, tablet: Tablet
) -> None:
    tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.sign("2026-03-02T18:00:00+05:00", "out")
    send(tablet, tablet.records, now=at("2026-03-02 19:00"))
    run("2026-04-02")
    run("2026-04-07")
    assert (month().closed_by, month().handed_at) == ("attendance", None)

    assert (run("2026-04-08"), run("2026-04-08"), run("2026-04-09")) == (1, 0, 0)

    handed = month()
    # Two children, each of whose eighteen days nobody confirmed.
    assert (handed.handed_at, handed.handed_lines) == (stamp(at("2026-04-08 12:00")), 36)
    assert notices(tables, "handed-over") == ["NOTICES#organisation:organisation-1"]
    assert "(36)" not in said(tables, "handed-over") and "36 жол" in said(tables, "handed-over")
    assert "10.04.2026" in said(tables, "handed-over")


def test_a_site_where_all_was_said_hands_nothing_over_and_tells_nobody(
    tables: TestTables, tablet: Tablet
) -> None:
    now = at("2026-04-01 09:00")
    actions.close_month(SITE, MARCH, by=HEAD, now=now)
    for n in (1, 2):
        (shown,) = actions.child_month(
            child(n), MARCH, programme="preschool", by=parent(n), now=now
        )
        actions.approve(
            child(n),
            MARCH,
            programme="preschool",
            site_id=None,
            seen=shown.digest,
            by=parent(n),
            now=now,
        )

    assert run("2026-04-08") == 0
    assert (month().handed_at is None, month().handed_lines) == (False, 0)
    assert notices(tables, "handed-over") == []


def test_the_calendar_killed_at_any_call_and_run_again_is_the_same(
    tables: TestTables, tablet: Tablet, one_salt: None
) -> None:
    actions.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 09:00"))

    def run(day: str) -> None:
        now = at(f"{day} 12:00")
        actions.day_at_site(SITE, local_day(now), by=JOB, now=now)

    for day in ("2026-04-03", "2026-04-08"):
        store.touch_device(Tablet().device_id, records=0, top=None, now=at(f"{day} 11:00"))
        ready = Kept(tables)
        with faults.watch() as seen:
            run(day)
        whole = tables.effects()
        for number in range(1, len(seen.calls) + 1):
            for fault in (faults.crash(before=number), faults.crash(after=number)):
                ready.put_back()
                with fault, pytest.raises(faults.Crash):
                    run(day)
                run(day)
                assert tables.effects() == whole, (day, number)


def test_who_approved_is_not_reminded(tablet: Tablet) -> None:
    now = at("2026-04-01 09:00")
    actions.close_month(SITE, MARCH, by=HEAD, now=now)
    (shown,) = actions.child_month(child(), MARCH, programme="preschool", by=parent(1), now=now)
    actions.approve(
        child(),
        MARCH,
        programme="preschool",
        site_id=None,
        seen=shown.digest,
        by=parent(1),
        now=now,
    )

    assert run("2026-04-03") == 1


def test_a_month_nobody_closed_closes_the_day_after_its_closing_day(tablet: Tablet) -> None:
    run("2026-04-01")
    assert store.find_site_month(SITE, MARCH).value.closed_at is None

    assert run("2026-04-02") == 0
    closed = store.find_site_month(SITE, MARCH).value
    assert closed.closed_by == "attendance"
    run("2026-04-02")
    assert store.find_site_month(SITE, MARCH).value == closed
    assert run("2026-04-03") == 2


def test_closing_hands_the_telling_to_the_queue(cloud: TestCloud) -> None:
    open_site()
    cloud.set_clock(at("2026-04-02 12:00"))
    actions.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-02 12:00"))
    (work,) = [
        row
        for row in cloud.tables.dump()["kezek-test-outbox"]
        if row["pk"]["S"].startswith("WORK#")
    ]

    assert '"topic":"attendance/remind"' in work["body"]["S"]
    facts = {"site_id": SITE, "month": "2026-03"}
    for _ in range(2):
        jobs.remind(facts, at("2026-04-02 12:01"))
    assert len(notices(cloud.tables, "timesheet-to-approve")) == 2
    jobs.remind(facts, at("2026-04-08 12:01"))
    assert len(notices(cloud.tables, "timesheet-to-approve")) == 2


def test_the_schedule_asks_once_per_site_for_the_events_day(cloud: TestCloud) -> None:
    open_site()

    assert jobs.remind_and_close(Event("2026-04-02T07:00:00Z")) == 1
    jobs.daily({"site_id": SITE, "on": "2026-04-02"}, at("2026-04-02 12:00"))

    assert store.find_site_month(SITE, MARCH).value.closed_at is not None
    assert set(jobs.WORK) == {"attendance/daily", "attendance/remind"}


@pytest.mark.parametrize("number", [1, 2])
def test_marks_that_come_while_a_family_approves_are_late_or_make_it_look_again(
    tablet: Tablet, number: int
) -> None:
    now = at("2026-04-02 12:00")
    family = parent(number)
    actions.close_month(SITE, MARCH, by=HEAD, now=now)
    (shown,) = actions.child_month(child(number), MARCH, programme="preschool", by=family, now=now)
    record = tablet.sign("2026-03-31T08:05:00+05:00", enrolment=enrolment(number))
    barrier = threading.Barrier(2)
    said: dict[str, Any] = {}

    def approve() -> None:
        barrier.wait()
        try:
            said["approved"] = actions.approve(
                child(number),
                MARCH,
                programme="preschool",
                site_id=None,
                seen=shown.digest,
                by=family,
                now=now,
            )
        except rules.SheetChanged as refusal:
            said["refused"] = refusal

    def upload() -> None:
        barrier.wait()
        said["receipt"] = send(tablet, [record], now=now)

    threads = [threading.Thread(target=approve), threading.Thread(target=upload)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    sheet = store.find_sheet(SITE, MARCH, child(number))
    approved = "approved" in said
    assert said["receipt"].outcomes[0].flags == (("late",) if approved else ())
    assert (len(sheet.late), len(sheet.marks)) == ((1, 0) if approved else (0, 1))
