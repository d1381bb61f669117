"""A voucher cancelled for fraud: who may, what ends, where seat and money go, who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.applications import actions as applications
from chalicelib.applications import store as applications_store
from chalicelib.budgets import actions as budgets
from chalicelib.edge.texts import text
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.storage.outbox import WORK
from chalicelib.vouchers import actions, rules, store
from infra.local import testing
from infra.local.testing import Said, TestCloud
from tests.access.people import officer, parent, register_child
from tests.applications.builders import offer
from tests.vouchers.builders import both
from tests.vouchers.clubs import BOXING, FIGHT, MONTH_TIYN, NOW, TODAY, City, later
from tests.vouchers.test_clubs import notices_to, told

ACT = "№ 114, 12.10.2026"
DECISION = {"reason_code": "forged-papers", "act": ACT}


def by(direction: str = "sport", area: str = "karaganda") -> Actor:
    return Actor(
        "officer",
        frozenset({Role.DEPARTMENT}),
        areas=frozenset({area}),
        directions=frozenset({direction}),
    )


def cancelled(voucher_id: str, *, who: Actor | None = None, act: str = ACT, now=NOW):
    return actions.cancel(voucher_id, "forged-papers", act, by=who or by(), now=now)


@pytest.fixture
def city(tables: testing.TestTables) -> City:
    return City()


def money(direction: str = "sport") -> int:
    return budgets.free("clubs", "karaganda", 2026, [direction])[direction]


def test_a_running_enrolment_ends_and_its_seat_and_months_to_come_are_free(city: City) -> None:
    voucher_id = city.enrolled(FIGHT)
    left, day = money(), later(days=14)

    voucher = cancelled(voucher_id, now=day)

    assert (voucher.state, voucher.closed_as) == ("cancelled", "fraud")
    enrolment = store.load_enrolment(BOXING, voucher.enrolment_id or "").value
    assert (enrolment.state, enrolment.reason) == ("ended", "fraud")
    assert enrolment.ends_on == TODAY + timedelta(days=13)
    assert city.holders(FIGHT) == set()
    assert city.held_by(voucher_id) == set()
    # October has begun and may be billed; November and December go back.
    assert money() == left + 2 * MONTH_TIYN
    assert told(city, voucher_id)[-1] == "cancelled"
    assert "left" in notices_to(f"organisation:org-{BOXING}")
    (member,) = store.find_roster(BOXING, FIGHT).value.members
    assert member.ends_on == enrolment.ends_on
    topics = [k.value.topic for k in WORK.each(f"WORK#vouchers-offer#{FIGHT}#3")]
    assert topics in ([], ["vouchers/offer"])


def test_the_same_again_is_the_same_and_another_decision_is_refused(city: City) -> None:
    voucher_id = city.enrolled(FIGHT)
    first = cancelled(voucher_id)

    assert cancelled(voucher_id, now=later(days=3)) == first
    with pytest.raises(AnotherContent):
        cancelled(voucher_id, act="№ 115, 12.10.2026")
    events = [entry.event for entry in journal.history(f"voucher/{voucher_id}")]
    assert events.count("vouchers/cancelled") == 1


def test_an_unsigned_voucher_gives_its_seat_and_all_its_money_back(city: City) -> None:
    voucher_id = city.issued()
    left = money()
    city.choose(voucher_id, FIGHT)

    voucher = cancelled(voucher_id)

    assert (voucher.state, voucher.enrolment_id, voucher.group_id) == ("cancelled", None, None)
    assert city.holders(FIGHT) == set()
    assert city.held_by(voucher_id) == set()
    assert money() > left


def test_what_is_over_is_not_cancelled(city: City) -> None:
    voucher_id = city.enrolled(FIGHT)
    city.close(voucher_id, TODAY)

    with pytest.raises(rules.WrongState):
        cancelled(voucher_id)


@pytest.mark.parametrize("who", [by("creative"), by(area="almaty")])
def test_only_the_department_of_its_area_and_direction_may(city: City, who: Actor) -> None:
    voucher_id = city.enrolled(FIGHT)

    with pytest.raises(Unknown):
        cancelled(voucher_id, who=who)
    with pytest.raises(Unknown):
        cancelled("voucher-nobodys", who=who)


def test_cancelled_and_closed_at_once_one_of_both_holds(city: City) -> None:
    voucher_id = city.enrolled(FIGHT)

    ended = both(
        lambda: cancelled(voucher_id),
        lambda: city.close(voucher_id, TODAY),
    )

    states = {one.state for one in ended if isinstance(one, rules.Voucher)}
    assert city.voucher(voucher_id).state in ("cancelled", "closed")
    assert len(states) == 1, ended


def test_the_notice_says_why_in_each_language() -> None:
    why = rules.FRAUD_CALLED["false-applicant"]
    for language in ("kk", "ru", "en"):
        said = text("notice:vouchers/cancelled", language, {"why": why, "act": ACT})
        assert why[language] in said and ACT in said


# --- over HTTP, with the application ------------------------------------------------------------


class Case:
    """An application whose voucher was offered, and two officers."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        self.family = parent(cloud)
        self.child_id = register_child(cloud, self.family)
        self.voucher = offer("application-1", now=cloud.clock())
        self.path = f"/v1/vouchers/{self.voucher.voucher_id}/cancellation"

    def cancel(self, who: str, body: Any = None, path: str | None = None) -> Said:
        return self.cloud.put(path or self.path, body or DECISION, token=officer(self.cloud, who))


@pytest.fixture
def case(cloud: TestCloud) -> Case:
    return Case(cloud)


def test_two_officers_cancel_it_and_the_application_is_annulled(case: Case) -> None:
    assert case.cancel("officer-1").status == 202

    said = case.cancel("officer-2")

    voucher_id = case.voucher.voucher_id
    assert said.json == {"voucher_id": voucher_id, "state": "cancelled", "enrolment_id": None}
    confirm = "/v1/applications/application-1/confirmation"
    between = case.cloud.put(confirm, token=case.family)
    assert (between.status, between.code) == (409, "applications/not-offered")
    case.cloud.drain()
    application = case.cloud.get("/v1/applications/application-1", token=case.family).json
    assert application["state"] == "annulled"
    notices = case.cloud.get("/v1/notices", token=case.family).json["notices"]
    assert "notice:vouchers/cancelled" in [n["template"] for n in notices]
    # The child may apply anew: nothing is held any more.
    assert register_child(case.cloud, case.family, "application-2") == case.child_id


def test_the_deadline_of_the_confirmation_finds_a_cancelled_voucher_and_parks_nothing(
    case: Case,
) -> None:
    case.cancel("officer-1")
    case.cancel("officer-2")

    done = applications.lapse_confirmation(
        "application-1",
        by=Actor("queue/deadlines", frozenset({Role.SYSTEM})),
        now=case.cloud.clock() + timedelta(days=10),
    )

    assert done
    assert applications_store.load_application("application-1").value.state == "annulled"
    case.cloud.drain()
    assert case.cloud.dead_letters() == []


def test_each_no_of_the_route(case: Case) -> None:
    nowhere = "/v1/vouchers/voucher-nowhere/cancellation"
    far = officer(case.cloud, "far", areas=["astana"])

    assert case.cloud.put(case.path, DECISION).code == "kezek/sign-in"
    assert case.cloud.put(case.path, DECISION, token=case.family).code == "kezek/not-your-role"
    foreign = case.cloud.put(case.path, DECISION, token=far)
    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert foreign.content == case.cloud.put(nowhere, DECISION, token=far).content
    for wrong in ({"reason_code": "dislike"}, {"act": "Әбенова"}, {"more": 1}):
        said = case.cancel("officer-1", {**DECISION, **wrong})
        assert (said.status, said.code) == (400, "kezek/bad-field")
    case.cancel("officer-1")
    case.cancel("officer-2")
    other = case.cancel("officer-1", {**DECISION, "reason_code": "false-applicant"})
    assert (other.status, other.code) == (409, "kezek/another-content")


def test_a_voucher_its_family_refused_is_not_cancelled(case: Case) -> None:
    refusal = "/v1/applications/application-1/refusal"
    assert case.cloud.put(refusal, token=case.family).status == 200

    said = case.cancel("officer-1")

    assert (said.status, said.code) == (409, "vouchers/wrong-state")
