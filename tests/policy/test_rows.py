"""Which row judges a day: rows that begin, end, apply backwards, or were never adopted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import DateRange
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRate, NoRuleInForce, UnknownHours, UnknownKind, UnknownReason
from chalicelib.policy.rules.earning import ParentsShare
from chalicelib.policy.rules.packs import Pack, as_known, epoch_starts, in_force

PACK = load_pack("preschool", "taldykorgan")
TODAY = date(2026, 11, 23)
SORT = ("general", "10.5", "urban")
RATE = next(
    row
    for row in PACK.rows["rates"]
    if (row.kind, row.hours, row.locality) == SORT and TODAY in row.during
)


def day(text: str | None) -> date | None:
    """Return a day of 2026 written MM-DD, or one written whole."""
    return text and date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def a_rate(
    tiyn: int,
    first: str = "01-01",
    last: str | None = "12-31",
    known: str | None = None,
    **other: Any,
):
    days = DateRange(day(first), day(last))
    return replace(RATE, rate_tiyn=tiyn, during=days, known_from=day(known), **other)


def a_pack(*rates: Any, **other: Any) -> Pack:
    """The shipped pack with these rates, as whoever reads a file makes it of late rows."""
    rows = {**PACK.rows, "rates": rates}
    late = any(row.known_from for row in rates)
    return replace(PACK, rows=as_known(rows), entered=rows if late else {}, **other)


def said(rows: tuple[Any, ...]) -> list[tuple[int, str, str | None]]:
    return [
        (row.rate_tiyn, f"{row.during.first:%m-%d}", row.during.last and f"{row.during.last:%m-%d}")
        for row in rows
    ]


def rate_on(pack: Pack, on: str) -> int:
    return pack.at(day(on)).rate_for(*SORT, False).rate_tiyn


# --- rows that apply backwards --------------------------------------------------------------------

FEBRUARY, APRIL = (1, "01-01", "02-28"), (1, "04-01", "12-31")


@pytest.mark.parametrize(
    ("old", "late", "left"),
    [
        (("01-01", "12-31"), ("03-01", "03-31"), [FEBRUARY, APRIL]),
        (("01-01", "12-31"), ("01-01", "03-31"), [APRIL]),
        (("01-01", "12-31"), ("03-01", "12-31"), [FEBRUARY]),
        (("01-01", "12-31"), ("03-01", None), [FEBRUARY]),
        (("01-01", "12-31"), ("01-01", "12-31"), []),
        (("01-01", None), ("03-01", "03-31"), [FEBRUARY, (1, "04-01", None)]),
        (("01-01", None), ("03-01", None), [FEBRUARY]),
        (("01-01", "02-28"), ("03-01", "03-31"), [FEBRUARY]),
    ],
)
def test_a_late_row_cuts_its_own_days_out_of_the_row_that_judged_them(old, late, left):
    rows = {"rates": (a_rate(1, *old), a_rate(2, *late, known="07-20"))}

    assert said(as_known(rows)["rates"]) == [*left, (2, *late)]


def test_a_late_row_cuts_only_rows_of_its_sort_and_only_once_it_is_known():
    other = a_rate(3, hours="9")
    rows = {"rates": (other, a_rate(1), a_rate(2, known="07-20"))}

    assert as_known(rows)["rates"] == (other, rows["rates"][2])
    assert as_known(rows, day("07-20"))["rates"] == (other, rows["rates"][2])
    assert as_known(rows, day("07-19"))["rates"] == (other, rows["rates"][1])


def test_of_two_late_rows_the_one_known_later_cuts_the_other():
    first, second = a_rate(2, known="07-20"), a_rate(3, "03-01", None, known="09-01")

    for rows in ((a_rate(1), first, second), (second, first, a_rate(1))):
        assert said(as_known({"rates": rows})["rates"]) == [
            (2, "01-01", "02-28"),
            (3, "03-01", None),
        ]


def test_a_family_s_share_may_be_late_too_and_nothing_else():
    share = ParentsShare(
        during=DateRange(day("01-01")),
        source="policy",
        text=RATE.text,
        kind="general",
        hours="10.5",
        locality="urban",
        amount_tiyn=tenge(20_000),
    )
    late = replace(share, amount_tiyn=tenge(21_000), known_from=day("07-20"))

    known = as_known({"parents_share": (share, late), "kinds": PACK.rows["kinds"]})

    assert known == {"parents_share": (late,), "kinds": PACK.rows["kinds"]}


def test_a_pack_judges_on_each_day_by_what_was_known_on_it():
    pack = a_pack(
        a_rate(1, "2025-01-01", None),
        a_rate(2, "02-01", None, known="07-20"),
        a_rate(3, "03-01", None, known="09-01"),
    )

    for on, rate in (("07-19", 1), ("07-20", 2), ("08-31", 2), ("09-01", 3), ("12-31", 3)):
        assert rate_on(pack.known_on(day(on)), "03-02") == rate
    assert pack.known_on(day("09-01")) is pack
    assert pack.known_on(day("07-20")) is pack.known_on(day("08-31")) is not pack
    assert pack.known_on(day("01-01")) is pack.known_on(day("07-19")) is not pack
    assert a_pack(RATE).known_on(day("01-01")).entered == {}


# --- the rows of a day ----------------------------------------------------------------------------


def test_a_day_has_the_rows_whose_days_hold_it():
    first, second = a_rate(1, "01-01", "03-31"), a_rate(2, "04-01", None)
    pack = a_pack(
        replace(first, during=DateRange(PACK.valid_from, first.during.last)),
        second,
        valid_to=day("12-31"),
    )

    assert [rate_on(pack, on) for on in ("03-31", "04-01", "12-31")] == [1, 2, 2]
    assert in_force({"rates": (first, second)}, day("03-31")) == {"rates": (first,)}
    assert pack.at(day("05-01")) is pack.at(day("06-01"))


@pytest.mark.parametrize(
    ("on", "judged"),
    [("2024-12-31", False), ("2025-01-01", True), ("12-31", True), ("2027-01-01", False)],
)
def test_a_programme_judges_its_own_days_alone(on, judged):
    pack = a_pack(a_rate(1, "2025-01-01", None), valid_to=day("12-31"))
    assert pack.valid_from == date(2025, 1, 1)

    if judged:
        assert rate_on(pack, on) == 1
        return
    with pytest.raises(NoRuleInForce):
        pack.at(day(on))


def test_rules_begin_where_a_row_begins_and_after_its_last_day():
    rows = {
        "rates": (
            a_rate(1, "01-01", "03-31"),
            a_rate(2, "04-01", "05-31"),
            a_rate(3, "07-01", None),
            a_rate(4, "08-01", None),
            a_rate(5, "06-30", "07-31"),
        )
    }

    found = epoch_starts(rows, day("02-01"), day("07-01"))

    assert [f"{start:%m-%d}" for start in found] == ["02-01", "04-01", "06-01", "06-30", "07-01"]
    assert epoch_starts(rows, day("02-01"), None)[-1] == day("08-01")


# --- asking the rules of a day --------------------------------------------------------------------


def test_a_rate_is_that_of_the_sort_and_raised_for_special_needs_alone():
    raised = a_rate(1, sen_per_mille=1500)
    rules = replace(PACK.at(TODAY), rates=(a_rate(2, locality="rural"), raised))

    assert rules.rate_for(*SORT, True) == raised
    assert rules.rate_for(*SORT, False) == replace(raised, sen_per_mille=1000)
    for sort in (("general", "9", "urban"), ("sanatorium", "10.5", "urban")):
        with pytest.raises(NoRate):
            rules.rate_for(*sort, False)


def test_a_family_owes_by_the_row_of_its_sort_or_nothing():
    row = ParentsShare(
        during=RATE.during,
        source="policy",
        text=RATE.text,
        kind="general",
        hours="10.5",
        locality="urban",
        amount_tiyn=tenge(20_000),
    )
    rules = replace(PACK.at(TODAY), parents_share=(replace(row, hours="9"), row))

    assert rules.parents_share_for(*SORT) == row
    assert rules.parents_share_for("general", "10.5", "rural") is None


def test_a_code_is_judged_by_its_row_and_an_unknown_one_by_none():
    rules = PACK.at(TODAY)

    assert rules.payable("N").paid is False
    assert rules.payable("N").reason == "N"
    with pytest.raises(UnknownReason):
        rules.payable("?")


@pytest.mark.parametrize(
    ("sort", "refusal"),
    [
        (("castle", "10.5"), UnknownKind),
        (("general", "7"), UnknownHours),
        (("general", "10.5"), None),
    ],
)
def test_a_sort_of_group_is_known_to_the_rules(sort, refusal):
    rules = PACK.at(TODAY)

    if refusal is None:
        rules.check_sort(*sort)
        return
    with pytest.raises(refusal):
        rules.check_sort(*sort)


def test_the_most_that_a_month_costs_is_the_dearest_cap_with_its_coefficients():
    rules = PACK.at(TODAY)
    dear = a_rate(
        tenge(60_000), sen_per_mille=1500, rural_per_mille=1200, locality="rural", hours="9"
    )
    several = replace(rules, rates=(dear, a_rate(tenge(65_000)), a_rate(tenge(1), hours="24")))

    assert several.month_max_tiyn(sen=False) == tenge(72_000)
    assert several.month_max_tiyn(sen=True) == tenge(108_000)
    assert replace(rules, rates=()).month_max_tiyn(sen=True) == 0
    by_unit = a_rate(tenge(1_500), per="unit", cap_tiyn=tenge(18_000), sen_per_mille=1000)
    assert by_unit.month_max_tiyn == tenge(18_000)
    with pytest.raises(NoRate):
        replace(rules, rates=(replace(by_unit, cap_tiyn=None),)).month_max_tiyn(sen=False)


def test_the_rural_coefficient_is_for_rural_rows_and_the_others_for_all():
    said = {"sen_per_mille": 1500, "rural_per_mille": 1200, "ecology_per_mille": 1100}

    assert a_rate(1, **said).coefficients == (1500, 1000, 1100)
    assert a_rate(1, locality="rural", **said).coefficients == (1500, 1200, 1100)


def test_a_visit_is_marked_between_opening_and_closing():
    rule = replace(PACK.at(TODAY).attendance, opens="07:30", closes="19:05")

    assert (rule.opens_at, rule.closes_at) == (time(7, 30), time(19, 5))
