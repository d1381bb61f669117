"""Uploads as they arrive: what is odd becomes a signal, an honest upload costs nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.signals import actions
from infra.local.testing import TestTables
from tests.attendance.builders import SITE, at, child, enrolment, open_site, pair, send
from tests.attendance.tablets import Tablet
from tests.signals.builders import JOB, arrive, evidence_images, open_signals

DAY = "2026-03-02"


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site(children_count=12)
    made = Tablet()
    pair(made)
    return made


def asked(tables: TestTables) -> list[dict[str, Any]]:
    """Return what the stream asks to have judged, all uploads together."""
    uploads = [actions.read_upload(image) for image in evidence_images(tables)]
    return actions.odd_uploads([one for one in uploads if one is not None])


def mark(tablet: Tablet, *texts: str, kind: str = "in", **more: object) -> None:
    for n, text in enumerate(texts, start=1):
        tablet.sign(text, kind, enrolment(n), **more)


def test_an_honest_morning_is_no_signal_and_asks_for_no_work(
    tables: TestTables, tablet: Tablet
) -> None:
    mark(tablet, *(f"{DAY}T08:{n:02d}:00+05:00" for n in range(12)))
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))

    assert asked(tables) == []


def test_a_whole_group_in_one_second(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, *[f"{DAY}T08:10:07+05:00"] * 8)
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))

    (signal,) = arrive(tables)

    assert (signal.kind, signal.subject, signal.site_id) == ("one-second", tablet.device_id, SITE)
    assert [ref.child_id for ref in signal.refs] == [child(n) for n in range(1, 9)]
    assert signal.refs[0].lines == (DAY,)
    assert signal.refs[0].records == (f"{tablet.device_id}/1",)
    assert signal.facts == {"children": 8, "on": DAY}


def test_seven_in_one_second_are_too_few(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, *[f"{DAY}T08:10:07+05:00"] * 7)
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))

    assert arrive(tables) == []


def test_one_child_marked_eight_times_in_a_second_is_no_crowd(
    tables: TestTables, tablet: Tablet
) -> None:
    for _ in range(8):
        tablet.sign(f"{DAY}T08:10:07+05:00")
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))

    assert arrive(tables) == []


@pytest.mark.parametrize(
    ("clock", "odd"),
    [("02:30", True), ("06:00", True), ("06:01", False), ("19:59", False), ("20:00", True)],
)
def test_marks_far_outside_the_hours(
    tables: TestTables, tablet: Tablet, clock: str, odd: bool
) -> None:
    tablet.sign(f"{DAY}T{clock}:00+05:00")
    send(tablet, tablet.records, now=at(f"{DAY} 20:30"))

    found = arrive(tables)

    assert [one.kind for one in found] == ["outside-hours"] * odd
    assert all(one.subject == DAY for one in found)


def test_a_group_that_is_open_day_and_night_has_no_hours(tables: TestTables) -> None:
    from chalicelib.storage.commit import commit
    from chalicelib.vouchers import store as vouchers
    from chalicelib.vouchers.rules import Member, Roster
    from tests.attendance.builders import GROUP, STARTED

    open_site()
    roster = vouchers.find_roster(SITE, GROUP)
    members = (Member(enrolment(1), child(1), STARTED, None, "general/24/urban"),)
    commit([vouchers.keep_roster(roster, Roster(SITE, GROUP, members))])
    tablet = Tablet()
    pair(tablet)
    tablet.sign(f"{DAY}T02:30:00+05:00")
    send(tablet, tablet.records, now=at(f"{DAY} 03:00"))

    assert len(asked(tables)) == 1
    assert arrive(tables) == []


def test_children_marked_on_a_holiday(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, *(f"2026-03-08T09:{n:02d}:00+05:00" for n in range(3)))
    send(tablet, tablet.records, now=at("2026-03-08 10:00"))

    (signal,) = arrive(tables)

    assert (signal.kind, signal.period, len(signal.refs)) == ("outside-hours", "2026-03-08", 3)


def test_two_on_a_day_off_are_a_slip_of_the_finger(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, "2026-03-07T09:00:00+05:00", "2026-03-07T09:01:00+05:00")
    send(tablet, tablet.records, now=at("2026-03-07 10:00"))

    assert arrive(tables) == []


def test_a_way_that_nobody_travels(tables: TestTables, tablet: Tablet) -> None:
    here = {"place": {"lat_e3": 45_015, "lon_e3": 78_374}}
    there = {"place": {"lat_e3": 45_115, "lon_e3": 78_374}}
    tablet.sign(f"{DAY}T08:00:00+05:00", ext=here)
    send(tablet, tablet.records, now=at(f"{DAY} 08:05"))
    tablet.records.clear()
    tablet.sign(f"{DAY}T08:02:00+05:00", "in", enrolment(2), ext=there)
    send(tablet, tablet.records, now=at(f"{DAY} 08:10"))

    (signal,) = arrive(tables)

    assert (signal.kind, [ref.child_id for ref in signal.refs]) == ("far-apart", [child(2)])
    assert 11_000 < int(signal.facts["metres"]) < 11_300


def test_the_same_way_in_an_hour_is_a_bus(tables: TestTables, tablet: Tablet) -> None:
    tablet.sign(f"{DAY}T08:00:00+05:00", ext={"place": {"lat_e3": 45_015, "lon_e3": 78_374}})
    later = {"place": {"lat_e3": 45_115, "lon_e3": 78_374}}
    tablet.sign(f"{DAY}T09:00:00+05:00", "in", enrolment(2), ext=later)
    send(tablet, tablet.records, now=at(f"{DAY} 09:10"))

    assert arrive(tables) == []


def test_a_clock_set_back_between_two_records(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, f"{DAY}T10:00:00+05:00", f"{DAY}T08:20:00+05:00")
    send(tablet, tablet.records, now=at(f"{DAY} 10:10"))

    (signal,) = arrive(tables)

    assert (signal.kind, signal.facts["minutes"]) == ("clock-jump", 100)
    assert [ref.child_id for ref in signal.refs] == [child(2)]


def test_a_clock_that_jumped_between_two_uploads(tables: TestTables, tablet: Tablet) -> None:
    from chalicelib.attendance import actions as attendance
    from tests.attendance.builders import device_actor

    for hour, sent in ((8, 0), (11, 90)):
        tablet.sign(f"{DAY}T{hour:02d}:00:00+05:00")
        now = at(f"{DAY} {hour:02d}:05")
        attendance.receive(
            tablet.records,
            by=device_actor(tablet),
            now=now,
            sent_at=now - timedelta(minutes=sent),
        )
        tablet.records.clear()

    (signal,) = arrive(tables)

    assert (signal.kind, signal.facts) == ("clock-jump", {"minutes": 90, "on": DAY})


def test_the_same_upload_seen_again_changes_nothing(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, *[f"{DAY}T08:10:07+05:00"] * 8)
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))
    arrive(tables)
    before = tables.dump()

    send(tablet, tablet.records, now=at(f"{DAY} 09:30"))
    assert arrive(tables) == []

    after = tables.dump()
    assert before["kezek-test-attendance"] != []
    assert before["kezek-test-journal"] == after["kezek-test-journal"]


def test_more_of_the_same_day_joins_the_signal(tables: TestTables, tablet: Tablet) -> None:
    mark(tablet, f"{DAY}T20:10:00+05:00")
    send(tablet, tablet.records, now=at(f"{DAY} 20:15"))
    (first,) = arrive(tables)
    tablet.records.clear()
    tablet.sign(f"{DAY}T20:20:00+05:00", "in", enrolment(2))
    send(tablet, tablet.records, now=at(f"{DAY} 20:25"))

    (second,) = arrive(tables)

    assert second.signal_id == first.signal_id
    assert [ref.child_id for ref in second.refs] == [child(1), child(2)]
    assert open_signals() == [second]


def test_an_upload_of_a_site_that_is_gone_raises_nothing(tables: TestTables) -> None:
    assert actions.judge_uploads("nobody", 1, 9, by=JOB, now=at(f"{DAY} 09:00")) == []


def test_a_refused_record_is_no_evidence(tables: TestTables, tablet: Tablet) -> None:
    for n in range(20, 30):
        tablet.sign(f"{DAY}T08:10:07+05:00", "in", enrolment(n))
    send(tablet, tablet.records, now=at(f"{DAY} 09:00"))

    assert arrive(tables) == []


def alone(tablet: Tablet, text: str, n: int) -> None:
    """Send one record by itself."""
    tablet.records.clear()
    tablet.sign(text, "in", enrolment(n))
    send(tablet, tablet.records, now=at(f"{text[:10]} 10:00"))


def judged_together(tables: TestTables) -> list[Any]:
    found = []
    for odd in asked(tables):
        found += actions.judge_uploads(**odd, by=JOB, now=at(f"{DAY} 10:01"))
    return found


def test_a_crowd_that_sends_each_record_by_itself(tables: TestTables, tablet: Tablet) -> None:
    for n in range(1, 9):
        alone(tablet, f"{DAY}T08:10:07+05:00", n)

    (signal,) = judged_together(tables)

    assert (signal.kind, len(signal.refs)) == ("one-second", 8)


def test_a_day_off_marked_record_by_record(tables: TestTables, tablet: Tablet) -> None:
    for n in range(1, 4):
        alone(tablet, f"2026-03-08T09:{n:02d}:00+05:00", n)

    assert [one.kind for one in arrive(tables)] == ["outside-hours"]


def test_three_of_one_second_that_stay_three_are_no_crowd(
    tables: TestTables, tablet: Tablet
) -> None:
    for n in range(1, 4):
        alone(tablet, f"{DAY}T08:10:07+05:00", n)

    assert len(asked(tables)) == 1
    assert judged_together(tables) == []
