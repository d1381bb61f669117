"""What families pay a provider themselves: priced, posted apart, and open for anyone to follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.billing.rules.calculation import TooManyUnits, calculate
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.money import Tiyn
from chalicelib.kernel.periods import DateRange
from chalicelib.policy import actions as policy
from chalicelib.policy.rules import ParentsShare, UnknownHours, UnknownKind
from chalicelib.policy.rules.texts import Text

from .builders import a_child, a_stay, pack
from .months import CHECK, DAYS, MARCH, SITE, Kindergarten, allot, at, tenge
from .test_pricing import lines

FEE = ParentsShare(
    during=DateRange(date(2025, 1, 1), None),
    source="policy",
    text=Text("Тамақ", "Питание", "Food"),
    kind="general",
    hours="10.5",
    locality="urban",
    amount_tiyn=tenge(22_158),
)


def with_fee(*fees: ParentsShare):
    return replace(pack(), rows={**pack().rows, "parents_share": fees or (FEE,)})


@pytest.fixture
def fee(monkeypatch):
    known = with_fee()
    real = policy._pack_in
    monkeypatch.setattr(
        policy,
        "_pack_in",
        lambda file, folder: known if file.startswith("preschool-tald") else real(file, folder),
    )


# --- the rule -------------------------------------------------------------------------------------


def line_of(child, rules=None):
    (line,) = lines(child, rules=rules or with_fee()).values()
    return line


@pytest.mark.parametrize(
    ("codes", "counts", "units", "owed"),
    [
        ("P" * 21, "attended", 21, 22_158),
        ("P" * 15 + "SSSFFN", "attended", 15, 15_827),
        ("P" * 15 + "SSSFFN", "payable", 20, 21_103),
        ("N" * 21, "attended", 0, 0),
    ],
)
def test_a_family_owes_for_the_days_its_rule_counts(codes, counts, units, owed):
    line = line_of(a_child(codes=codes), with_fee(replace(FEE, counts=counts)))

    assert line.parents_tiyn == tenge(owed)
    assert sum(fee.units for fee in line.fees) == units
    assert sum(fee.tiyn for fee in line.fees) == line.parents_tiyn


def test_a_day_that_is_held_is_owed_by_nobody_yet():
    line = line_of(a_child(codes="P" * 21, standings={20: "disputed"}))

    assert line.parents_tiyn == tenge(21_103)


def test_a_fee_of_a_day_is_not_divided():
    line = line_of(a_child(), with_fee(replace(FEE, per="unit", amount_tiyn=Tiyn(100_000))))

    assert line.parents_tiyn == 21 * 100_000


def test_a_fee_never_changes_what_the_budget_pays():
    without = lines(a_child(codes="P" * 15 + "SSSFFN"))["child-aaaa"]

    line = line_of(a_child(codes="P" * 15 + "SSSFFN"))

    assert replace(line, parents_tiyn=0, fees=()) == without


def test_a_group_without_a_fee_row_owes_nothing():
    away = a_child(stays=(a_stay(locality="rural"),))

    assert line_of(away).parents_tiyn == 0


# --- posted and replayed --------------------------------------------------------------------------


def balance(account: str) -> int:
    return books.balances([account])[account]


def test_the_share_is_posted_beside_the_state_s_money_and_corrected_with_its_line(tables, fee):
    allot()
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)

    first = garden.bill()
    owed, against = ledger.parents(SITE, MARCH), ledger.fees(SITE, MARCH)
    assert first.parents_movement_tiyn == tenge(22_158)
    assert (balance(owed), balance(against)) == (tenge(22_158), -tenge(22_158))
    assert balance(ledger.accrued(SITE, MARCH)) == tenge(65_000)

    garden.end(1, DAYS[8], event="vouchers/cancelled", now="2026-04-14 09:00")
    second = garden.bill(at("2026-04-14 12:00"))
    assert second.parents_movement_tiyn == -tenge(11_079)
    assert (balance(owed), balance(against)) == (tenge(11_079), -tenge(11_079))
    assert all(one.same for one in garden.replay(at("2026-04-14 13:00")).statements)


def test_a_fee_that_is_known_later_is_a_correction_of_its_own(tables, monkeypatch):
    allot()
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    garden.bill()
    known = with_fee()
    real = policy._pack_in
    monkeypatch.setattr(
        policy,
        "_pack_in",
        lambda file, folder: known if file.startswith("preschool-tald") else real(file, folder),
    )

    second = garden.bill(at("2026-04-14 12:00"))

    assert (second.movement_tiyn, second.parents_movement_tiyn) == (0, tenge(22_158))
    assert [b.act for b in second.lines[0].because] == ["fee-act"]
    assert balance(ledger.accrued(SITE, MARCH)) == tenge(65_000)
    assert garden.bill(at("2026-04-15 12:00")) is None


# --- the open calculation -------------------------------------------------------------------------

ASKED = {
    "programme": "preschool",
    "area": "taldykorgan",
    "month": "2026-10",
    "kind": "general",
    "hours": "10.5",
    "payable": "20",
}


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_anyone_may_follow_the_calculation(cloud, fee, language):
    cloud.set_clock(CHECK)

    seen = cloud.get(
        "/v1/billing/calculation",
        query={**ASKED, "attended": "15"},
        headers={"Accept-Language": language},
    ).json

    assert (seen["budget"]["of"], seen["budget"]["sum_tiyn"]) == (21, tenge(61_905))
    assert seen["parents"]["sum_tiyn"] == tenge(15_827)
    assert "61905" in seen["budget_text"]
    # What a rate rests on is said in words, never by a key of ours.
    assert "policy" not in seen["budget_text"] and seen["budget"]["source"] == "policy"
    assert "15827" in seen["parents_text"]


def test_without_a_fee_there_is_one_side(cloud):
    cloud.set_clock(CHECK)

    seen = cloud.get("/v1/billing/calculation", query=ASKED).json

    assert seen["parents"] is None
    assert seen["parents_text"] == ""


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"payable": "22"}, 400, "billing/too-many-units"),
        ({"attended": "21"}, 400, "billing/too-many-units"),
        ({"payable": "-1"}, 400, "kezek/bad-field"),
        ({"payable": "1.5"}, 400, "kezek/bad-field"),
        ({"month": "2026-13"}, 400, "kernel/bad-month"),
        ({"month": "2024-10"}, 409, "policy/no-rule-in-force"),
        ({"month": "2031-01"}, 409, "policy/calendar-missing"),
        ({"kind": "castle"}, 400, "policy/unknown-kind"),
        ({"hours": "7"}, 400, "policy/unknown-hours"),
        ({"area": "nowhere"}, 404, "policy/no-pack"),
    ],
)
def test_a_calculation_that_cannot_be_is_refused(cloud, change, status, code):
    cloud.set_clock(CHECK)

    said = cloud.get("/v1/billing/calculation", query={**ASKED, **change})

    assert (said.status, said.code) == (status, code), said.text


def test_the_open_calculation_is_what_a_line_says():
    rules = with_fee().at(date(2026, 10, 31))
    for payable in range(22):
        made = calculate(
            rules,
            kind="general",
            hours="10.5",
            locality="urban",
            sen=False,
            planned=21,
            payable=payable,
            attended=payable,
        )
        line = line_of(a_child(codes="P" * payable + "N" * (21 - payable)))
        assert (made.budget.sum_tiyn, made.budget.cap_tiyn) == (line.accrual_tiyn, None)
        assert made.parents.sum_tiyn == line.parents_tiyn
    with pytest.raises(TooManyUnits):
        calculate(
            rules,
            kind="general",
            hours="10.5",
            locality="urban",
            sen=False,
            planned=21,
            payable=3,
            attended=4,
        )


@pytest.mark.parametrize(
    ("change", "owed", "of", "units"),
    [
        ({}, 15_827, 21, 15),
        ({"counts": "payable"}, 21_103, 21, 20),
        ({"per": "unit", "amount_tiyn": tenge(1_000)}, 15_000, 1, 15),
        ({"per": "unit", "amount_tiyn": tenge(1_000), "counts": "payable"}, 20_000, 1, 20),
    ],
)
def test_a_family_s_side_counts_what_its_row_says(change, owed, of, units):
    made = calculate(
        with_fee(replace(FEE, **change)).at(date(2026, 10, 31)),
        kind="general",
        hours="10.5",
        locality="urban",
        sen=False,
        planned=21,
        payable=20,
        attended=15,
    ).parents

    assert (made.sum_tiyn, made.of, made.units) == (tenge(owed), of, units)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"kind": "castle"}, UnknownKind),
        ({"hours": "7"}, UnknownHours),
        ({"payable": 22, "attended": 22}, TooManyUnits),
        ({"attended": 21}, TooManyUnits),
    ],
)
def test_a_calculation_without_sense_is_refused_before_it_is_made(asked, refusal):
    usual = {
        "kind": "general",
        "hours": "10.5",
        "locality": "urban",
        "sen": False,
        "planned": 21,
        "payable": 20,
        "attended": 20,
    }
    with pytest.raises(refusal):
        calculate(with_fee().at(date(2026, 10, 31)), **{**usual, **asked})


def test_a_lesson_s_calculation_stops_at_the_month_s_cap():
    rules = policy.load_pack("clubs", "karaganda").at(date(2026, 10, 31))
    sums = [
        calculate(
            rules,
            kind="sport",
            hours="60",
            locality="urban",
            sen=False,
            planned=13,
            payable=n,
            attended=n,
        ).budget
        for n in (0, 9, 12, 13)
    ]

    assert [s.sum_tiyn for s in sums] == [0, tenge(13_500), tenge(18_000), tenge(18_000)]
    assert {(s.of, s.cap_tiyn) for s in sums} == {(1, tenge(18_000))}
