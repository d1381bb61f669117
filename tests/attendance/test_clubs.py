"""Lessons over a real engine and HTTP: visits, confirmations, codes, the department, billing."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest

from chalicelib.attendance import actions, rules, store
from chalicelib.edge import auth
from chalicelib.journal import actions as journal
from chalicelib.journal.store import history
from chalicelib.lessons import actions as lessons
from chalicelib.providers.rules import WeeklyLesson
from chalicelib.storage.commit import commit
from chalicelib.storage.secrets import alias_digest
from infra.local import faults, issuer
from infra.local.testing import Said, TestCloud, TestTables
from tests.attendance.builders import (
    HEAD,
    ORGANISATION,
    a_family,
    at,
    child,
    enrolment,
    pair,
    person,
    send,
)
from tests.attendance.clubs import (
    CLUB,
    DAYS,
    GROUP,
    OCTOBER,
    OTHER_CLUB,
    OTHER_GROUP,
    SEPTEMBER,
    enrol,
    lesson,
    open_club,
)
from tests.attendance.tablets import Tablet

PREFIX = "/v1/attendance"
MONTH = f"{PREFIX}/sites/{CLUB}/months/2026-10"
CHILD = f"{PREFIX}/children/{child()}"
LINE = f"{MONTH}/children/{child()}"
CLUBS = {"programme": "clubs"}


def subject_of(name: str) -> str:
    return alias_digest("sign-in", f"{issuer.NAME}\x00{name}")[:32]


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_club()
    made = Tablet()
    pair(made, site_id=CLUB, now=SEPTEMBER)
    return made


def outcomes(receipt: actions.Receipt) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(o.outcome, o.code, o.flags) for o in receipt.outcomes]


# --- intake


def test_visits_are_judged_against_the_timetable_and_refused_ones_stay_in_evidence(
    tablet: Tablet,
) -> None:
    lessons.cancel(GROUP, lesson(28), reason="premises", by=HEAD, now=at("2026-10-20 09:00"))
    for when in (
        "2026-10-23T16:05:00+05:00",  # Friday, in the lesson
        "2026-10-23T18:00:00+05:00",  # after it
        "2026-10-24T16:05:00+05:00",  # Saturday
        "2026-10-26T16:05:00+05:00",  # a day off for Republic Day
        "2026-10-28T16:05:00+05:00",  # cancelled
    ):
        tablet.sign(when)

    receipt = send(tablet, tablet.records, now=at("2026-10-28 19:00"))

    assert outcomes(receipt) == [
        ("accepted", None, ()),
        ("refused", "outside-timetable", ()),
        ("refused", "outside-timetable", ()),
        ("refused", "outside-timetable", ("holiday",)),
        ("refused", "lesson-cancelled", ()),
    ]
    (kept,) = store.each_evidence(tablet.device_id)
    assert len(kept.lines) == 5
    assert len(store.find_sheet(CLUB, OCTOBER, child()).marks) == 1
    assert send(tablet, tablet.records, now=at("2026-10-29 19:00")) == receipt


def test_an_upload_of_a_club_costs_what_a_kindergartens_does(tablet: Tablet) -> None:
    send(tablet, [tablet.sign("2026-10-05T15:50:00+05:00")], now=at("2026-10-05 15:55"))
    again = [tablet.sign("2026-10-05T16:00:00+05:00", enrolment=enrolment(n)) for n in (1, 2)]

    with faults.watch() as seen:
        send(tablet, again, now=at("2026-10-05 17:00"))

    assert seen.operations == {"UpdateItem": 3, "Query": 1, "PutItem": 1}


def test_a_group_without_a_timetable_has_no_visits(tables: TestTables) -> None:
    open_club(week=())
    tablet = Tablet()
    pair(tablet, site_id=CLUB, now=SEPTEMBER)

    receipt = send(tablet, [tablet.sign("2026-10-05T16:00:00+05:00")], now=at("2026-10-05 17:00"))

    assert receipt.outcomes[0].code == "outside-timetable"


def test_a_group_marked_in_one_second_is_flagged_and_not_held(tables: TestTables) -> None:
    open_club(children_count=5)
    tablet = Tablet()
    pair(tablet, site_id=CLUB, now=SEPTEMBER)
    for n in range(1, 5):
        tablet.sign("2026-10-05T16:00:07+05:00", enrolment=enrolment(n))
    tablet.sign("2026-10-05T16:00:08+05:00", enrolment=enrolment(5))

    receipt = send(tablet, tablet.records, now=at("2026-10-05 17:00"))

    assert outcomes(receipt) == [("accepted", None, ("same-second",))] * 4 + [
        ("accepted", None, ())
    ]
    (seen,) = actions.list_devices(CLUB, by=HEAD, now=at("2026-10-05 17:00"))
    assert [(f.kind, f.first, f.last) for f in seen.flags] == [("same-second", 1, 4)]
    before = {n: store.find_sheet(CLUB, OCTOBER, child(n)) for n in range(1, 6)}
    assert [len(before[n].odd) for n in range(1, 6)] == [1, 1, 1, 1, 0]
    facts = actions.month_for_billing(CLUB, OCTOBER, today=date(2026, 10, 6))
    first = {x.on.day: x for x in facts.children[0].lines}
    assert (first[5].code, first[5].flags, first[5].held) == ("P", ("same-second",), False)
    # The drill finds the same in the evidence alone.
    tables.client.delete_item(
        TableName=f"kezek-{tables.stage}-attendance",
        Key={"pk": {"S": f"SHEET#{CLUB}#2026-10"}, "sk": {"S": child(1)}},
    )
    actions.rebuild_marks(CLUB)
    assert store.find_sheet(CLUB, OCTOBER, child(1)) == before[1]
    (seen,) = actions.list_devices(CLUB, by=HEAD, now=at("2026-10-05 17:00"))
    assert [f.kind for f in seen.flags] == ["same-second"]


def test_a_lesson_of_another_month_lies_on_its_own_sheet(tablet: Tablet) -> None:
    send(
        tablet,
        [
            tablet.sign("2026-10-30T11:00:00Z"),
            tablet.sign("2026-11-02T11:00:00Z"),
        ],
        now=at("2026-11-02 19:00"),
    )

    assert len(store.find_sheet(CLUB, OCTOBER, child()).marks) == 1
    assert len(store.find_sheet(CLUB, OCTOBER.next(), child()).marks) == 1


def test_billing_gets_lessons_with_their_hours_and_who_is_silent(tablet: Tablet) -> None:
    for day in DAYS[:3]:
        record = tablet.sign(f"2026-10-{day:02d}T16:00:00+05:00")
        send(tablet, [record], now=at(f"2026-10-{day:02d} 17:00"))
    lessons.cancel(GROUP, lesson(9), reason="weather", by=HEAD, now=at("2026-10-08 09:00"))

    facts = actions.month_for_billing(CLUB, OCTOBER, today=date(2026, 11, 9))

    assert (facts.unit, facts.direction, facts.form) == ("lesson", "sport", "private")
    one, other = facts.children
    assert [(x.on.day, x.starts, x.minutes, x.code) for x in one.lines][:4] == [
        (2, 960, 60, "P"),
        (5, 960, 60, "P"),
        (7, 960, 60, "P"),
        (9, 960, 60, "L"),
    ]
    assert {x.standing for x in one.lines if x.code == "P"} == {"undecided"}
    assert "".join(x.code for x in other.lines) == "NNNLNNNNNNHNN"
    assert actions.attended_days(CLUB, child(), date(2026, 10, 1), date(2026, 10, 31)) == 3


# --- over HTTP


class Club:
    """A football club with two children, the first with a family that signed in."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        open_club()
        a_family(1, subject=subject_of("parent"))
        a_family(2, subject=subject_of("neighbour"))
        self.tablet = Tablet()
        pair(self.tablet, site_id=CLUB, now=SEPTEMBER)

    def token(self, role: str, name: str | None = None, **claims: Any) -> str:
        return self.cloud.token(role, name or role, **claims)

    @property
    def head(self) -> str:
        return self.token("head", organisations=[ORGANISATION])

    @property
    def parent(self) -> str:
        return self.token("representative", "parent")

    @property
    def neighbour(self) -> str:
        return self.token("representative", "neighbour")

    @property
    def department(self) -> str:
        return self.token("department", areas=["karaganda"], directions=["sport"])

    def visits(self, *days: int, enrolment_id: str | None = None) -> None:
        for day in days:
            of = enrolment_id or enrolment()
            record = self.tablet.sign(f"2026-10-{day:02d}T16:02:00+05:00", enrolment=of)
            now = at(f"2026-10-{day:02d} 17:30")
            assert send(self.tablet, [record], now=now).outcomes[0].outcome == "accepted"

    def confirm(self, day: int, token: str | None = None, **body: Any) -> Said:
        path = f"{CHILD}/lessons/{lesson(day)}/confirmation"
        return self.cloud.put(path, {**CLUBS, **body}, token=token or self.parent)

    def lines(self) -> dict[str, dict[str, Any]]:
        seen = self.cloud.get(f"{CHILD}/months/2026-10?programme=clubs", token=self.parent)
        (shown,) = seen.json["items"]
        return {line["line"]: line for line in shown["lines"]}

    def dispute(self, day: int, token: str | None = None, **changes: Any) -> Said:
        body = {"claim": "N", "reason": "was-not-there", **CLUBS, **changes}
        path = f"{CHILD}/months/2026-10/disputes/{lesson(day)}"
        return self.cloud.put(path, body, token=token or self.parent)


@pytest.fixture
def club(cloud: TestCloud) -> Club:
    made = Club(cloud)
    cloud.set_clock(at("2026-10-08 12:00"))
    return made


def test_one_tap_confirms_a_visited_lesson(club: Club) -> None:
    club.visits(2, 5)

    said = club.confirm(5)

    assert (said.status, said.json) == (
        200,
        {"child_id": child(), "site_id": CLUB, "lesson": lesson(5), "code": "P"},
    )
    lines = club.lines()
    assert lines[lesson(5)]["standing"] == "confirmed"
    assert lines[lesson(5)]["starts"] == "16:00"
    assert lines[lesson(5)]["visits"][0]["came"] == "16:02"
    assert lines[lesson(2)]["standing"] == "open"
    assert club.confirm(5).json == said.json
    stream = list(history(f"sheet/{CLUB}/2026-10/{child()}"))
    assert [(e.event, e.facts["lesson"], e.facts["way"]) for e in stream] == [
        ("attendance/lesson-confirmed", lesson(5), "tap")
    ]


def test_b1_a_neighbours_lesson_is_confirmed_by_nobody_else(club: Club) -> None:
    club.visits(5)

    foreign = club.confirm(5, token=club.neighbour)
    missing = club.cloud.put(
        f"{PREFIX}/children/{child(99)}/lessons/{lesson(5)}/confirmation",
        CLUBS,
        token=club.parent,
    )

    assert foreign.status == missing.status == 404
    assert foreign.json == missing.json
    assert club.lines()[lesson(5)]["standing"] == "open"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (lesson(7), 409, "attendance/not-visited"),
        (lesson(9), 409, "attendance/not-visited"),
        (lesson(6), 404, "kezek/unknown"),
        ("2026-10-05", 400, "attendance/bad-day"),
        ("20261005T9900", 400, "attendance/bad-day"),
    ],
)
def test_only_visited_lessons_are_confirmed(club: Club, name: str, status: int, code: str) -> None:
    club.visits(5)

    said = club.cloud.put(f"{CHILD}/lessons/{name}/confirmation", CLUBS, token=club.parent)

    assert (said.status, said.code) == (status, code)


def test_a_lesson_under_way_is_not_confirmed_yet(club: Club) -> None:
    record = club.tablet.sign("2026-10-09T15:55:00+05:00")
    send(club.tablet, [record], now=at("2026-10-09 16:00"))
    club.cloud.set_clock(at("2026-10-09 16:59"))

    assert club.confirm(9).code == "attendance/not-held-yet"
    club.cloud.set_clock(at("2026-10-09 17:00"))
    assert club.confirm(9).status == 200


def test_the_window_ends_on_the_seventh_and_the_department_decides_the_rest(club: Club) -> None:
    club.visits(5, 7)
    assert club.confirm(5).status == 200
    club.cloud.set_clock(at("2026-11-08 00:00"))

    assert club.confirm(7).code == "attendance/locked"
    asked = "area=karaganda&month=2026-10&programme=clubs"
    seen = club.cloud.get(f"{PREFIX}/undecided?{asked}", token=club.department).json["items"]
    mine = next(one for one in seen if one["child_id"] == child())
    assert lesson(5) not in [line["line"] for line in mine["lines"]]
    body = {"counts": True, "reason": "device-evidence"}
    said = club.cloud.put(f"{LINE}/decisions/{lesson(7)}", body, token=club.department)
    assert (said.status, said.json["lesson"], said.json["code"]) == (200, lesson(7), "P")
    assert club.lines()[lesson(7)]["standing"] == "confirmed"


def test_an_officer_of_another_direction_decides_nothing(club: Club) -> None:
    club.visits(7)
    club.cloud.set_clock(at("2026-11-08 12:00"))
    culture = club.token("department", "culture", areas=["karaganda"], directions=["creative"])

    said = club.cloud.put(
        f"{LINE}/decisions/{lesson(7)}",
        {"counts": True, "reason": "device-evidence"},
        token=culture,
    )
    asked = "area=karaganda&month=2026-10&programme=clubs"

    assert said.status == 404
    assert club.cloud.get(f"{PREFIX}/undecided?{asked}", token=culture).json["items"] == []


def test_a_contested_lesson_is_held_alone_and_a_confirmed_one_not_contested(club: Club) -> None:
    club.visits(5, 7)
    club.confirm(5)

    assert club.dispute(5).code == "attendance/locked"
    said = club.dispute(7)
    assert (said.status, said.json["lesson"]) == (200, lesson(7))
    assert club.confirm(7).code == "attendance/line-disputed"
    assert club.dispute(7, claim="L", reason="no-lesson").code == "kezek/another-content"
    answer = club.cloud.put(f"{LINE}/answers/{lesson(7)}", {"answer": "insist"}, token=club.head)
    assert answer.json["answer"] == "insist"
    decided = club.cloud.put(
        f"{LINE}/decisions/{lesson(7)}",
        {"counts": False, "reason": "representative-statement"},
        token=club.department,
    )
    assert (decided.status, decided.json["code"]) == (200, "N")
    assert club.dispute(6).status == 404
    day = club.cloud.put(
        f"{CHILD}/months/2026-10/disputes/2026-10-05",
        {"claim": "N", "reason": "was-not-there", **CLUBS},
        token=club.parent,
    )
    assert day.status == 404


def test_approving_the_month_confirms_the_rest(club: Club) -> None:
    club.visits(2, 5, 7)
    club.confirm(5)
    club.cloud.set_clock(at("2026-11-02 12:00"))
    assert club.cloud.put(f"{MONTH}/closing", {}, token=club.head).status == 200
    (sheet,) = club.cloud.get(f"{CHILD}/months/2026-10?programme=clubs", token=club.parent).json[
        "items"
    ]

    said = club.cloud.put(
        f"{CHILD}/months/2026-10/approval",
        {"digest": sheet["digest"], **CLUBS},
        token=club.parent,
    )

    assert said.status == 200
    assert {line["standing"] for line in said.json["lines"]} == {"confirmed"}
    facts = actions.month_for_billing(CLUB, OCTOBER, today=date(2026, 11, 13))
    assert [x.on.day for x in facts.children[0].lines if x.code == "P"] == [2, 5, 7]
    assert club.confirm(7).status == 200
    assert club.confirm(9).code == "attendance/locked"


def test_a_kindergarten_is_not_confirmed_by_lessons(club: Club) -> None:
    from tests.attendance.builders import open_site

    open_site(site_id="site-garden", first=1, starts_on=date(2026, 9, 1), children_count=0)

    said = club.confirm(5, programme="preschool")

    assert said.status == 404


def test_whoever_works_at_the_club_confirms_nothing(club: Club) -> None:
    club.visits(5)
    both = club.cloud.token(("head", "representative"), "parent", organisations=[ORGANISATION])

    assert club.confirm(5, token=both).code == "attendance/marks-here"


def test_who_was_at_two_clubs_that_day_names_the_one(club: Club) -> None:
    open_club(
        site_id=OTHER_CLUB,
        group_id=OTHER_GROUP,
        children_count=0,
        week=(WeeklyLesson(1, "18:00", 60),),
    )
    enrol(1, OTHER_CLUB, OTHER_GROUP, enrolment_id="enrolment-dombra")
    club.visits(5)

    assert club.confirm(5).code == "attendance/which-site"
    assert club.confirm(5, site_id=CLUB).status == 200


# --- two clubs of one child


MONDAYS_AT_HALF_PAST = (WeeklyLesson(1, "16:30", 60),)
OTHER_MONTH = f"{PREFIX}/sites/{OTHER_CLUB}/months/2026-10"
DOUBLED = {"counts": False, "reason": "doubled"}
ASKED = "area=karaganda&month=2026-10&programme=clubs"


class TwoClubs(Club):
    """The first child is at football and, as no transfer can lead to, at dombra as well."""

    def __init__(self, cloud: TestCloud) -> None:
        super().__init__(cloud)
        open_club(
            site_id=OTHER_CLUB,
            group_id=OTHER_GROUP,
            children_count=0,
            week=MONDAYS_AT_HALF_PAST,
        )
        enrol(1, OTHER_CLUB, OTHER_GROUP, enrolment_id="enrolment-dombra")
        other = Tablet(2)
        pair(other, site_id=OTHER_CLUB, now=SEPTEMBER)
        # Monday the 5th in both: 16:00 to 17:00 and 16:30 to 17:30.
        self.visits(5, 7)
        record = other.sign("2026-10-05T16:31:00+05:00", enrolment="enrolment-dombra")
        send(other, [record], now=at("2026-10-05 18:00"))
        for site_id, line in ((CLUB, lesson(5)), (CLUB, lesson(7)), (OTHER_CLUB, HALF_PAST)):
            cloud.set_clock(at("2026-10-08 12:00"))
            path = f"{CHILD}/lessons/{line}/confirmation"
            said = cloud.put(path, {**CLUBS, "site_id": site_id}, token=self.parent)
            assert said.status == 200, said.text

    def decide(self, month: str, line: str, body: dict[str, Any]) -> Said:
        path = f"{month}/children/{child()}/decisions/{line}"
        return self.cloud.put(path, body, token=self.department)

    def waiting(self) -> dict[str, list[tuple[str, list[str]]]]:
        """Return by site the lines of the first child that an officer is shown."""
        seen = self.cloud.get(f"{PREFIX}/undecided?{ASKED}", token=self.department).json["items"]
        return {
            one["site_id"]: [(line["line"], line["flags"]) for line in one["lines"]]
            for one in seen
            if one["child_id"] == child()
        }


HALF_PAST = lesson(5, "1630")


@pytest.fixture
def two(cloud: TestCloud) -> TwoClubs:
    return TwoClubs(cloud)


def test_an_hour_confirmed_at_two_clubs_is_seen_and_taken_back_at_one(two: TwoClubs) -> None:
    before = two.waiting()
    early = two.decide(OTHER_MONTH, HALF_PAST, {"counts": False, "reason": "device-evidence"})
    told = two.cloud.get(f"{CHILD}/months/2026-10?programme=clubs", token=two.parent).json
    decided = two.decide(OTHER_MONTH, HALF_PAST, DOUBLED)
    again = two.decide(OTHER_MONTH, HALF_PAST, DOUBLED)

    assert before == {
        CLUB: [(lesson(5), ["doubled"])],
        OTHER_CLUB: [(HALF_PAST, ["doubled"])],
    }
    assert early.code == "attendance/not-undecided"
    twice = {x["line"] for one in told["items"] for x in one["lines"] if "doubled" in x["flags"]}
    assert twice == {lesson(5), HALF_PAST}
    # Of three visits two are in one hour, so that one is certain.
    assert (told["use"]["visited"], told["use"]["left_lessons"]) == (1, 11)
    assert (decided.status, decided.json["code"]) == (200, "N")
    assert again.json == decided.json
    assert two.waiting() == {}
    assert two.decide(MONTH, lesson(5), DOUBLED).code == "attendance/not-doubled"
    (entry,) = (e for e in history(f"sheet/{OTHER_CLUB}/2026-10/{child()}") if "counts" in e.facts)
    assert (entry.facts["reason"], entry.facts["counts"]) == ("doubled", False)
    assert list(journal.differences(journal.newest_images())) == []


def test_only_what_two_clubs_claim_is_taken_back(two: TwoClubs) -> None:
    assert two.decide(MONTH, lesson(7), DOUBLED).code == "attendance/not-doubled"
    counts = two.decide(MONTH, lesson(5), {"counts": True, "reason": "doubled"})
    assert counts.code == "attendance/not-doubled"
    culture = two.token("department", "culture", areas=["karaganda"], directions=["creative"])
    path = f"{LINE}/decisions/{lesson(5)}"
    assert two.cloud.put(path, DOUBLED, token=culture).status == 404


def test_two_officers_at_once_take_back_one_line_and_the_other_stands(two: TwoClubs) -> None:
    bodies = [(MONTH, lesson(5)), (OTHER_MONTH, HALF_PAST)]
    said: list[Said] = []
    threads = [
        threading.Thread(target=lambda m=m, n=n: said.append(two.decide(m, n, DOUBLED)))
        for m, n in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.code or "" for one in said) == ["", "attendance/not-doubled"]
    assert two.waiting() == {}


def test_a_line_decided_to_count_at_both_is_taken_back_at_one(cloud: TestCloud) -> None:
    two = TwoClubs(cloud)
    stands = {"counts": True, "reason": "device-evidence"}
    # Silence at both: each officer lets the own club's lesson stand.
    for site_id in (CLUB, OTHER_CLUB):
        commit_unsaid(site_id)
    cloud.set_clock(at("2026-11-08 12:00"))
    assert two.decide(MONTH, lesson(5), stands).status == 200
    assert two.decide(OTHER_MONTH, HALF_PAST, stands).status == 200
    assert (lesson(5), ["decided", "doubled"]) in two.waiting()[CLUB]

    assert two.decide(MONTH, lesson(5), DOUBLED).json["counts"] is False
    assert two.decide(MONTH, lesson(5), stands).code == "kezek/another-content"
    assert two.decide(OTHER_MONTH, HALF_PAST, DOUBLED).code == "kezek/another-content"


def commit_unsaid(site_id: str) -> None:
    """Forget what the family confirmed."""
    kept = store.find_sheet(site_id, OCTOBER, child()).said
    commit([store.keep_sheet(kept, rules.EMPTY)])


# --- what is left of the month


def test_family_and_club_see_what_is_left_of_the_month_after_a_switch(club: Club) -> None:
    last = date(2026, 10, 9)
    open_club(
        site_id=OTHER_CLUB,
        group_id=OTHER_GROUP,
        children_count=0,
        week=(WeeklyLesson(1, "18:00", 60),),
    )
    enrol(3, ends_on=last)
    a_family(3, subject=subject_of("mover"))
    enrol(3, OTHER_CLUB, OTHER_GROUP, ORGANISATION, date(2026, 10, 10), enrolment_id="moved")
    club.visits(2, 5, 7, 9, enrolment_id=enrolment(3))
    club.cloud.set_clock(at("2026-10-10 12:00"))
    mover = club.token("representative", "mover")
    path = f"{PREFIX}/children/{child(3)}"
    body = {**CLUBS, "site_id": CLUB}
    club.cloud.put(f"{path}/lessons/{lesson(5)}/confirmation", body, token=mover)

    seen = club.cloud.get(f"{path}/months/2026-10?programme=clubs", token=mover).json
    page = club.cloud.get(OTHER_MONTH, token=club.head)

    assert seen["use"] == {
        "visited": 4,
        "confirmed": 1,
        "paid_max": 12,
        "cap_tiyn": 1_800_000,
        "used_before_tiyn": 0,
        "left_lessons": 8,
        "left_tiyn": 1_200_000,
    }
    (sheet,) = page.json["items"]
    assert (sheet["left_lessons"], sheet["left_tiyn"]) == (8, 1_200_000)
    assert CLUB not in page.text, "the former club is nobody's business"
    (mine, _) = club.cloud.get(MONTH, token=club.head).json["items"][:2]
    assert (mine["left_lessons"], mine["left_tiyn"]) == (12, 1_800_000)


# --- codes


def a_code(day: int, *, until: date = date(2026, 11, 7), on: date = date(2026, 10, 6)) -> str:
    code, put = actions.make_code(
        site_id=CLUB,
        child_id=child(),
        person_id=person(),
        programme="clubs",
        lesson=lesson(day),
        until=until,
        on=on,
    )
    commit([put])
    return code


def spend(club: Club, code: str) -> Said:
    return club.cloud.put(f"{PREFIX}/confirmations/{code}", {})


def test_a_code_of_a_notice_confirms_its_lesson_once_without_sign_in(club: Club) -> None:
    club.visits(5)
    code = a_code(5)

    said = spend(club, code.lower().replace("-", ""))

    assert (said.status, said.json) == (200, {"lesson": lesson(5), "confirmed": True})
    assert child() not in said.text and person() not in said.text
    assert spend(club, code).json == said.json
    (entry,) = history(f"sheet/{CLUB}/2026-10/{child()}")
    assert (entry.facts["way"], entry.facts["person_id"]) == ("code", person())
    assert club.lines()[lesson(5)]["standing"] == "confirmed"
    assert list(journal.differences(journal.newest_images())) == []


@pytest.mark.parametrize("code", ["AAAA-BBBB-CCCC", "AAAA", "Ж" * 12, "A" * 60])
def test_a_wrong_code_says_nothing(club: Club, code: str) -> None:
    from urllib.parse import quote

    said = club.cloud.put(f"{PREFIX}/confirmations/{quote(code)}", {})

    assert (said.status, said.code) == (403, "attendance/bad-confirmation")


def test_a_code_ends_with_the_window_and_with_the_power_of_its_holder(club: Club) -> None:
    from chalicelib.children import store as children

    club.visits(5, 7)
    late, gone = a_code(5, until=date(2026, 10, 7)), a_code(7)
    kept = children.find_relation(child(), person())
    assert kept is not None
    from dataclasses import replace

    ended = replace(kept.value, powers=("apply",))
    commit([children.RELATIONS.replace(kept, ended)])

    assert spend(club, late).code == "attendance/bad-confirmation"
    assert spend(club, gone).code == "attendance/bad-confirmation"


def test_a_code_for_a_lesson_that_nobody_visited_confirms_nothing(club: Club) -> None:
    assert spend(club, a_code(5)).code == "attendance/not-visited"


def test_two_taps_and_a_code_at_once_are_one_confirmation(club: Club) -> None:
    club.visits(2, 5, 7)
    name = rules.lesson_name(lesson(5))
    code = a_code(5)
    parent_actor = auth.caller(f"Bearer {club.parent}", now=at("2026-10-08 12:00"))
    barrier = threading.Barrier(3)
    wrong: list[Exception] = []

    def tap() -> None:
        barrier.wait()
        try:
            actions.confirm_lesson(
                child(),
                name,
                programme="clubs",
                site_id=None,
                by=parent_actor,
                now=at("2026-10-08 12:00"),
            )
        except Exception as error:
            wrong.append(error)

    def type_code() -> None:
        barrier.wait()
        try:
            actions.confirm_by_code(code, by=parent_actor, now=at("2026-10-08 12:00"))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=run) for run in (tap, tap, type_code)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(list(history(f"sheet/{CLUB}/2026-10/{child()}"))) == 1
    assert store.find_sheet(CLUB, OCTOBER, child()).said.value.confirmed == ("05T1600/60P",)


def test_a_lesson_of_a_year_nobody_knows_is_refused_and_no_fault_of_ours(club: Club) -> None:
    said = club.cloud.put(f"{CHILD}/lessons/20300107T1600/confirmation", CLUBS, token=club.parent)

    assert (said.status, said.code) == (409, "policy/calendar-missing")
