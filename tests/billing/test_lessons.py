"""What a lesson earns: the published example as a table, and what no input may change."""

from __future__ import annotations

import dataclasses
import random
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import Claim, RatePart, doubled_units, mark_of
from chalicelib.billing.rules.earning import earned
from chalicelib.billing.rules.judging import Day
from chalicelib.billing.rules.pricing import price
from chalicelib.billing.rules.statements import cause_of
from chalicelib.billing.rules.units import (
    hours_touched,
    lesson_number,
    mask_of,
    meeting,
    numbers,
    places,
)
from chalicelib.kernel.money import half_up, tenge
from chalicelib.kernel.periods import DateRange

from .builders import OCTOBER, a_child, pack
from .builders import a_stay as a_stay_in_a_kindergarten
from .clubs import (
    SEN_PARTS,
    TWELVE,
    a_pupil,
    a_stay,
    clubs_pack,
    judged,
    lesson,
    lessons,
    line,
    lines_at,
)
from .test_pricing import lines as kindergarten_lines

THIRTEENTH = 31
UNCONFIRMED = dict.fromkeys(TWELVE[9:], "undecided")


# --- the worked examples of the domain sheet, §7 ------------------------------------------------


@pytest.mark.parametrize(
    ("confirmed", "stay", "accrual", "full_list"),
    [
        (9, a_stay(), 13_500, 18_000),
        (9, a_stay(sen=True), 20_250, 27_000),
        (12, a_stay(), 18_000, 18_000),
        (12, a_stay(sen=True), 27_000, 27_000),
        (9, a_stay(locality="rural"), 16_200, 21_600),
        (12, a_stay(locality="rural"), 21_600, 21_600),
        (12, a_stay(locality="rural", sen=True), 32_400, 32_400),
        (0, a_stay(), 0, 18_000),
    ],
)
def test_the_worked_example_comes_out_to_the_tenge(confirmed, stay, accrual, full_list):
    waiting = dict.fromkeys(TWELVE[confirmed:], "undecided")

    found = line(a_pupil(days=lessons(standings=waiting), stays=(stay,)))

    assert found.accrual_tiyn == tenge(accrual)
    assert found.payable == ({"P": confirmed} if confirmed else {})
    assert found.accrual_tiyn + sum(found.withheld_tiyn.values()) == tenge(full_list)
    assert sum(found.parts_tiyn.values()) == found.accrual_tiyn


@pytest.mark.parametrize(
    ("sen", "accrual", "over"), [(False, 18_000, 1_500), (True, 27_000, 2_250)]
)
def test_the_thirteenth_lesson_earns_nothing_and_says_why(sen, accrual, over):
    days = lessons((*TWELVE, THIRTEENTH))

    found = line(a_pupil(days=days, stays=(a_stay(sen=sen),)))

    assert found.accrual_tiyn == tenge(accrual)
    assert found.unpaid == {"over-month-cap": 1}
    assert found.withheld_tiyn == {"over-month-cap": tenge(over)}


def test_the_lesson_that_crosses_the_cap_earns_the_part_up_to_it():
    # Education: 2,000 a lesson under a cap of 20,000; a platform that closed paid 3,000.
    days = lessons(TWELVE[:9])

    found = line(a_pupil(days=days, stays=(a_stay(kind="education"),), used_tiyn=tenge(3_000)))

    assert found.accrual_tiyn == tenge(17_000)
    assert found.payable == {"P": 9}
    assert found.unpaid == {}
    assert found.withheld_tiyn == {"over-month-cap": tenge(1_000)}


def test_who_was_paid_more_than_the_cap_elsewhere_earns_nothing_more():
    found = line(a_pupil(used_tiyn=tenge(20_000)))

    assert (found.accrual_tiyn, found.unpaid) == (0, {"over-month-cap": 12})
    assert found.withheld_tiyn == {"over-month-cap": tenge(18_000)}


def test_a_lesson_without_a_cap_ends_the_month_s_limit():
    capped, free = (RatePart(0b1, 200, (1000,), 1, 100), RatePart(0b10, 200, (1000,), 1))
    last = RatePart(0b100, 200, (1000,), 1, 100)

    found = price([Claim("s", {"P": 0b111}, 0b111, (capped, free, last))])["s"]

    assert found.parts == {0b1: ("P", 100), 0b10: ("P", 200), 0b100: ("P", 200)}


def test_raised_financing_has_its_own_lines():
    found = line(a_pupil(days=lessons(standings=UNCONFIRMED), stays=(a_stay(sen=True),)))

    assert found.parts == {
        "base": tenge(13_500),
        "assistant": tenge(3_375),
        "adapted-programme": tenge(2_025),
        "small-group": tenge(1_350),
    }
    assert list(found.parts) == ["base", *(code for code, _ in SEN_PARTS)]
    assert found.parts_tiyn == found.parts


def test_a_raise_that_is_not_divided_is_one_line():
    undivided = dataclasses.replace(clubs_pack(), rows={**clubs_pack().rows, "sen_parts": ()})

    found = line(a_pupil(stays=(a_stay(sen=True),)), rules=undivided)

    assert found.parts == {"base": tenge(18_000), "sen": tenge(9_000)}


def test_special_needs_raise_a_kindergarten_s_sum_too():
    stay = a_stay_in_a_kindergarten(sen=True)

    found = kindergarten_lines(a_child(codes="P" * 20, stays=(stay,)))["child-aaaa"]

    assert found.accrual_tiyn == half_up(Fraction(tenge(97_500) * 20, 21))
    assert set(found.parts) == {"base", *(p.code for p in pack().at(OCTOBER.last).sen_parts)} or (
        set(found.parts) == {"base", "sen"}
    )
    assert sum(found.parts.values()) == found.accrual_tiyn
    assert found.parts["base"] == half_up(Fraction(found.accrual_tiyn * 2, 3))


def test_a_child_whose_special_needs_begin_in_mid_month_is_raised_from_that_day_on():
    stays = (a_stay(last=date(2026, 10, 15)), a_stay(first=date(2026, 10, 16), sen=True))

    found = line(a_pupil(stays=stays))

    # Six lessons of 1,500 and six of 2,250; the raise of the six is what stands apart.
    assert found.accrual_tiyn == tenge(22_500)
    assert found.parts["base"] == tenge(18_000)
    assert sum(found.parts.values()) == tenge(22_500)


# --- two clubs in one month ---------------------------------------------------------------------


def in_two_clubs(first_days, second_days, *, first=None, second=None):
    """A child that left one club and went on in another."""
    return lines_at(
        **{
            "club-aaaa": a_pupil(days=lessons(first_days), stays=(first or a_stay(),)),
            "club-bbbb": a_pupil(days=lessons(second_days), stays=(second or a_stay(),)),
        }
    )


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        # The lessons already used and the rest of the cap follow the child.
        (TWELVE[:5], TWELVE[5:], (7_500, 10_500)),
        (TWELVE, (THIRTEENTH,), (18_000, 0)),
        (TWELVE[:11], (TWELVE[11], THIRTEENTH), (16_500, 1_500)),
    ],
)
def test_two_clubs_in_one_month_share_the_child_s_cap(here, there, expected):
    found = in_two_clubs(here, there)

    assert tuple(one.accrual_tiyn for one in found.values()) == tuple(map(tenge, expected))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # From an urban club, used up, to a rural one: 3,600 more of its greater cap, two lessons.
        (a_stay(), a_stay(locality="rural"), (18_000, 3_600)),
        # From a rural club to an urban one: the greater cap stays, and the rest of it is used.
        (a_stay(locality="rural"), a_stay(), (21_600, 0)),
        # To a dearer lesson under a greater cap: 2,000 of the 20,000 are left.
        (a_stay(), a_stay(kind="education"), (18_000, 2_000)),
    ],
)
def test_the_greatest_cap_met_so_far_is_the_month_s(first, second, expected):
    found = in_two_clubs(TWELVE, (29, THIRTEENTH), first=first, second=second)

    assert tuple(one.accrual_tiyn for one in found.values()) == tuple(map(tenge, expected))


def test_what_a_cap_cut_is_not_paid_later_under_a_greater_one():
    found = in_two_clubs(
        (*TWELVE, 29), (THIRTEENTH,), first=a_stay(), second=a_stay(locality="rural")
    )

    assert found["club-aaaa"].accrual_tiyn == tenge(18_000)
    assert found["club-aaaa"].unpaid == {"over-month-cap": 1}
    assert found["club-bbbb"].accrual_tiyn == tenge(1_800)


@pytest.mark.parametrize("known_to_the_other", [6_000, 0])
def test_what_a_closing_platform_paid_counts_once_whoever_knows_it(known_to_the_other):
    found = lines_at(
        **{
            "club-aaaa": a_pupil(days=lessons(TWELVE[:6]), used_tiyn=tenge(6_000)),
            "club-bbbb": a_pupil(days=lessons(TWELVE[6:]), used_tiyn=tenge(known_to_the_other)),
        }
    )

    assert [one.accrual_tiyn for one in found.values()] == [tenge(9_000), tenge(3_000)]


# --- hours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "minutes", "touched"),
    [
        (960, 60, 1),
        (960, 61, 2),
        (990, 60, 2),
        (990, 30, 1),
        (990, 31, 2),
        (960, 0, 1),
        (1, 180, 4),
    ],
)
def test_a_lesson_touches_every_hour_that_holds_a_minute_of_it(starts, minutes, touched):
    assert hours_touched(starts, minutes) == touched


@pytest.mark.parametrize(
    ("here", "there", "doubled"),
    [
        ("16:00", "16:00", True),
        ("16:00", "16:30", True),
        ("16:30", "17:00", True),
        ("17:00", "16:30", True),
        ("16:00", "17:00", False),
        ("16:30", "18:00", False),
    ],
)
def test_a_lesson_in_two_clubs_at_one_hour_blocks_both(here, there, doubled):
    found = lines_at(
        **{
            "club-aaaa": a_pupil(days=(lesson(5, here), lesson(7, here))),
            "club-bbbb": a_pupil(days=(lesson(5, there), lesson(9, there))),
        }
    )

    for one in found.values():
        assert one.unpaid == ({"doubled": 1} if doubled else {})
        assert one.accrual_tiyn == tenge(1_500 if doubled else 3_000)


def test_a_lesson_claimed_elsewhere_is_held_though_the_other_one_is_not_confirmed():
    found = lines_at(
        **{
            "club-aaaa": a_pupil(days=(lesson(5),)),
            "club-bbbb": a_pupil(days=(lesson(5, standing="undecided"),)),
        }
    )

    assert [one.unpaid for one in found.values()] == [{"doubled": 1}, {"doubled": 1}]


def test_a_lesson_that_was_decided_for_one_club_earns_there():
    found = lines_at(
        **{
            "club-aaaa": a_pupil(days=(lesson(5),)),
            "club-bbbb": a_pupil(days=(lesson(5, code="N"),)),
        }
    )

    assert found["club-aaaa"].accrual_tiyn == tenge(1_500)
    assert found["club-bbbb"].unpaid == {"N": 1}


# --- verdicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason", "withheld"),
    [
        ({"standing": "undecided"}, "undecided", 1_500),
        ({"standing": "disputed"}, "disputed", 1_500),
        ({"code": "N"}, "N", 1_500),
        ({"code": "S"}, "S", 1_500),
        # What the club cancelled is on nobody's list: it may be made up.
        ({"code": "L"}, "L", 0),
    ],
)
def test_one_lesson_that_does_not_earn_holds_no_other(change, reason, withheld):
    days = (*lessons(TWELVE[:11]), lesson(TWELVE[11], **change))

    found = line(a_pupil(days=days))

    assert found.accrual_tiyn == tenge(16_500)
    assert found.unpaid == {reason: 1}
    assert found.withheld_tiyn == {reason: tenge(withheld)}


def test_a_lesson_made_up_in_the_month_earns_in_the_place_of_the_cancelled_one():
    days = (*lessons(codes={TWELVE[3]: "L"}), lesson(24, "11:00"))

    found = line(a_pupil(days=days))

    assert found.accrual_tiyn == tenge(18_000)
    assert found.unpaid == {"L": 1}


def test_lessons_outside_the_enrolment_earn_nothing_and_are_on_no_list():
    stay = a_stay(last=date(2026, 10, 15))

    found = line(a_pupil(stays=(stay,)))

    assert found.accrual_tiyn == tenge(9_000)
    assert found.unpaid == {"X": 6}
    assert found.withheld_tiyn == {"X": 0}


def test_lessons_of_a_weekend_earn_like_others():
    assert line(a_pupil(days=lessons((3, 4)))).accrual_tiyn == tenge(3_000)


def test_two_lessons_of_a_club_that_start_in_one_hour_both_earn():
    days = (lesson(5, "16:00", minutes=45), lesson(5, "16:50", minutes=45))

    found = line(a_pupil(days=days))

    assert found.payable == {"P": 2}
    assert found.accrual_tiyn == tenge(3_000)


def test_two_different_records_of_one_lesson_hold_it():
    days = (lesson(5), lesson(5, code="N"))

    assert line(a_pupil(days=days)).unpaid == {"disputed": 1}


@pytest.mark.parametrize(
    ("one", "other", "long"),
    [
        (("16:00", 60), ("16:02", 45), {}),
        (("00:00", 60), ("00:01", 45), {}),
        (("16:30", 30), ("16:30", 60), {2: mask_of(lesson_number(date(2026, 10, 5), 990))}),
    ],
)
def test_two_records_of_one_lesson_take_the_earlier_start_and_the_longer_time(one, other, long):
    days = [lesson(5, starts, minutes=minutes) for starts, minutes in (one, other)]

    for order in (days, days[::-1]):
        found = judged(a_pupil(days=order))
        assert found.claim.long == long
        assert list(found.standings.values()) == ["disputed"]


def test_a_claim_of_lessons_says_which_lie_in_two_hours():
    days = (
        lesson(2, "00:00", minutes=150),
        lesson(5, minutes=90),
        lesson(7),
        lesson(9, minutes=90),
    )
    units = [mask_of(day.number) for day in days]
    all_units = sum(units)

    claim = judged(a_pupil(days=days)).claim

    assert claim == Claim(
        "club-aaaa",
        {"P": all_units},
        all_units,
        (RatePart(all_units, tenge(1_500), (1000, 1000, 1000), 1, tenge(18_000)),),
        slots=12,
        long={2: units[1] | units[3], 3: units[0]},
    )
    assert list(claim.long) == [2, 3]


def test_rates_of_a_claim_stand_in_order_of_their_caps_those_without_one_first():
    loaded = clubs_pack()
    urban = next(r for r in loaded.rows["rates"] if (r.kind, r.locality) == ("sport", "urban"))
    rates = tuple(
        dataclasses.replace(
            urban, during=DateRange(date(2026, 10, first), date(2026, 10, last)), cap_tiyn=cap
        )
        for first, last, cap in ((1, 6, 2_000_000), (7, 8, None), (9, 11, 1), (12, 31, 1_800_000))
    )

    claim = judged(
        a_pupil(), rules=dataclasses.replace(loaded, rows={**loaded.rows, "rates": rates})
    ).claim

    assert [part.cap_tiyn for part in claim.rates] == [None, 1, 1_800_000, 2_000_000]


def test_rates_of_a_claim_stand_in_order_of_what_divides_them_before_their_caps():
    loaded = clubs_pack()
    by_unit, by_month = loaded.rows["programme"][0], clubs_pack(pays="share-of-month")
    programme = (
        dataclasses.replace(by_unit, during=DateRange(by_unit.during.first, date(2026, 10, 15))),
        dataclasses.replace(
            by_month.rows["programme"][0], during=DateRange(date(2026, 10, 16), None)
        ),
    )
    mixed = dataclasses.replace(loaded, rows={**loaded.rows, "programme": programme})

    claim = judged(a_pupil(), rules=mixed).claim

    assert [(part.of, part.cap_tiyn) for part in claim.rates] == [(1, tenge(18_000)), (12, None)]


def test_places_are_days_or_the_hours_that_lessons_touch():
    at_16, at_24 = mask_of(16 * 12 + 9), mask_of(288)

    assert places(at_16 | at_24, slots=12, long={}) == 1 << 16 | 1 << 24
    assert places(at_16 | at_24, slots=12, long={2: at_16}) == 0b11 << 16 | 1 << 24
    assert meeting(at_16 | at_24, 1 << 17, slots=12, long={2: at_16}) == at_16
    assert meeting(at_16 | at_24, 1 << 17, slots=12, long={}) == 0
    assert (places(0b101, slots=1, long={}), meeting(0b101, 0b110, slots=1, long={})) == (5, 4)


def test_earnings_of_lessons_grow_on_their_days():
    found = earned(
        [judged(a_pupil(days=lessons(standings=UNCONFIRMED)))],
        {},
        month=OCTOBER,
        upto=OCTOBER.last,
        by_lesson=True,
    )

    days = {day.on.day: (day.confirmed_tiyn, day.if_confirmed_tiyn) for day in found.days}
    assert len(days) == 31
    assert {on: sums for on, sums in days.items() if any(sums)} == {
        **dict.fromkeys(TWELVE[:9], (tenge(1_500), tenge(1_500))),
        **dict.fromkeys(TWELVE[9:], (0, tenge(1_500))),
    }


def test_a_club_without_lessons_states_the_child_with_zero():
    found = line(a_pupil(days=()))

    assert (found.accrual_tiyn, found.payable, found.unpaid) == (0, {}, {})


def test_a_price_per_day_is_a_pack_s_choice_too():
    camp = clubs_pack(unit="day")
    child = a_child(codes="P" * 21, stays=(a_stay(),))

    found = pricing.due([judged(child, rules=camp)], {}, pack="p")[child.child_id]

    assert found.accrual_tiyn == tenge(18_000)
    assert found.unpaid == {"over-month-cap": 9}


def test_days_outside_a_stay_are_on_no_list_where_a_day_has_its_price():
    camp = clubs_pack(unit="day")
    child = a_child(codes="P" * 5, stays=(a_stay(last=date(2026, 10, 7)),))

    found = pricing.due([judged(child, rules=camp)], {}, pack="p")[child.child_id]

    assert found.accrual_tiyn == tenge(7_500)
    assert found.unpaid == {"X": 16}
    assert found.withheld_tiyn == {"X": 0}


def test_a_day_that_was_not_recorded_is_on_the_list_where_a_day_has_its_price():
    camp = clubs_pack(unit="day")
    child = a_child(codes="P" * 3, stays=(a_stay(last=date(2026, 10, 7)),))

    found = pricing.due([judged(child, rules=camp)], {}, pack="p")[child.child_id]

    assert found.unpaid == {"X": 16, "no-record": 2}
    assert found.withheld_tiyn == {"X": 0, "no-record": tenge(3_000)}


def test_a_monthly_rate_can_be_shared_by_lessons_too():
    shared = clubs_pack(pays="share-of-month")
    days = lessons(standings=UNCONFIRMED, codes={TWELVE[0]: "L"})

    # Eleven lessons are counted, eight of them confirmed, of a "monthly" 1,500.
    assert line(a_pupil(days=days), rules=shared).accrual_tiyn == half_up(
        Fraction(tenge(1_500) * 8, 11)
    )
    # Where all were cancelled, the whole month's rate is what they did not bring.
    cancelled = line(a_pupil(days=(lesson(5, code="L"),)), rules=shared)
    assert cancelled.withheld_tiyn == {"L": tenge(1_500)}


# --- properties ---------------------------------------------------------------------------------

SORTS = [
    a_stay(kind=kind, locality=locality, sen=sen)
    for kind in ("sport", "education")
    for locality in ("urban", "rural")
    for sen in (False, True)
]


@st.composite
def journeys(draw):
    """A child's month over several clubs: which lessons in which, of which sort, how they stand."""
    clubs = {}
    for number in range(draw(st.integers(1, 4))):
        slots = draw(
            st.lists(
                st.tuples(
                    st.integers(1, 31),
                    st.integers(8 * 60, 20 * 60),
                    st.sampled_from((45, 60, 90, 120)),
                ),
                unique_by=lambda slot: (slot[0], slot[1] // 5),
                max_size=20,
            )
        )
        days = tuple(
            Day(
                date(2026, 10, day),
                draw(st.sampled_from("PPPPPNL")),
                True,
                draw(st.sampled_from(("confirmed", "confirmed", "undecided", "disputed"))),
                starts=starts,
                minutes=minutes,
            )
            for day, starts, minutes in slots
        )
        clubs[f"club-{number}"] = a_pupil(
            days=days,
            stays=(draw(st.sampled_from(SORTS)),),
            used_tiyn=draw(st.sampled_from((0, 0, tenge(4_000), 123_444))),
        )
    return clubs


def the_most(clubs, rules=None):
    rules = (rules or clubs_pack()).at(OCTOBER.last)
    return max(
        rules.rate_for(s.kind, s.hours, s.locality, s.sen).month_max_tiyn
        for child in clubs.values()
        for s in child.stays
    )


@settings(max_examples=200, deadline=None)
@given(journeys())
def test_no_child_earns_above_the_cap_whatever_it_switches(clubs):
    found = lines_at(**clubs)

    total = sum(one.accrual_tiyn for one in found.values())
    used = max(child.used_tiyn for child in clubs.values())
    assert total <= max(0, the_most(clubs) - used)
    assert all(one.accrual_tiyn >= 0 for one in found.values())
    for one in found.values():
        assert sum(one.parts_tiyn.values()) == one.accrual_tiyn
        assert all(part >= 0 for part in one.parts.values())


@settings(max_examples=100, deadline=None)
@given(journeys())
def test_the_sums_over_clubs_are_the_child_s_month_computed_as_one(clubs):
    claims = [judged(child, site_id).claim for site_id, child in clubs.items()]
    doubled = doubled_units(claims)
    units = sorted(
        (number, part)
        for claim in claims
        for part in claim.rates
        for number in numbers(part.units & claim.confirmed & ~doubled[claim.site_id])
    )
    # A model without clubs: one account that fills up, lesson after lesson.
    used = max(claim.used_tiyn for claim in claims)
    running, highest = Fraction(0), 0
    for _, part in units:
        highest = max(highest, part.cap)
        running = max(
            running, min(running + part.share, Fraction(max(0, highest - used) // 100 * 100))
        )

    total = sum(one.accrual_tiyn for one in lines_at(**clubs).values())
    assert total == half_up(running)


@settings(max_examples=100, deadline=None)
@given(journeys(), st.randoms(use_true_random=False))
def test_the_order_of_confirmations_and_of_clubs_never_matters(clubs, rng: random.Random):
    shuffled = {
        site_id: dataclasses.replace(
            clubs[site_id],
            days=tuple(rng.sample(clubs[site_id].days, len(clubs[site_id].days))),
        )
        for site_id in rng.sample(sorted(clubs), len(clubs))
    }

    assert lines_at(**shuffled) == lines_at(**clubs)


@settings(max_examples=100, deadline=None)
@given(journeys())
def test_an_hour_of_two_clubs_earns_at_neither(clubs):
    claims = [judged(child, site_id).claim for site_id, child in clubs.items()]
    priced = price(claims)

    for claim in claims:
        elsewhere = 0
        for other in claims:
            if other.site_id != claim.site_id:
                elsewhere |= other.places
        for one in priced[claim.site_id].parts:
            assert not places(one, slots=claim.slots, long=claim.long) & elsewhere
            assert one & claim.confirmed


@settings(max_examples=100, deadline=None)
@given(journeys())
def test_one_more_confirmation_never_takes_money_from_the_child_s_month(clubs):
    before = sum(one.accrual_tiyn for one in lines_at(**clubs).values())
    confirmed = {
        site_id: dataclasses.replace(
            child, days=tuple(dataclasses.replace(d, standing="confirmed") for d in child.days)
        )
        for site_id, child in clubs.items()
    }

    assert sum(one.accrual_tiyn for one in lines_at(**confirmed).values()) >= before


def test_a_cap_left_in_tiyn_is_rounded_down():
    # 18,000.00 - 1,234.44 leave 16,765.56: whole tenge, and never above it.
    found = line(a_pupil(used_tiyn=123_444))

    assert found.accrual_tiyn == tenge(16_765)


def test_a_claim_s_mark_follows_hours_rates_and_what_was_used():
    marks = {
        mark_of(judged(child).claim)
        for child in (
            a_pupil(),
            a_pupil(days=(*lessons(TWELVE[1:]), lesson(2, minutes=90))),
            a_pupil(stays=(a_stay(sen=True),)),
            a_pupil(stays=(a_stay(kind="education"),)),
            a_pupil(used_tiyn=1),
            a_pupil(days=(), used_tiyn=1),
        )
    }

    assert len(marks) == 6
    assert mark_of(judged(a_pupil(days=())).claim) == ""


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ({"payable": {"P": 12}}, {"payable": {"P": 11}, "above": 1}, "other-provider"),
        ({"payable": {"P": 9}, "tiyn": 1}, {"payable": {"P": 9}, "tiyn": 2}, "other-provider"),
        ({"payable": {"P": 12}}, {"payable": {"P": 11}, "unpaid": {"N": 1}}, "late-record"),
        ({"payable": {"P": 12}}, {"payable": {"P": 11, "S": 1}}, "late-record"),
        ({"unpaid": {"undecided": 1}}, {"payable": {"P": 1}}, "late-confirmation"),
    ],
)
def test_the_cause_of_a_correction_is_told_from_the_two_lines(before, after, cause):
    def stated(payable=None, unpaid=None, above=0, tiyn=0):
        return pricing.Line(
            child_id="child-aaaa",
            attended=0,
            payable=payable or {},
            unpaid={**(unpaid or {}), **({"over-month-cap": above} if above else {})},
            withheld_tiyn={"over-month-cap": above * 1_500 + tiyn} if above or tiyn else {},
            accrual_tiyn=0,
            pack="p",
        )

    assert cause_of(stated(**before), stated(**after)) == cause


def test_a_lesson_has_the_number_of_its_five_minutes():
    assert lesson_number(date(2026, 10, 1), 0) == 0
    assert lesson_number(date(2026, 10, 5), 16 * 60 + 45) == 4 * 288 + 16 * 12 + 9
    assert list(numbers(mask_of(112) | mask_of(7))) == [7, 112]
