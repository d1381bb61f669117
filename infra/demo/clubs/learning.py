"""October: lessons on forty tablets, families that switch, a club that is suspended, trouble.

A tablet signs each arrival; what it is worth a family says. Every child's month is played as the
plan has it, and nothing is played that the plan does not have.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from infra.demo.clubs import opening, sample
from infra.demo.clubs.opening import Autumn, allot, day
from infra.demo.clubs.sample import House
from infra.demo.money import Signed
from infra.demo.stage import Stage, Unexpected, at, good, pages
from infra.imports import names
from infra.tablet import MOST_RECORDS, Record, Tablet, digest
from samples.clubs import city, october, plan, pupils
from samples.clubs.october import MISSED, PRESENT, Lesson
from samples.clubs.plan import Move

# Tablets send when they have a network, always within the ten days that the rules allow.
BURSTS = (at("2026-10-10", "21:30"), at("2026-10-20", "21:30"), at("2026-10-30", "21:30"))
EARLY = at("2026-10-02", "21:30")
LAST_BURST = at("2026-10-31", "21:30")
HOLIDAY = date(2026, 10, 26)
CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
REASON = {"rule": "premises-kind", "evidence": "lessons are given in a basement"}


@dataclass(slots=True)
class Child:
    """A pupil in October: its account, its ids, its groups with first and last day there."""

    number: str
    ordinal: int
    account: str
    voucher_id: str
    stays: list[tuple[str, date, date]]
    child_id: str = ""
    enrolments: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[Lesson, str, str]] = field(default_factory=list)

    @property
    def sites(self) -> list[str]:
        """Return the codes of the child's clubs in their order."""
        return list(dict.fromkeys(sample.house_of(group).code for group, _, _ in self.stays))


@dataclass(slots=True)
class Month:
    """What October left behind. outcomes: of all records sent; marked: lessons by direction.

    signed: by club, a record of a lesson that is paid in the end.
    """

    children: dict[str, Child] = field(default_factory=dict)
    tablets: dict[str, Tablet] = field(default_factory=dict)
    sent: int = 0
    sent_early: str = ""
    uploads: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    marked: dict[str, Counter[str]] = field(default_factory=dict)
    switched: int = 0
    fled: int = 0
    transition_until: str = ""
    cancelled: int = 0
    made_up: int = 0
    by_code: int = 0
    no_shows: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    caught: dict[str, str] = field(default_factory=dict)
    signed: dict[str, Signed] = field(default_factory=dict)


def play(stage: Stage, autumn: Autumn) -> Month:
    """Play October."""
    month = Month(marked={direction: Counter() for direction in sample.DIRECTIONS})
    month_plan = sample.karaganda().month
    with stage.act("tablets"):
        stage.jump(at("2026-10-01", "07:00"))
        _pair(stage, month)
        _expect(stage, autumn, month, [p for p in _pupils(autumn) if not _late(p)])
    with stage.act("codes by message"):
        _early(stage, month)
    with stage.act("ArtSport moves in"):
        stage.jump(at("2026-10-05", "07:00"))
        _artsport(stage, autumn)
        _expect(stage, autumn, month, [p for p in _pupils(autumn) if _late(p)])
    with stage.act("switches"):
        first, second = plan.SWITCHES
        stage.jump(at(first.isoformat(), "12:00"))
        month.switched += _transfer(stage, month, _of(month_plan.moves, first))
    with stage.act("lessons to 10 October"):
        _send(stage, month, date(2026, 9, 30), BURSTS[0])
        _file_twice(stage, month)
    with stage.act("cancelled lessons, a club is suspended"):
        stage.jump(at("2026-10-12", "10:00"))
        _cancel(stage, month)
        stage.jump(at(plan.SUSPENDED_ON.isoformat(), "10:00"))
        _suspend(stage, month)
        for asked in sorted({m.asked_on for m in month_plan.flights}):
            stage.jump(at(asked.isoformat(), "12:00"))
            month.fled += _transfer(stage, month, _of(month_plan.flights, asked))
            month.switched += _transfer(
                stage, month, _of(month_plan.moves, asked) if asked == second else []
            )
    with stage.act("lessons to 31 October"):
        _send(stage, month, BURSTS[0].date(), BURSTS[1])
        _make_trouble(stage, month)
        _send(stage, month, BURSTS[1].date(), BURSTS[2])
        _holiday(stage, month)
        _send(stage, month, BURSTS[2].date(), LAST_BURST)
        _no_shows(stage, autumn, month)
    return month


# --- who learns where -----------------------------------------------------------------------------


def _pupils(autumn: Autumn) -> list[pupils.Pupil]:
    """Return everybody who has a place in October, whether the child comes or not."""
    fixed = list(pupils.enrolled(sample.karaganda().children))
    winners = [sample.children()[n] for found in autumn.winners.values() for n in found]
    return fixed + winners


def _late(pupil: pupils.Pupil) -> bool:
    return pupil.platform == pupils.ARTSPORT


def _expect(stage: Stage, autumn: Autumn, month: Month, coming: Iterable[pupils.Pupil]) -> None:
    """Give each child its lessons of the plan, and its enrolments as the clubs' heads see them."""
    made = sample.karaganda().month
    groups = sample.groups()
    places = {n: place for found in autumn.winners.values() for place, n in enumerate(found)}
    ours: dict[str, Child] = {}
    for pupil in coming:
        number = pupil.number
        if sample.drawn(number):
            (enrolment,) = autumn.enrolments[number]
            code = next(c for c in groups if names.group(c) == enrolment["group_id"])
            stays = [(code, october.FIRST, october.LAST)]
        else:
            stays = plan.stays(made, pupil)
        ordinal = places.get(number, pupil.ordinal)
        child = Child(
            number, ordinal, sample.families()[number].account, autumn.vouchers[number], stays
        )
        if number in places and ordinal < plan.NO_SHOWS[pupil.direction]:
            month.no_shows.append(number)
        else:
            own = plan.own_lessons(made, groups, stays)
            child.lines = list(plan.spent(ordinal, own))
        ours[child.voucher_id] = child
        month.children[number] = child
        for lesson, group, code in child.lines:
            month.marked[groups[group].direction][code] += 1
            assert lesson.on <= october.LAST
    _look(stage, ours)


def _look(stage: Stage, ours: dict[str, Child]) -> None:
    """Heads look who is enrolled: the tablets need the ids."""
    by_group = {names.group(code): code for code in sample.groups()}

    def look(house: House) -> list[dict[str, Any]]:
        head = stage.head(house.organisation_id)
        return list(pages(head, f"/v1/vouchers/sites/{house.site_id}/enrolments"))

    for entries in stage.each("who is enrolled", list(sample.houses().values()), look):
        for entry in entries:
            child = ours.get(entry["voucher_id"])
            if child is not None:
                child.child_id = entry["child_id"]
                child.enrolments[by_group[entry["group_id"]]] = entry["enrolment_id"]
    missing = [child.number for child in ours.values() if not child.child_id]
    if missing:
        raise Unexpected(f"{len(missing)} children have no enrolment, the first is {missing[0]}")


def _artsport(stage: Stage, autumn: Autumn) -> None:
    """The second platform closes: its children come with what is left of October's cap.

    Their money comes with them: three months of each voucher.
    """
    count = sample.expected()["moved_universal"]["sport"]
    count += opening.moved_target(pupils.ARTSPORT, "sport")
    more = count * opening.voucher_tiyn(autumn, 3)
    allot(stage, autumn, "sport", more, "Решение маслихата № 23-1")
    opening.move_in(stage, autumn, pupils.ARTSPORT)
    autumn.last_category = opening.last_category(stage)


# --- tablets --------------------------------------------------------------------------------------


def pair(stage: Stage, house: House, label: str) -> Tablet:
    """Pair a tablet with a club by its head's one-time code."""
    tablet = Tablet.new()
    invited = good(
        stage.head(house.organisation_id).put(
            f"/v1/attendance/pairings/{label}-{tablet.device_id}",
            {"site_id": house.site_id, "label": label},
        )
    )
    good(tablet.pair(stage.api, invited["code"], label))
    return tablet


def _pair(stage: Stage, month: Month) -> None:
    houses = list(sample.houses().values())
    made = stage.each("tablets paired", houses, lambda house: pair(stage, house, "door"))
    month.tablets = {house.code: t for house, t in zip(houses, made, strict=True)}


def arrival(child: Child, lesson: Lesson, *, together: bool = False) -> datetime:
    """Return when a child came: within ten minutes before the lesson, each at its own second."""
    starts = at(lesson.on.isoformat(), lesson.starts)
    return starts - timedelta(seconds=60 if together else 30 + child.ordinal * 37 % 560)


@functools.lru_cache(maxsize=1)
def _in_one_second() -> tuple[str, Lesson]:
    """Return the group, and its lesson, in which all are marked in one second (T2)."""
    made = sample.karaganda().month
    code = made.in_one_second
    return code, plan.held(made, sample.groups()[code])[4]


def records_of(tablet: Tablet, child: Child, line: tuple[Lesson, str, str]) -> list[Record]:
    """Return what a tablet signs of a child's lesson; nothing where it was just not there."""
    lesson, group, code = line
    enrolment = child.enrolments[group]
    if code == PRESENT:
        together = (group, lesson) == _in_one_second()
        return [tablet.sign(enrolment, "in", arrival(child, lesson, together=together))]
    if code == MISSED:
        return []
    starts = at(lesson.on.isoformat(), lesson.starts)
    return [tablet.sign(enrolment, "absence", starts, reason=code)]


def _send(stage: Stage, month: Month, after: date, moment: datetime, *, only: str = "") -> None:
    """Each club's tablet sends what it gathered since it sent last; only: one club's."""
    stage.jump(moment)
    upto = moment.date()
    rosters: dict[str, list[tuple[Lesson, Child, tuple[Lesson, str, str]]]] = {}
    for child in month.children.values():
        for line in child.lines:
            code = sample.house_of(line[1]).code
            sent = EARLY.date() if code == month.sent_early else after
            if max(after, sent) < line[0].on <= upto and only in ("", code):
                rosters.setdefault(code, []).append((line[0], child, line))

    made = sample.karaganda().month

    def send(code: str) -> list[Any]:
        tablet = month.tablets[code]
        gathered = sorted(rosters[code], key=lambda entry: (entry[0], entry[1].number))
        signed = []
        for _, child, line in gathered:
            signed += records_of(tablet, child, line)
            if line[2] == PRESENT and child.number in made.taps:
                last = signed[-1]
                site_id = sample.houses()[code].site_id
                name = Signed(site_id, last["kid"], last["counter"], digest(last))
                month.signed.setdefault(site_id, name)
        now = stage.control.now()
        parts = range(0, len(signed), MOST_RECORDS)
        return [good(tablet.upload(stage.api, signed[n : n + MOST_RECORDS], now)) for n in parts]

    for receipts in stage.each(f"lessons up to {upto:%d.%m}", sorted(rosters), send):
        for receipt in receipts:
            month.uploads += 1
            count(month, receipt)


def count(month: Month, receipt: Any) -> Counter[str]:
    """Count what became of the records of an upload; return it by outcome, code and flag."""
    found: Counter[str] = Counter()
    for outcome in receipt["outcomes"]:
        found[outcome["outcome"]] += 1
        month.outcomes[outcome["outcome"]] += 1
        if outcome["outcome"] == "refused":
            month.refused[outcome["code"]] += 1
            found[outcome["code"]] += 1
        for flag in outcome.get("flags") or ():
            month.flags[flag] += 1
            found[flag] += 1
    month.sent += len(receipt["outcomes"])
    return found


def _early(stage: Stage, month: Month) -> None:
    """One club's tablet is on the network: its families are asked for a word the day after."""
    group = sample.children()[sample.karaganda().month.codes[0]].group
    house = sample.house_of(group)
    _send(stage, month, EARLY.date() - timedelta(days=2), EARLY, only=house.code)
    month.sent_early = house.code
    stage.jump(EARLY + timedelta(hours=14, minutes=29))
    stage.fire("run_attendance")
    month.by_code = _use_codes(stage, month)


def of_group(month: Month, group: str, on: date) -> list[Child]:
    """Return the children of a group on a day."""
    return [
        child
        for child in month.children.values()
        if child.lines
        and any(code == group and first <= on <= last for code, first, last in child.stays)
    ]


def upload(stage: Stage, month: Month, tablet: Tablet, records: list[Record]) -> Counter[str]:
    """Send records apart from the plan, for trouble; return what became of them."""
    told = good(tablet.upload(stage.api, records, stage.control.now()))
    stage.calls += 1
    month.uploads += 1
    return count(month, told)


def _use_codes(stage: Stage, month: Month) -> int:
    """Families confirm the first lesson by the code of a message, without signing in."""
    coming = [month.children[number] for number in sample.karaganda().month.codes]

    def confirm(child: Child) -> int:
        api = stage.family(child.account)
        told = good(api.get("/v1/notices"))["notices"]
        codes = [
            code
            for notice in told
            if "lessons-to-confirm" in notice["template"]
            for code in CODE.findall(notice["text"])
        ]
        for code in codes:
            good(stage.api.put(f"/v1/attendance/confirmations/{code}", {}))
        return len(codes)

    return sum(stage.each("lessons confirmed by code", coming, confirm))


# --- who moves ------------------------------------------------------------------------------------


def _of(moves: list[Move], asked: date) -> list[Move]:
    return [move for move in moves if move.asked_on == asked]


def _transfer(stage: Stage, month: Month, moves: list[Move]) -> int:
    """Families go to another club, without papers and without a queue, from the next day."""

    def transfer(move: Move) -> None:
        child = month.children[move.number]
        api = stage.family(child.account)
        path = f"/v1/vouchers/{child.voucher_id}/transfer"
        moved = good(api.put(path, {"group_id": names.group(move.to)}))
        if day(moved["starts_on"]) != move.from_on:
            raise Unexpected(f"a switch begins on {moved['starts_on']}, not on {move.from_on}")
        child.enrolments[move.to] = moved["enrolment_id"]

    return len(stage.each("families switch", moves, transfer))


def _cancel(stage: Stage, month: Month) -> None:
    """Heads cancel lessons; most are made up on a Sunday of the same month."""
    made = sample.karaganda().month

    def cancel(code: str) -> int:
        house, group_id = sample.house_of(code), names.group(code)
        head = stage.head(house.organisation_id)
        path = f"/v1/lessons/groups/{group_id}/lessons"
        lesson = made.cancelled[code].id
        good(head.put(f"{path}/{lesson}/cancellation", {"reason": "teacher-away"}))
        if code not in made.made_up:
            return 0
        instead = made.made_up[code].id
        good(head.put(f"{path}/{instead}/make-up", {"instead_of": lesson}))
        return 1

    told = stage.each("lessons cancelled", sorted(made.cancelled), cancel)
    month.cancelled, month.made_up = len(told), sum(told)
    stage.calls += month.made_up


def _suspend(stage: Stage, month: Month) -> None:
    house = sample.houses()[city.suspended(sample.karaganda().clubs).code]
    department = stage.officer("department", direction=house.direction)
    path = f"/v1/providers/sites/{house.site_id}"
    body = {"act": "Приказ управления № 104-Ө", "reasons": [REASON]}
    good(department.put(f"{path}/suspension", body))
    seen = good(department.get(path))
    month.transition_until = seen.get("transition_until") or ""


def _no_shows(stage: Stage, autumn: Autumn, month: Month) -> None:
    """Whoever never came loses the voucher and stands at the end of the category, once."""
    for number in month.no_shows + autumn.never_choose:
        family = sample.families()[number]
        api = stage.family(family.account)
        seen = good(api.get(f"/v1/applications/{names.application(number)}"))
        month.ended[seen["state"]] += 1
    stage.calls += len(month.no_shows) + len(autumn.never_choose)


# --- trouble --------------------------------------------------------------------------------------


def _file_twice(stage: Stage, month: Month) -> None:
    """T1: a club files a lesson's timesheet twice, cut otherwise; what was had counts once."""
    code = sample.karaganda().month.twice
    house = sample.house_of(code)
    tablet = month.tablets[house.code]
    lesson, records = _a_lesson(month, tablet, code, date(2026, 10, 10))
    half = len(records) // 2
    first = upload(stage, month, tablet, records[:half])
    again = upload(stage, month, tablet, records)
    if again["had"] == half and not first["refused"]:
        month.caught["T1"] = f"{again['had']} records of {lesson.id} were had already"


def _a_lesson(month: Month, tablet: Tablet, group: str, upto: date) -> tuple[Lesson, list[Record]]:
    """Return a group's last lesson up to a day, and the arrivals of all its children there."""
    children = of_group(month, group, upto)
    lesson = max(line[0] for child in children for line in child.lines if line[0].on <= upto)
    there = [
        child
        for child in children
        if any(x == lesson and how == PRESENT for x, _, how in child.lines)
    ]
    return lesson, [
        tablet.sign(child.enrolments[group], "in", arrival(child, lesson)) for child in there
    ]


def _make_trouble(stage: Stage, month: Month) -> None:
    """Play what no file holds; who has to catch it does, or it stays in the list as uncaught."""
    made = sample.karaganda().month
    if month.flags["same-second"]:
        month.caught["T2"] = f"{month.flags['same-second']} marks of one second are flagged"
    _old_club(stage, month)
    _two_tablets(stage, month)
    _cancelled_lesson(stage, month, next(c for c in made.cancelled if c not in made.made_up))
    _outside(stage, month, made.again)
    _second_club(stage, month)


def _old_club(stage: Stage, month: Month) -> None:
    """T6: the club that a child left goes on marking it; the day belongs to the new one."""
    move = sample.karaganda().month.moves[0]
    child = month.children[move.number]
    old = child.stays[0][0]
    tablet = month.tablets[sample.house_of(old).code]
    lesson = next(
        x for x in plan.held(sample.karaganda().month, sample.groups()[old]) if x.on >= move.from_on
    )
    record = tablet.sign(child.enrolments[old], "in", arrival(child, lesson))
    found = upload(stage, month, tablet, [record])
    if found["not-enrolled-that-day"]:
        month.caught["T6"] = "the old club's mark was refused: not enrolled that day"


def _two_tablets(stage: Stage, month: Month) -> None:
    """T7: a lesson is marked again on a second tablet; it stays one lesson in the timesheet."""
    code = sample.karaganda().month.again
    house = sample.house_of(code)
    second = pair(stage, house, "hall")
    lesson, records = _a_lesson(month, second, code, date(2026, 10, 20))
    found = upload(stage, month, second, records)
    if found["accepted"] == len(records):
        # Whether it was counted once the timesheets say, and the sum that is due.
        month.caught["T7"] = f"{len(records)} marks of {lesson.id} came twice"


def _cancelled_lesson(stage: Stage, month: Month, code: str) -> None:
    """T4: a club marks children in a lesson that it cancelled."""
    lesson = sample.karaganda().month.cancelled[code]
    tablet = month.tablets[sample.house_of(code).code]
    records = [
        tablet.sign(child.enrolments[code], "in", arrival(child, lesson))
        for child in of_group(month, code, lesson.on)
    ]
    found = upload(stage, month, tablet, records)
    if found["lesson-cancelled"] == len(records):
        month.caught["T4"] = f"{len(records)} marks refused: the lesson was cancelled"


def _outside(stage: Stage, month: Month, code: str) -> None:
    """T5: a mark at noon, when the group does not meet."""
    child = of_group(month, code, date(2026, 10, 15))[0]
    tablet = month.tablets[sample.house_of(code).code]
    record = tablet.sign(child.enrolments[code], "in", at("2026-10-15", "12:00"))
    if upload(stage, month, tablet, [record])["outside-timetable"]:
        month.caught["T5"] = "the mark was refused: no lesson at that hour"


def _holiday(stage: Stage, month: Month) -> None:
    """T3: a whole group is marked on the day off for Republic Day."""
    code = sample.karaganda().month.on_holiday
    tablet = month.tablets[sample.house_of(code).code]
    lesson = Lesson(HOLIDAY, sample.groups()[code].starts)
    records = [
        tablet.sign(child.enrolments[code], "in", arrival(child, lesson))
        for child in of_group(month, code, HOLIDAY)
    ]
    found = upload(stage, month, tablet, records)
    if found["outside-timetable"] == len(records):
        month.caught["T3"] = f"{len(records)} marks refused: a public holiday has no lessons"


def _second_club(stage: Stage, month: Month) -> None:
    """T9: a child with a place in one club asks for a target voucher in a public one."""
    child = next(c for c in month.children.values() if c.number in sample.karaganda().month.taps)
    age = city.age_of(sample.children()[child.number].birth_date)
    public = next(
        g
        for g in sample.groups().values()
        if sample.house_of(g.code).form == "public" and g.ages[0] <= age <= g.ages[1]
    )
    family = sample.families()[child.number]
    asked = {
        "child": family.body["child"],
        "group_id": names.group(public.code),
        "starts_on": "2026-10-21",
    }
    said = stage.family(family.account).put("/v1/vouchers/voucher-second-club/target", asked)
    stage.calls += 1
    codes = next(one["codes"] for one in sample.planted() if one["id"] == "T9")
    if said.code in codes:
        month.caught["T9"] = said.detail
