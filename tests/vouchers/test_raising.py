"""Special needs found while a voucher is in hand: money, enrolment, who is told, who may."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.edge.texts import catalogue, text
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.vouchers import actions, rules, store
from chalicelib.vouchers.routes.raising import RaiseAsked
from infra.local import testing
from tests.vouchers.builders import both
from tests.vouchers.clubs import (
    BOXING,
    FIGHT,
    MONTH_TIYN,
    NOW,
    PLAY,
    RULES,
    TODAY,
    City,
    later,
)
from tests.vouchers.test_clubs import ask, notices_to, told

ACT = "№ 114, 12.10.2026"
SEN_TIYN = RULES.month_max_tiyn(True)
MORE = SEN_TIYN - MONTH_TIYN


def officer(direction: str = "sport", area: str = "karaganda") -> Actor:
    return Actor(
        "officer",
        frozenset({Role.DEPARTMENT}),
        areas=frozenset({area}),
        directions=frozenset({direction}),
    )


def raised(voucher_id: str, from_on: date | None = None, *, by=None, act: str = ACT, now=NOW):
    return actions.raise_financing(voucher_id, act, from_on, by=by or officer(), now=now)


def money(direction: str = "sport") -> int:
    return budgets.free("clubs", "karaganda", 2026, [direction])[direction]


@pytest.fixture
def city(tables: testing.TestTables) -> City:
    return City()


def test_a_running_enrolment_goes_on_in_its_seat_and_the_months_to_come_hold_more(city: City):
    voucher_id = city.enrolled(FIGHT)
    before = city.voucher(voucher_id)
    left = money()
    day = later(days=14)

    found = raised(voucher_id, now=day)
    again = raised(voucher_id, now=day)

    assert again == found
    voucher, enrolment = found.voucher, found.enrolment
    assert voucher.sen and enrolment is not None and enrolment.sen
    old = store.load_enrolment(BOXING, before.enrolment_id or "").value
    assert not old.sen and old.ends_on == TODAY + timedelta(days=14)
    assert enrolment.starts_on == TODAY + timedelta(days=15)
    assert city.holders(FIGHT) == {voucher_id}
    assert voucher.leaving == () and voucher.transfers == ()
    assert city.held_by(voucher_id) == {"voucher", "enrolment"}
    # October has begun; November and December hold what such a child may cost.
    assert [(r.month_tiyn, str(r.first), str(r.last)) for r in rules.reserves_of(voucher)] == [
        (MONTH_TIYN, "2026-10", "2026-10"),
        (SEN_TIYN, "2026-11", "2026-12"),
    ]
    assert money() == left - 2 * MORE
    assert told(city, voucher_id)[-1] == "raised"
    assert "raised-here" in notices_to(f"organisation:org-{BOXING}")
    members = store.find_roster(BOXING, FIGHT).value.members
    assert [(m.enrolment_id, m.sen) for m in members] == [
        (old.enrolment_id, False),
        (enrolment.enrolment_id, True),
    ]


def test_a_target_voucher_that_is_not_signed_is_raised_too(city: City):
    ask(city)()

    found = raised("voucher-target")

    assert found.enrolment is None and found.voucher.sen
    assert found.voucher.reserve_tiyn == MONTH_TIYN and found.voucher.renewed_tiyn == SEN_TIYN
    assert city.sign("voucher-target").sen


def test_a_contract_that_has_not_begun_is_raised_as_a_whole(city: City):
    voucher_id = city.issued()
    city.choose(voucher_id, FIGHT)
    city.sign(voucher_id, starts_on=TODAY + timedelta(days=20))

    found = raised(voucher_id)

    assert found.enrolment is not None and found.enrolment.starts_on == TODAY + timedelta(days=20)
    (member,) = store.find_roster(BOXING, FIGHT).value.members
    assert member.sen and city.held_by(voucher_id) == {"voucher", "enrolment"}


def test_from_a_later_day_the_months_before_it_hold_what_they_held(city: City):
    voucher_id = city.enrolled(FIGHT)

    found = raised(voucher_id, date(2026, 12, 10))

    assert [(r.month_tiyn, str(r.first)) for r in rules.reserves_of(found.voucher)] == [
        (MONTH_TIYN, "2026-10"),
        (SEN_TIYN, "2026-12"),
    ]


def test_in_the_last_reserved_month_nothing_more_is_held(city: City):
    voucher_id = city.enrolled(FIGHT)
    left = money()

    found = raised(voucher_id, now=later(days=64))

    assert found.voucher.sen and money() == left
    assert rules.reserves_of(found.voucher) == rules.reserves_of(replace(found.voucher, sen=False))


def test_what_is_held_more_goes_back_with_the_rest(city: City):
    voucher_id = city.enrolled(FIGHT)
    left = money()
    raised(voucher_id)

    city.close(voucher_id, TODAY + timedelta(days=3))

    assert money() == left + 2 * MONTH_TIYN


def test_a_budget_that_is_short_refuses_before_anything_changes(tables: testing.TestTables):
    city = City(months=3)
    voucher_id = city.enrolled(FIGHT)
    before = city.voucher(voucher_id)

    with pytest.raises(BudgetShort):
        raised(voucher_id)

    assert city.voucher(voucher_id) == before
    assert store.load_enrolment(BOXING, before.enrolment_id or "").value.ends_on is None
    assert "raised" not in told(city, voucher_id)


def test_a_raise_is_refused_with_its_reason(city: City):
    voucher_id = city.enrolled(FIGHT)

    for other in (officer("creative"), officer(area="astana")):
        with pytest.raises(Unknown):
            raised(voucher_id, by=other)
    with pytest.raises(Unknown):
        raised("voucher-nobody")
    for day in (TODAY, date(2027, 1, 1)):
        with pytest.raises(rules.BadStart):
            raised(voucher_id, day)
    raised(voucher_id)
    with pytest.raises(AnotherContent):
        raised(voucher_id, act="№ 115")
    closed = city.enrolled(PLAY)
    city.close(closed, TODAY)
    with pytest.raises(rules.WrongState):
        raised(closed, by=officer("*"))


def test_A5_two_clerks_at_once_raise_it_once(city: City):
    voucher_id = city.enrolled(FIGHT)
    left = money()

    found = both(lambda: raised(voucher_id), lambda: raised(voucher_id))

    assert found[0] == found[1]
    assert money() == left - 2 * MORE


@pytest.mark.parametrize(
    "act", ["Иванов Иван", "", "№ Иванов", "114 Иванов Иван Иванович", "1" * 60, "\n114"]
)
def test_no_name_fits_into_the_number_of_a_conclusion(act: str):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"act": act}, RaiseAsked)


def test_what_is_told_names_no_reason():
    for key in ("notice:vouchers/raised", "notice:vouchers/raised-here"):
        for said in catalogue()[key].values():
            assert not any(word in said.lower() for word in ("ерекше", "особы", "special"))


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_refusals_speak_in_words(city: City, language: str):
    city.enrolled(FIGHT)
    said = []
    with pytest.raises(rules.NeedsQueue) as needs:
        ask(city, FIGHT)()
    with pytest.raises(rules.WrongForm) as form:
        city.switch(city.enrolled(FIGHT), "group-run")
    for refusal in (needs.value, form.value):
        said.append(text(refusal.code, language, refusal.facts))
    ask(city)()
    asked = store.load_voucher("voucher-target").value
    with pytest.raises(rules.HeldAlready) as held:
        actions.target(
            "voucher-again",
            actions.TargetAsked(group_id="group-run", child_id=asked.child_id),
            by=city.parents["voucher-target"],
            now=NOW,
        )
    said.append(text(held.value.code, language, held.value.facts))

    codes = ("karaganda", "{", "…") + (("private", "voucher ") if language != "en" else ())
    for sentence in said:
        assert not any(code in sentence for code in codes), sentence
