"""What a day earns: the worked example of the domain sheet, and what no input may change."""

from __future__ import annotations

import dataclasses
import random
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import (
    Cap,
    Claim,
    RatePart,
    doubled_units,
    mark_of,
    used_units,
)
from chalicelib.billing.rules.judging import Day, judge
from chalicelib.billing.rules.pricing import line_of, price
from chalicelib.kernel.money import half_up, tenge
from chalicelib.kernel.periods import DateRange, Month

from .builders import OCTOBER, a_child, a_stay, days_coded, pack, working


def lines(*children, site_id="site-aaaa", others=None, used=None, rules=None, month=OCTOBER):
    rules = rules or pack()
    judged = [
        judge(
            child,
            site_id=site_id,
            working=rules.calendar.working_days_in(month),
            rules_on=rules.at,
        )
        for child in children
    ]
    return pricing.due(judged, others or {}, pack=rules.version, used=used)


def strict_from(day: date):
    """The pack, with attendance alone payable from a day on."""
    loaded = pack()
    absence = []
    for row in loaded.rows["absence"]:
        if row.reason == "P" or not row.paid:
            absence.append(row)
            continue
        before = DateRange(row.during.first, date.fromordinal(day.toordinal() - 1))
        absence.append(dataclasses.replace(row, during=before))
        absence.append(dataclasses.replace(row, during=DateRange(day, None), paid=False))
    return dataclasses.replace(loaded, rows={**loaded.rows, "absence": tuple(absence)})


WORKED = {
    "child-aaaa": a_child("child-aaaa", "P" * 15 + "SSS" + "FF" + "N"),
    "child-bbbb": a_child("child-bbbb", "P" * 21),
    "child-cccc": a_child("child-cccc", "PPPP", stays=(a_stay(last=date(2026, 10, 6)),)),
    "child-dddd": a_child("child-dddd", "P" * 10 + "FFFFF" + "N" * 6),
}


@pytest.mark.parametrize(
    ("child_id", "attended", "payable", "accrual"),
    [
        ("child-aaaa", 15, 20, 61_905),
        ("child-bbbb", 21, 21, 65_000),
        ("child-cccc", 4, 4, 12_381),
        ("child-dddd", 10, 13, 40_238),
    ],
)
def test_the_worked_example_comes_out_to_the_tenge(child_id, attended, payable, accrual):
    assert len(working()) == 21

    line = lines(*WORKED.values())[child_id]

    assert line.attended == attended
    assert sum(line.payable.values()) == payable
    assert line.accrual_tiyn == tenge(accrual)
    assert line.parts == {}
    assert line.pack == pack().version


def test_children_stand_in_order_and_a_line_s_reasons_too():
    assert list(lines(*reversed(WORKED.values()))) == sorted(WORKED)
    line = lines(a_child(codes="SPRN"))["child-aaaa"]
    assert list(line.payable) == ["P", "S"]
    assert list(line.unpaid) == ["N", "R", "no-record"]
    assert price([]) == {}


def test_the_worked_example_sums_to_the_provider_s_total():
    assert sum(line.accrual_tiyn for line in lines(*WORKED.values()).values()) == tenge(179_524)


def test_the_strict_variant_pays_attendance_alone_from_its_day_on():
    strict = strict_from(date(2026, 10, 1))
    later = strict_from(date(2026, 11, 1))

    assert lines(WORKED["child-aaaa"], rules=strict)["child-aaaa"].accrual_tiyn == tenge(46_429)
    assert lines(WORKED["child-aaaa"], rules=later)["child-aaaa"].accrual_tiyn == tenge(61_905)


def test_a_child_that_earned_nothing_is_stated_with_zero():
    line = lines(a_child(codes="N" * 21))["child-aaaa"]

    assert (line.attended, line.accrual_tiyn) == (0, 0)
    assert line.unpaid == {"N": 21}


@pytest.mark.parametrize(
    ("child", "reason"),
    [
        (a_child(codes="P" * 20 + "S", standings={}), None),
        (a_child(codes="P" * 21, standings={20: "undecided"}), "undecided"),
        (a_child(codes="P" * 21, standings={20: "disputed"}), "disputed"),
        (a_child(codes="P" * 20), "no-record"),
        (a_child(codes="P" * 20 + "R"), "R"),
        (a_child(codes="P" * 20, stays=(a_stay(last=date(2026, 10, 29)),)), "X"),
    ],
)
def test_one_day_that_does_not_earn_holds_no_other(child, reason):
    line = lines(child)["child-aaaa"]

    expected = 21 if reason is None else 20
    assert sum(line.payable.values()) == expected
    assert line.unpaid == ({} if reason is None else {reason: 1})
    assert line.accrual_tiyn == half_up(Fraction(tenge(65_000) * expected, 21))


def test_an_absence_without_its_proof_earns_nothing():
    days = (*days_coded("P" * 20), Day(working()[20], "S", False, "confirmed"))

    line = lines(dataclasses.replace(a_child(), days=days))["child-aaaa"]

    assert line.unpaid == {"no-proof": 1}
    assert line.payable == {"P": 20}


def test_a_code_that_asks_for_no_proof_earns_without_one():
    loaded = pack()
    absence = tuple(dataclasses.replace(row, proof=None) for row in loaded.rows["absence"])
    asks_none = dataclasses.replace(loaded, rows={**loaded.rows, "absence": absence})

    line = lines(a_child(codes="PS", proved=False), rules=asks_none)["child-aaaa"]

    assert line.payable == {"P": 1, "S": 1}


def test_two_different_records_of_one_day_hold_that_day():
    days = (*days_coded("P" * 21), Day(working()[3], "N", True, "confirmed"))

    line = lines(dataclasses.replace(a_child(), days=days))["child-aaaa"]

    assert line.unpaid == {"disputed": 1}


def test_days_off_are_outside_the_question():
    saturday = Day(date(2026, 10, 3), "P", True, "confirmed")
    days = (*days_coded("P" * 21), saturday)

    assert lines(dataclasses.replace(a_child(), days=days))["child-aaaa"].payable == {"P": 21}


def test_what_is_withheld_and_what_is_due_sum_to_the_full_rate():
    for line in lines(*WORKED.values()).values():
        assert line.accrual_tiyn + sum(line.withheld_tiyn.values()) == tenge(65_000)


def test_the_yearly_cap_counts_what_earlier_months_used():
    child = a_child(codes="V" * 10 + "P" * 11)

    line = lines(child, used={"child-aaaa": {"V": 25}})["child-aaaa"]

    assert line.payable == {"P": 11, "V": 5}
    assert line.unpaid == {"over-cap": 5}


def test_used_days_leave_out_doubled_unconfirmed_and_those_over_the_month_s_cap():
    january = [
        Claim("site-aaaa", {"V": 0b1111}, 0b0111, (), {"V": Cap(None, 30)}),
        Claim("site-bbbb", {"P": 0b0001}, 0b0001),
    ]

    assert used_units([january], "V") == 2
    capped = [Claim("site-aaaa", {"F": 0b11111}, 0b11111, (), {"F": Cap(3, 30)})]
    assert used_units([capped], "F") == 3
    apart = [Claim("site-aaaa", {"V": 0b10}, 0b10), Claim("site-bbbb", {"P": 0b01}, 0b01)]
    assert used_units([apart], "V") == 1


# Lessons 20 and 28: a child moves on the 17th, and both providers are prorated.
def moved_on_the_17th():
    first = a_child(codes="P" * 12, stays=(a_stay(last=date(2026, 10, 16)),))
    second = a_child(codes="P" * 9, start=12, stays=(a_stay(first=date(2026, 10, 17)),))
    rules = pack()
    return [
        judge(child, site_id=site_id, working=working(), rules_on=rules.at)
        for child, site_id in ((first, "site-aaaa"), (second, "site-bbbb"))
    ]


def test_a_child_that_moved_on_the_17th_prorates_both_and_sums_to_the_whole():
    here, there = moved_on_the_17th()

    at_first = pricing.due([here], {here.child_id: (there.claim,)}, pack="p")
    at_second = pricing.due([there], {here.child_id: (here.claim,)}, pack="p")

    first, second = at_first["child-aaaa"], at_second["child-aaaa"]
    assert first.attended + second.attended == 21
    assert first.accrual_tiyn == tenge(37_143)
    assert first.accrual_tiyn + second.accrual_tiyn == tenge(65_000)
    assert second.unpaid == {"X": 12}


def test_a_day_that_two_sites_claim_is_held_at_both():
    rules = pack()
    here, there = (
        judge(a_child(codes="P" * 21), site_id=site, working=working(), rules_on=rules.at)
        for site in ("site-aaaa", "site-bbbb")
    )

    line = pricing.due([here], {here.child_id: (there.claim,)}, pack="p")["child-aaaa"]

    assert line.accrual_tiyn == 0
    assert line.unpaid == {"doubled": 21}


def test_a_day_claimed_elsewhere_is_held_though_the_other_one_is_not_confirmed():
    rules = pack()
    here = judge(a_child(codes="P" * 21), site_id="site-aaaa", working=working(), rules_on=rules.at)
    there = judge(
        a_child(codes="P", standing="undecided"),
        site_id="site-bbbb",
        working=working(),
        rules_on=rules.at,
    )

    line = pricing.due([here], {here.child_id: (there.claim,)}, pack="p")["child-aaaa"]

    assert line.unpaid == {"doubled": 1}


# --- properties ---------------------------------------------------------------------------------

FULL = (1 << 31) - 1


@st.composite
def claims(draw):
    sites = draw(st.integers(1, 3))
    of = draw(st.integers(17, 23))
    made = []
    for number in range(sites):
        free = FULL
        claimed = {}
        for code in ("F", "P", "S"):
            mask = draw(st.integers(0, FULL)) & free
            free &= ~mask
            if mask:
                claimed[code] = mask
        days = FULL & ~free
        rate = draw(st.sampled_from((5_700_000, 6_500_000, 11_400_000)))
        coefficient = draw(st.sampled_from((1000, 1500)))
        made.append(
            Claim(
                f"site-{number}",
                claimed,
                draw(st.integers(0, FULL)) & days,
                (RatePart(days, rate, (coefficient,), of),),
                {"F": Cap(3, None)} if "F" in claimed else {},
            )
        )
    return made


@settings(max_examples=150, deadline=None)
@given(claims(), st.randoms(use_true_random=False))
def test_a4_the_order_of_sites_never_matters(made, rng: random.Random):
    shuffled = rng.sample(made, len(made))

    assert price(shuffled) == price(made)


@settings(max_examples=150, deadline=None)
@given(claims())
def test_the_sites_parts_sum_to_the_rounded_whole(made):
    priced = price(made)
    rates = {c.site_id: c.rates[0].share for c in made}

    whole = sum((rates[site] for site, p in priced.items() for _ in p.parts), start=Fraction(0))

    assert sum(t for p in priced.values() for _, t in p.parts.values()) == half_up(whole)


@settings(max_examples=150, deadline=None)
@given(claims())
def test_no_day_earns_twice_none_above_its_cap_and_none_unconfirmed(made):
    priced = price(made)

    earning = [day for p in priced.values() for day in p.parts]
    assert len(earning) == len(set(earning))
    assert sum(code == "F" for p in priced.values() for code, _ in p.parts.values()) <= 3
    doubled = doubled_units(made)
    for claim in made:
        assert all(
            day & claim.confirmed & ~doubled[claim.site_id] for day in priced[claim.site_id].parts
        )


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="PSFNVQ", min_size=0, max_size=21),
    st.lists(st.sampled_from(("confirmed", "undecided", "disputed")), min_size=21, max_size=21),
    st.randoms(use_true_random=False),
)
def test_a4_order_and_duplicates_of_days_never_matter(codes, standings, rng):
    child = a_child(codes=codes, standings=dict(enumerate(standings)))
    doubled = [*child.days, *rng.choices(child.days, k=5)] if child.days else []
    rng.shuffle(doubled)

    again = dataclasses.replace(child, days=tuple(doubled))

    line = lines(child)["child-aaaa"]
    assert lines(again)["child-aaaa"] == line
    # Never above the month's maximum, and nothing is lost between paid and withheld.
    assert 0 <= line.accrual_tiyn <= tenge(65_000)
    assert line.accrual_tiyn + sum(line.withheld_tiyn.values()) == tenge(65_000)
    assert sum(line.payable.values()) + sum(line.unpaid.values()) == 21


def test_the_shorter_of_two_stays_that_begin_together_is_asked_first():
    stays = (a_stay(), a_stay(last=date(2026, 10, 15), hours="9"))

    for order in (stays, stays[::-1]):
        line = lines(a_child(stays=order))["child-aaaa"]
        assert [(rate.sort, rate.units) for rate in line.rates] == [
            ("general/9/urban", 11),
            ("general/10.5/urban", 10),
        ]


def test_a_claim_says_its_units_their_rates_and_nothing_else():
    (here, _) = moved_on_the_17th()
    later = judge(
        a_child(codes="NNPPV" + "F" * 16, standings={3: "disputed"}),
        site_id="site-aaaa",
        working=working(),
        rules_on=pack().at,
    )

    first_twelve = mask_of_days(working()[:12])
    rate = RatePart(first_twelve, 6_500_000, (1000, 1000, 1000), 21)
    assert here.claim == Claim("site-aaaa", {"P": first_twelve}, first_twelve, (rate,))
    assert later.claim == Claim(
        "site-aaaa",
        {
            "F": mask_of_days(working()[5:]),
            "P": mask_of_days(working()[2:4]),
            "V": mask_of_days(working()[4:5]),
        },
        mask_of_days([working()[2], *working()[4:]]),
        (dataclasses.replace(rate, units=mask_of_days(working()[2:])),),
        {"F": Cap(3, None), "V": Cap(None, 30)},
    )
    assert list(later.claim.claimed) == ["F", "P", "V"]
    assert list(later.claim.caps) == ["F", "V"]


def test_units_are_priced_in_order_of_time_whichever_site_has_them():
    first = Claim("site-bbbb", {"P": 0b01}, 0b01, (RatePart(0b01, 1, (1000,), 1),))
    second = Claim("site-aaaa", {"P": 0b10}, 0b10, (RatePart(0b10, 49, (1000,), 1),))

    for sites in ([first, second], [second, first]):
        found = price(sites)
        assert found["site-bbbb"].parts == {0b01: ("P", 0)}
        assert found["site-aaaa"].parts == {0b10: ("P", 100)}


def test_days_after_all_stays_are_listed_by_the_last_one():
    stays = (
        a_stay(last=date(2026, 10, 9), hours="9"),
        a_stay(first=date(2026, 10, 12), last=date(2026, 10, 29)),
    )

    line = lines(a_child(codes="P" * 20, stays=stays))["child-aaaa"]

    assert line.unpaid == {"X": 1}
    assert line.withheld_tiyn == {"X": tenge(3_095)}


def test_a_mark_asks_for_no_order_and_an_empty_claim_has_one_once_money_was_used():
    claim = Claim(
        "s",
        {"F": 1, "P": 2},
        3,
        (RatePart(3, 1, (1000,), 1),),
        {"F": Cap(3, None), "V": Cap(None, 30)},
        long={2: 1, 3: 2},
    )
    turned = dataclasses.replace(
        claim,
        claimed=dict(reversed(claim.claimed.items())),
        caps=dict(reversed(claim.caps.items())),
        long=dict(reversed(claim.long.items())),
    )

    assert mark_of(turned) == mark_of(claim)
    assert mark_of(Claim("s")) == ""
    assert mark_of(Claim("s", used_tiyn=5)) != ""


def mask_of_days(days) -> int:
    return sum(1 << (day.day - 1) for day in days)


@pytest.mark.parametrize(
    ("claim", "mark"),
    [
        (Claim("s", {"P": 0b11}, 0b01, (RatePart(0b11, 6_500_000, (1000,), 21),)), "429a0a7cd124"),
        (
            Claim(
                "s",
                {"P": 0b11},
                0b01,
                (RatePart(0b01, 150_000, (1000,), 1, 1_800_000), RatePart(0b10, 1, (1000,), 1)),
            ),
            "8d64611c8252",
        ),
        # Of lessons: their numbers instead of a mask of thousands of digits.
        (Claim("s", {"P": 1 << 31}, 1 << 31, (), {}, 12, {2: 1 << 31}), "d8375f67dc28"),
        (Claim("s", {"P": (1 << 31) - 1}, 0, (), {"P": Cap(3, None)}, used_tiyn=5), "2130356cd57b"),
    ],
)
def test_a_mark_that_was_stored_stays_the_mark_of_the_same_claim(claim, mark):
    assert mark_of(claim) == mark


def test_a_claim_s_mark_follows_its_content():
    (here, _) = moved_on_the_17th()

    assert mark_of(Claim("site-aaaa")) == ""
    assert mark_of(here.claim) == mark_of(dataclasses.replace(here.claim))
    other = dataclasses.replace(here.claim, confirmed=1)
    assert mark_of(other) != mark_of(here.claim)


def test_a_line_needs_no_stay_to_say_not_enrolled():
    rules = pack()
    child = dataclasses.replace(a_child(codes="P" * 21), stays=())

    judged = judge(child, site_id="site-aaaa", working=working(), rules_on=rules.at)
    line = line_of(judged, price([judged.claim])["site-aaaa"], pack="p")

    assert line.unpaid == {"X": 21}
    assert line.accrual_tiyn == 0


def test_a_month_is_billed_at_the_rate_of_its_days():
    december = Month(2025, 12)
    child = a_child(codes="P" * 22, month=december, stays=(a_stay(),))

    assert lines(child, month=december)["child-aaaa"].accrual_tiyn == tenge(62_000)
