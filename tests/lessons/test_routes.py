"""Timetables over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.edge.texts import text
from chalicelib.journal import actions as journal
from chalicelib.kernel.refusals import Refusal
from chalicelib.lessons import actions, store
from chalicelib.lessons.rules import MadeUpAlready
from chalicelib.providers import store as providers
from chalicelib.storage import outbox
from chalicelib.vouchers import store as vouchers
from infra.local.testing import Said, TestCloud, TestTables
from tests.attendance.builders import HEAD, ORGANISATION, at, child, open_site, person
from tests.attendance.clubs import CLUB, DAYS, GROUP, OCTOBER, lesson, open_club

PREFIX = f"/v1/lessons/groups/{GROUP}"
WEEK = [{"weekday": weekday, "starts": "16:00", "minutes": 60} for weekday in (1, 3, 5)]


class Club:
    """A football club whose head signs in, on Thursday 8 October 2026."""

    def __init__(self, cloud: TestCloud, **how: Any) -> None:
        self.cloud = cloud
        open_club(**how)
        cloud.set_clock(at("2026-10-08 12:00"))

    @property
    def head(self) -> str:
        return self.cloud.token("head", "head", organisations=[ORGANISATION])

    @property
    def stranger(self) -> str:
        return self.cloud.token("head", "stranger", organisations=["organisation-2"])

    def publish(self, token: str | None = None, **changes: Any) -> Said:
        body = {"from_on": "2026-10-12", "lessons": WEEK[:2], **changes}
        return self.cloud.put(f"{PREFIX}/timetable", body, token=token or self.head)

    def cancel(self, name: str, reason: str = "weather", token: str | None = None) -> Said:
        path = f"{PREFIX}/lessons/{name}/cancellation"
        return self.cloud.put(path, {"reason": reason}, token=token or self.head)

    def make_up(self, name: str, instead_of: str, token: str | None = None) -> Said:
        path = f"{PREFIX}/lessons/{name}/make-up"
        return self.cloud.put(path, {"instead_of": instead_of}, token=token or self.head)

    def month(self, month: str = "2026-10") -> dict[int, dict[str, Any]]:
        items = self.cloud.get(f"{PREFIX}/months/{month}").json["items"]
        return {int(item["on"][-2:]): item for item in items}


@pytest.fixture
def club(cloud: TestCloud) -> Club:
    return Club(cloud)


def test_a_published_week_is_in_sight_at_once(club: Club) -> None:
    said = club.publish()

    assert said.status == 200
    assert (said.json["revision"], said.json["warnings"]) == (2, [])
    assert club.publish().json == said.json
    assert tuple(club.month()) == (2, 5, 7, 9, 12, 14, 19, 21, 28)
    assert [t.weekday for t in providers.load_group(GROUP).value.times] == [1, 3]
    assert list(journal.differences(journal.newest_images())) == []


def test_a_week_above_the_cap_is_allowed_and_said(club: Club) -> None:
    five = [{"weekday": weekday, "starts": "16:00", "minutes": 60} for weekday in range(1, 6)]

    said = club.publish(lessons=five)

    assert said.status == 200
    assert [(w["code"], w["month"]) for w in said.json["warnings"]] == [
        ("above-cap", "2026-10"),
        ("above-cap", "2026-11"),
        ("above-cap", "2026-12"),
    ]
    assert {w["paid_max"] for w in said.json["warnings"]} == {12}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"from_on": "2026-10-08"}, 409, "lessons/starts-too-soon"),
        ({"from_on": "2026-10-01"}, 409, "kezek/another-content"),
        ({"replaces": 7}, 409, "lessons/changed-meanwhile"),
        ({"lessons": [{**WEEK[0], "minutes": 45}]}, 400, "lessons/wrong-length"),
        ({"lessons": [{**WEEK[0], "starts": "23:30"}]}, 400, "lessons/bad-week"),
        ({"lessons": [WEEK[0], {**WEEK[0], "starts": "16:30"}]}, 409, "lessons/overlap"),
        ({"lessons": [{**WEEK[0], "weekday": 8}]}, 400, "kezek/bad-field"),
        ({"lessons": [{**WEEK[0], "starts": "25:00"}]}, 400, "kezek/bad-field"),
        ({"note": "x"}, 400, "kezek/bad-field"),
    ],
)
def test_a_week_is_refused_clearly(
    club: Club, changes: dict[str, Any], status: int, code: str
) -> None:
    said = club.publish(**changes)

    assert (said.status, said.code) == (status, code)
    assert tuple(club.month()) == DAYS


def test_strangers_and_unknown_groups_are_alike(club: Club) -> None:
    foreign = club.publish(token=club.stranger)
    missing = club.cloud.put(
        "/v1/lessons/groups/group-nowhere/timetable",
        {"from_on": "2026-10-12", "lessons": []},
        token=club.head,
    )

    assert foreign.status == missing.status == 404
    assert foreign.json == missing.json
    assert club.cancel(lesson(9), token=club.stranger).status == 404
    assert club.make_up(lesson(10), lesson(9), token=club.stranger).status == 404
    assert club.cloud.get("/v1/lessons/groups/group-nowhere/months/2026-10").status == 404


def test_a_kindergarten_has_no_lessons(cloud: TestCloud) -> None:
    from datetime import date

    from chalicelib.providers.rules import Group
    from chalicelib.storage.commit import commit
    from tests.attendance.builders import AREA, SITE

    open_site()
    group = Group(
        group_id="group-garden",
        site_id=SITE,
        organisation_id=ORGANISATION,
        programme="preschool",
        area=AREA,
        name="Балапан",
        academic_year=2025,
        age_from=3,
        age_to=4,
        language="kk",
        kind="general",
        hours="10.5",
        locality="urban",
        capacity=25,
    )
    commit(providers.create_group(group))
    cloud.set_clock(at("2026-03-02 09:00"))
    token = cloud.token("head", "head", organisations=[ORGANISATION])

    said = cloud.put(
        "/v1/lessons/groups/group-garden/timetable",
        {"from_on": date(2026, 3, 9).isoformat(), "lessons": []},
        token=token,
    )

    assert (said.status, said.code) == (409, "lessons/no-lessons")


def test_a_cancelled_lesson_is_told_to_its_families(club: Club) -> None:
    said = club.cancel(lesson(9), "teacher-away")

    assert (said.status, said.json["state"], said.json["reason"]) == (
        200,
        "cancelled",
        "teacher-away",
    )
    assert club.cancel(lesson(9), "teacher-away").json == said.json
    assert club.cancel(lesson(9), "weather").code == "kezek/another-content"
    for n in (1, 2):
        notice = outbox.find_notice(
            f"person:{person(n)}", f"lesson-cancelled#{GROUP}#{lesson(9)}#{person(n)}"
        )
        assert notice is not None
        assert notice.template == "notice:lessons/teacher-away"
        assert notice.facts["child_id"] == child(n)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (lesson(8), 404, "kezek/unknown"),
        (lesson(26), 404, "kezek/unknown"),
        (lesson(9, "1700"), 404, "kezek/unknown"),
        ("2026-10-09", 400, "lessons/bad-lesson"),
        ("20261009T1670", 400, "lessons/bad-lesson"),
        ("29991231T1600", 400, "lessons/bad-lesson"),
    ],
)
def test_only_a_lesson_can_be_cancelled(club: Club, name: str, status: int, code: str) -> None:
    said = club.cancel(name)

    assert (said.status, said.code) == (status, code)


def test_a_closed_month_keeps_its_lessons(club: Club) -> None:
    club.cloud.set_clock(at("2026-11-01 09:00"))
    assert club.cancel(lesson(28)).status == 200
    attendance.close_month(CLUB, OCTOBER, by=HEAD, now=at("2026-11-01 10:00"))

    said = club.cancel(lesson(30))

    assert (said.status, said.code) == (409, "lessons/month-closed")
    assert club.month()[30]["state"] == "held"
    assert club.cancel(lesson(28)).status == 200  # what was said before is said again


def test_the_month_shows_what_was_held_cancelled_and_made_up(club: Club) -> None:
    club.cancel(lesson(9))
    said = club.make_up(lesson(10, "1000"), lesson(9))

    assert said.status == 200
    assert (said.json["state"], said.json["instead_of"]) == ("planned", lesson(9))
    assert club.make_up(lesson(10, "1000"), lesson(9)).json == said.json
    club.cloud.set_clock(at("2026-10-10 12:00"))
    states = {day: (item["state"], item["instead_of"]) for day, item in club.month().items()}
    assert states[7] == ("held", None)
    assert states[9] == ("cancelled", None)
    assert states[10] == ("held", lesson(9))
    assert states[12] == ("planned", None)
    notice = outbox.find_notice(
        f"person:{person()}", f"lesson-made-up#{GROUP}#{lesson(10, '1000')}#{person()}"
    )
    assert notice is not None
    said_in_kazakh = text(notice.template, "kk", notice.facts)
    assert "10.10.2026 күні 10:00" in said_in_kazakh


@pytest.mark.parametrize(
    ("name", "instead_of", "status", "code"),
    [
        (lesson(10, "1000"), lesson(12), 409, "lessons/not-cancelled"),
        ("20261107T1000", lesson(9), 409, "lessons/another-month"),
        (lesson(8, "1100"), lesson(9), 409, "lessons/in-the-past"),
        (lesson(26, "1000"), lesson(9), 409, "lessons/on-holiday"),
        (lesson(12, "1630"), lesson(9), 409, "lessons/overlap"),
        (lesson(10, "2330"), lesson(9), 400, "lessons/bad-week"),
        ("20261010", lesson(9), 400, "lessons/bad-lesson"),
        (lesson(10, "1000"), "x", 400, "kezek/bad-field"),
    ],
)
def test_a_made_up_lesson_is_refused_clearly(
    club: Club, name: str, instead_of: str, status: int, code: str
) -> None:
    club.cancel(lesson(9))

    said = club.make_up(name, instead_of)

    assert (said.status, said.code) == (status, code)


def test_a_lesson_is_made_up_once_under_a_race(tables: TestTables) -> None:
    open_club()
    now = at("2026-10-08 12:00")
    actions.cancel(GROUP, lesson(9), reason="weather", by=HEAD, now=now)
    barrier = threading.Barrier(2)
    ends: list[str] = []

    def run(name: str) -> None:
        barrier.wait()
        try:
            actions.make_up(GROUP, name, instead_of=lesson(9), by=HEAD, now=now)
            ends.append("made up")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=run, args=(lesson(10, h),)) for h in ("1000", "1200")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == [MadeUpAlready.code, "made up"]
    assert len(store.find_timetable(CLUB, GROUP).value.extra) == 1


def test_rosters_and_timetables_come_in_one_query_and_apart(tables: TestTables) -> None:
    from infra.local import faults

    open_club()

    with faults.watch() as seen:
        rosters, timetables = store.load_site(CLUB)

    assert seen.operations == {"Query": 1}
    assert [roster.group_id for roster in rosters] == list(timetables) == [GROUP]
    assert vouchers.load_rosters(CLUB) == rosters
