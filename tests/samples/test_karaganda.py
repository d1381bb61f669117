"""The committed Karaganda is what its generator makes, and adds up by itself."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from chalicelib.kernel.iin import checked_bin, checked_iin
from chalicelib.kernel.periods import Month
from chalicelib.lessons.rules import DatedWeek, Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.providers.rules import WeeklyLesson, checked_account, checked_bank
from samples.clubs import city, expected, files, october, plan, pupils
from samples.clubs.files import Karaganda

FOLDER = Path(__file__).parents[2] / "samples" / "karaganda"
RULES = load_pack("clubs", "karaganda").at(date(2026, 10, 15))


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return files.karaganda(2026)


@pytest.fixture(scope="module")
def built() -> Karaganda:
    return files.build(2026)


def test_the_committed_files_are_what_the_generator_makes_to_the_byte(made: dict[str, bytes]):
    assert {p.name for p in FOLDER.iterdir()} == made.keys()
    for name, content in made.items():
        assert (FOLDER / name).read_bytes() == content, name


def test_another_seed_makes_another_city_with_as_many_children(made: dict[str, bytes]):
    other = files.karaganda(7)

    assert other["damubala.csv"] != made["damubala.csv"]
    told, first = json.loads(other["expected.json"]), json.loads(made["expected.json"])
    for figure in ("enrolled", "vouchers_by_run", "waiting_at_the_end", "register", "window"):
        assert told[figure] == first[figure]


def test_the_headline_follows_from_the_construction(made: dict[str, bytes]):
    told = json.loads(made["expected.json"])

    assert told["clubs"] == 40 and set(told["clubs_by_direction"]) == set(city.DIRECTIONS)
    assert told["children"] == 3000 and sum(told["enrolled"].values()) == 2640
    assert sum(told["queue_at_the_run"].values()) - sum(told["vouchers_by_run"].values()) == 297
    assert len(told["by_category"]) == 12 and all(told["by_category"].values())


def test_all_numbers_are_right_in_form_and_belong_to_nobody(built: Karaganda):
    for club in built.clubs:
        checked_bin(club.bin)
        checked_account(club.account)
        checked_bank(club.bank)
    iins = [p.iin for p in built.children] + [p.parent.iin for p in built.children]
    assert len(iins) == len(set(iins))
    for iin in iins:
        assert checked_iin(iin)[:2] == "99" and iin[6] in "56", "born in 2099"


def test_groups_keep_the_ages_of_the_rules_and_hold_their_pupils(built: Karaganda):
    seats = Counter(p.group for p in built.children if p.group)
    for group in city.groups(built.clubs):
        activity = RULES.activities[group.activity]
        assert activity.kind == group.direction
        assert activity.age_from <= group.ages[0] <= group.ages[1] <= activity.age_to
        assert seats[group.code] <= group.capacity
    for pupil in built.children:
        age = (
            2026 - pupil.birth_date.year - ((pupil.birth_date.month, pupil.birth_date.day) > (9, 1))
        )
        group = next((g for g in city.groups(built.clubs) if g.code == pupil.group), None)
        assert group is None or group.ages[0] <= age <= group.ages[1]


def test_statuses_are_those_of_the_rules_in_their_order():
    assert len(RULES.tiers) == len(expected.CATEGORIES) == 12
    for status in expected.CATEGORIES[:-1]:
        assert status in RULES.statuses


def test_rates_and_coefficients_of_the_sample_are_those_of_the_rules():
    for direction in city.DIRECTIONS:
        for locality, per_mille in (("urban", 1000), ("rural", expected.RURAL_PER_MILLE)):
            rate = RULES.rate_for(direction, str(city.MINUTES), locality, False)
            assert (rate.rate_tiyn, rate.cap_tiyn) == (expected.RATE_TIYN, expected.CAP_TIYN)
            assert (rate.rural_per_mille if locality == "rural" else 1000) == per_mille
            raised = RULES.rate_for(direction, str(city.MINUTES), locality, True)
            assert raised.sen_per_mille == expected.SEN_PER_MILLE


def test_the_sample_counts_the_lessons_of_october_as_the_timetable_does(built: Karaganda):
    calendar = load_pack("clubs", "karaganda").calendar
    for weekdays in (*october.TWELVE, october.FOURTEEN, october.NINE):
        weekly = tuple(WeeklyLesson(day, "16:00", 60) for day in weekdays)
        timetable = Timetable(
            site_id="site", group_id="group", weeks=(DatedWeek(date(2026, 10, 1), weekly),)
        )
        given = lessons_in(timetable, Month(2026, 10), calendar)
        ours = [lesson.id for lesson in october.lessons(weekdays, "16:00")]
        assert [x.lesson_id for x in given if x.given] == ours
    assert {len(october.lessons(w, "16:00")) for w in october.TWELVE} == {12}


def test_no_two_oddities_meet_in_one_child(built: Karaganda):
    month = built.month
    odd = [
        *(m.number for m in month.moves), *(m.number for m in month.flights), *month.taps,
        *month.codes, *month.silent, *(c.number for c in month.contests),
    ]  # fmt: skip
    assert len(odd) == len(set(odd))
    groups = {p.number: p.group for p in built.children}
    assert not {groups[number] for number in odd} & set(month.cancelled)


def test_a_contest_is_about_a_lesson_that_was_spent_as_the_plan_says(built: Karaganda):
    groups = {g.code: g for g in city.groups(built.clubs)}
    children = {p.number: p for p in built.children}
    for contest in built.month.contests:
        pupil = children[contest.number]
        own = plan.own_lessons(built.month, groups, plan.stays(built.month, pupil))
        spent = {lesson: code for lesson, _, code in plan.spent(pupil.ordinal, own)}
        assert spent[contest.lesson] != contest.claim


def test_switches_sum_to_the_childs_month_and_never_pass_the_cap(built: Karaganda):
    told = expected.expected(built.clubs, built.children, built.month, [])
    due = told["due"]
    assert isinstance(due, dict)
    most = sum(pupils.PUPILS[s][d] for s in pupils.PUPILS for d in city.DIRECTIONS)
    total = sum(one["due_tiyn"] for one in due.values())
    assert total <= most * expected.CAP_TIYN * expected.SEN_PER_MILLE // 1000
    assert all(one["lessons_beyond_the_cap"] for one in due.values())


def test_each_planted_trouble_has_an_id_a_kind_and_a_place(made: dict[str, bytes]):
    planted = json.loads(made["planted.json"])

    assert len({one["id"] for one in planted}) == len(planted)
    assert {
        "one-child-in-several-clubs", "timesheet-filed-twice", "group-marked-in-one-second",
        "marks-on-a-holiday", "child-on-two-platforms", "second-club-at-once",
    } <= {one["kind"] for one in planted}  # fmt: skip
    for one in planted:
        assert (one["line"] > 1) == bool(one["file"])
