"""What a line says of itself: the rows that priced it, what is owed, why the rest is zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from chalicelib.billing.rules.claimed import Cap, Claim, RatePart
from chalicelib.billing.rules.earning import earned
from chalicelib.billing.rules.judging import Raise, RateRow, judge
from chalicelib.billing.rules.pricing import (
    fees_of,
    line_of,
    parts_of,
    price,
    rates_of,
    reasons_of,
)
from chalicelib.kernel.money import Tiyn, tenge
from chalicelib.kernel.periods import DateRange
from chalicelib.policy.rules import ParentsShare
from chalicelib.policy.rules.texts import Text

from .builders import OCTOBER, a_child, a_stay, days_coded, pack, working

SIXTEENTH = date(2026, 10, 16)
SORT = ("general", "10.5", "urban")


def rate_from(day: date, tiyn: int, source: str = "order-372"):
    """The pack, with another rate of the sort of group from a day on."""
    rows = []
    for row in pack().rows["rates"]:
        if (row.kind, row.hours, row.locality) != SORT or day not in row.during:
            rows.append(row)
            continue
        before = DateRange(row.during.first, date.fromordinal(day.toordinal() - 1))
        rows.append(replace(row, during=before))
        rows.append(
            replace(
                row, during=DateRange(day, row.during.last), rate_tiyn=tenge(tiyn), source=source
            )
        )
    return replace(pack(), rows={**pack().rows, "rates": tuple(rows)})


def judged(child, rules=None, site_id="site-aaaa"):
    rules = rules or pack()
    return judge(child, site_id=site_id, working=working(), rules_on=rules.at)


def priced(one, *others):
    return price([one.claim, *(other.claim for other in others)])[one.claim.site_id]


def test_a_line_names_each_row_with_its_units_and_their_money():
    one = judged(a_child(), rate_from(SIXTEENTH, 70_000))

    first, second = rates_of(one, priced(one))

    assert (first.sort, second.sort) == ("general/10.5/urban",) * 2
    assert (first.source, second.source) == ("policy", "order-372")
    assert second.since == SIXTEENTH
    assert (first.units, second.units) == (11, 10)
    line = line_of(one, priced(one), pack="p")
    assert line.rates == (first, second)
    assert first.tiyn + second.tiyn == line.accrual_tiyn == tenge(67_381)
    assert first.tiyn == tenge(34_048)


def test_units_that_earn_nothing_count_for_no_row():
    one = judged(a_child(codes="P" * 10 + "N" * 11))

    (rate,) = rates_of(one, priced(one))

    assert (rate.units, rate.tiyn) == (10, tenge(30_952))


def test_a_line_of_zero_names_the_row_it_would_have_been_priced_by():
    one = judged(a_child(codes="N" * 21))

    (rate,) = line_of(one, priced(one), pack="p").rates

    assert (rate.units, rate.tiyn, rate.source) == (0, 0, "policy")


def test_a_child_that_was_not_enrolled_a_day_is_priced_by_no_row():
    one = judged(a_child(stays=(a_stay(first=date(2026, 11, 1)),)))

    assert rates_of(one, priced(one)) == ()


def test_a_move_to_another_sort_of_group_is_two_rows():
    stays = (
        a_stay(last=date(2026, 10, 15)),
        a_stay(first=SIXTEENTH, hours="9"),
    )
    one = judged(a_child(stays=stays))

    found = rates_of(one, priced(one))

    assert [(r.sort, r.units) for r in found] == [
        ("general/10.5/urban", 11),
        ("general/9/urban", 10),
    ]
    assert sum(r.tiyn for r in found) == line_of(one, priced(one), pack="p").accrual_tiyn


@pytest.mark.parametrize(
    ("standing", "reason"),
    [("undecided", "undecided"), ("disputed", "disputed"), ("suspect", "suspect")],
)
def test_a_held_unit_says_what_it_waits_for(standing, reason):
    one = judged(a_child(standings={20: standing}))

    assert list(reasons_of(one, priced(one)).values()) == [reason]
    line = line_of(one, priced(one), pack="p")
    assert line.unpaid == {reason: 1}
    assert line.withheld_tiyn == {reason: tenge(3_095)}


def test_a_doubled_unit_says_so_before_all_else():
    one = judged(a_child(standings={20: "suspect"}))
    other = judged(a_child(codes="P", start=20), site_id="site-bbbb")

    assert list(reasons_of(one, priced(one, other)).values()) == ["doubled"]


def test_what_is_withheld_is_rounded_after_what_is_paid_so_that_all_sums_to_the_rate():
    one = judged(a_child(codes="P" * 20 + "N", standings={0: "disputed", 1: "disputed"}))

    line = line_of(one, priced(one), pack="p")

    assert line.withheld_tiyn == {"N": tenge(3_096), "disputed": tenge(6_190)}
    assert line.accrual_tiyn + sum(line.withheld_tiyn.values()) == tenge(65_000)


def test_what_the_month_s_cap_has_cut_is_no_part_of_what_was_paid():
    one = replace(judged(a_child(codes="PN")), shares={0: Fraction(15030), 1: Fraction(10060)})
    one = replace(one, unpaid={1: "N"}, rates={}, fees={})
    cut = replace(priced(one), parts={1: ("P", Tiyn(15000))}, cut={1: Fraction(40)})

    line = line_of(one, cut, pack="p")

    assert line.withheld_tiyn == {"N": tenge(101), "over-month-cap": 0}


def test_a_unit_that_is_on_no_list_is_told_and_would_have_brought_nothing():
    one = replace(judged(a_child(codes="N")), shares={}, unpaid={0: "L"}, rates={})

    line = line_of(one, priced(one), pack="p")

    assert (line.unpaid, line.withheld_tiyn) == ({"L": 1}, {"L": 0})


@pytest.mark.parametrize(
    ("shares", "unpaid", "cut", "withheld"),
    [
        # 49 tiyn are no tenge; what one tiyn more or less anywhere would change.
        ({0: 49, 1: 1}, {1: "N"}, 0, {"N": 100}),
        ({0: 15_000, 1: 49}, {1: "N"}, 0, {"N": 0}),
        ({0: 15_049, 1: 50}, {1: "N"}, 49, {"N": 100, "over-month-cap": 0}),
        ({0: 15_049}, {1: "N"}, 49, {"N": 0, "over-month-cap": 0}),
        ({0: 15_050}, {1: "N"}, 50, {"N": 0, "over-month-cap": 100}),
        # Reasons are rounded in the order of their names.
        ({0: 15_000, 1: 49, 2: 1}, {1: "X", 2: "N"}, 0, {"N": 0, "X": 100}),
    ],
)
def test_what_is_withheld_begins_at_nothing_and_counts_every_tiyn(shares, unpaid, cut, withheld):
    one = judged(a_child(codes="PN"))
    one = replace(one, shares={n: Fraction(s) for n, s in shares.items()}, unpaid=unpaid, rates={})
    earned_one = replace(
        priced(one), parts={1: ("P", Tiyn(15_000))}, cut={1: Fraction(cut)} if cut else {}
    )

    assert line_of(one, earned_one, pack="p").withheld_tiyn == withheld


def test_running_sums_begin_at_nothing():
    rates = (RatePart(0b01, 49, (1000,), 1), RatePart(0b10, 1, (1000,), 1))

    priced_by = price([Claim("s", {"P": 0b11}, 0b11, rates)])["s"]

    assert priced_by.parts == {0b01: ("P", 0), 0b10: ("P", 100)}
    one = replace(
        judged(a_child(codes="PP")),
        fees={
            n: (Fraction(owed), RateRow("s", date(2026, 1, n + 1), ""))
            for n, owed in ((0, 49), (1, 1))
        },
    )
    assert [fee.tiyn for fee in fees_of(one, priced_by)] == [0, 100]
    # A tenge is 25, 24 and 51 tiyn; or 20, 30 and 50.
    for sen, first, second, expected in (
        (4_000, 320, 680, [0, 0, 100]),
        (5_000, 375, 625, [0, 100, 0]),
    ):
        raised = {0: Raise(sen, (("assistant", first), ("small-group", second)))}
        in_parts = parts_of(
            replace(one, raised=raised), replace(priced_by, parts={1: ("P", Tiyn(100))})
        )
        assert list(in_parts) == ["base", "assistant", "small-group"]
        assert list(in_parts.values()) == expected


def test_a_line_s_rows_and_parts_stand_in_order_of_time():
    loaded = rate_from(SIXTEENTH, 70_000)
    fees = (fee(date(2025, 1, 1), date(2026, 10, 15), 20_001), fee(SIXTEENTH, None, 22_003))
    rules = replace(loaded, rows={**loaded.rows, "parents_share": fees})
    one = judged(a_child(stays=(a_stay(sen=True),)), rules)
    raised = {
        n: Raise(raise_.sen_per_mille, (("early" if n < 15 else "late", 1000),))
        for n, raise_ in one.raised.items()
    }
    one = replace(one, raised=raised)

    line = line_of(one, priced(one), pack="p")
    turned = replace(
        one, rates=dict(reversed(one.rates.items())), fees=dict(reversed(one.fees.items()))
    )
    parts = dict(reversed(priced(one).parts.items()))
    again = line_of(turned, replace(priced(one), parts=parts), pack="p")

    assert again == line
    assert list(again.parts) == list(line.parts) == ["base", "early", "late"]
    assert [rate.source for rate in again.rates] == ["policy", "order-372"]
    assert [row.since.month for row in again.fees] == [1, 10]


@pytest.mark.parametrize("rate", [0, 1])
def test_a_unit_whose_rate_is_next_to_nothing_is_priced_like_others(rate):
    units = (RatePart(0b1, 0, (1000,), 1, 100), RatePart(0b10, rate, (1000,), 1, 100))

    found = price([Claim("s", {"P": 0b11}, 0b11, units, used_tiyn=100)])["s"]

    assert found.parts == {0b01: ("P", 0), **({} if rate else {0b10: ("P", 0)})}
    assert found.over_month == (0b10 if rate else 0)
    assert found.cut == ({0b10: 1} if rate else {})


def test_a_year_s_cap_counts_from_nothing_where_no_month_used_it():
    claim = Claim(
        "site-aaaa", {"V": 15}, 15, (RatePart(15, 100_000, (1000,), 1),), {"V": Cap(None, 3)}
    )

    for used, earning in (({}, 3), ({"V": 1}, 2), ({"V": 3}, 0), ({"F": 3}, 3)):
        assert len(price([claim], used=used)["site-aaaa"].parts) == earning


def test_a_unit_without_a_rate_or_a_code_earns_nothing():
    rate = RatePart(1, 100_000, (1000,), 1)

    assert set(price([Claim("s", {"P": 3}, 3, (rate,))])["s"].parts) == {1}
    assert price([Claim("s", {"P": 2}, 1, (rate,))])["s"].parts == {}


# --- earnings -------------------------------------------------------------------------------------


def test_earnings_say_what_is_sure_what_may_come_and_what_waits_for_others():
    rules = replace(
        pack(), rows={**pack().rows, "parents_share": (fee(date(2025, 1, 1), None, 21_000),)}
    )
    standings = {2: "undecided", 3: "disputed", 4: "suspect"}
    children = [
        judged(a_child("child-aaaa", "PPPPP", standings=standings), rules),
        judged(a_child("child-bbbb", "PPPPP"), rules),
    ]

    found = earned(
        children, {}, month=OCTOBER, upto=working()[4], by_lesson=False, used={"child-aaaa": {}}
    )

    by_day = {day.on: day for day in found.days}
    assert [by_day[on].confirmed for on in working()[:5]] == [2, 2, 1, 1, 1]
    assert [by_day[on].marked for on in working()[:5]] == [2, 2, 2, 1, 1]
    assert found.confirmed_tiyn == tenge(6_190) + tenge(15_476)
    assert found.if_confirmed_tiyn == tenge(9_286) + tenge(15_476)
    last = found.days[-1]
    assert last.on == working()[4]
    assert last.so_far_tiyn == sum(day.confirmed_tiyn for day in found.days)
    assert last.so_far_tiyn == found.confirmed_tiyn
    assert last.so_far_if_confirmed_tiyn == found.if_confirmed_tiyn
    assert [day.so_far_tiyn for day in found.days] == sorted(d.so_far_tiyn for d in found.days)
    assert found.held_tiyn == {"disputed": tenge(3_095), "suspect": tenge(3_095)}
    assert found.parents_tiyn == tenge(2_000) + tenge(5_000)
    assert found.parents_if_confirmed_tiyn == tenge(3_000) + tenge(5_000)


def test_earnings_know_what_the_year_has_used_and_tell_reasons_in_order():
    children = [
        judged(a_child("child-aaaa", "VVV", standings={2: "suspect"})),
        judged(a_child("child-bbbb", "P", standings={0: "disputed"})),
    ]

    found = earned(
        children,
        {},
        month=OCTOBER,
        upto=OCTOBER.last,
        by_lesson=False,
        used={"child-aaaa": {"V": 29}},
    )

    assert found.confirmed_tiyn == tenge(3_095)
    assert list(found.held_tiyn) == ["disputed", "suspect"]


def test_earnings_of_a_child_that_two_sites_claim_are_nobody_s_yet():
    one, other = judged(a_child()), judged(a_child(codes="P"), site_id="site-bbbb")

    found = earned(
        [one],
        {"child-aaaa": [one.claim, other.claim]},
        month=OCTOBER,
        upto=OCTOBER.last,
        by_lesson=False,
    )

    assert found.confirmed_tiyn == tenge(61_905)
    assert found.held_tiyn == {"doubled": tenge(3_095)}


def fee(first: date, last: date | None, tiyn: int) -> ParentsShare:
    kind, hours, locality = SORT
    return ParentsShare(
        during=DateRange(first, last),
        source=f"fee-{first}",
        text=Text("т", "п", "f"),
        kind=kind,
        hours=hours,
        locality=locality,
        amount_tiyn=tenge(tiyn),
    )


def test_a_fee_that_changes_in_mid_month_is_two_rows_that_sum_to_the_tenge():
    rows = (
        fee(date(2025, 1, 1), date(2026, 10, 15), 20_000),
        fee(SIXTEENTH, None, 22_000),
    )
    rules = replace(pack(), rows={**pack().rows, "parents_share": rows})
    one = judged(a_child(), rules)

    first, second = fees_of(one, priced(one))

    assert (first.units, second.units) == (11, 10)
    assert first.tiyn == tenge(10_476)
    assert first.tiyn + second.tiyn == tenge(20_952)
    assert (first.source, second.source) == ("fee-2025-01-01", "fee-2026-10-16")


def test_nothing_is_owed_without_a_row_and_for_units_that_do_not_earn():
    one = judged(a_child(codes="N" * 21))
    rules = replace(
        pack(), rows={**pack().rows, "parents_share": (fee(date(2025, 1, 1), None, 20_000),)}
    )

    assert fees_of(one, priced(one)) == ()
    absent = judged(a_child(codes="N" * 21), rules)
    assert fees_of(absent, priced(absent)) == ()
    doubled = judged(a_child(), rules)
    other = judged(a_child(), site_id="site-bbbb")
    assert fees_of(doubled, priced(doubled, other)) == ()


def test_days_off_and_the_order_of_records_leave_no_trace_in_a_line():
    days = days_coded("P" * 21)
    child = a_child()

    plain = line_of(judged(child), priced(judged(child)), pack="p")
    mixed = replace(child, days=tuple(reversed(days)))

    assert line_of(judged(mixed), priced(judged(mixed)), pack="p") == plain
