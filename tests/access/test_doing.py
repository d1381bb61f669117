"""The object rule at its one place: who reaches what, and that nobody answers without asking."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.access.actions.doing import finding
from chalicelib.access.rules import Reach, Whose
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.refusals import Unknown
from infra.local.testing import TestCloud

ORGANISATION = "organisation-1"
WHOSE: dict[str, Any] = {"organisation": ORGANISATION, "area": "astana", "direction": "sport"}
BUDGET = "/v1/budgets/preschool/taldykorgan/2026"


def an(role: Role, **more: Any) -> Actor:
    return Actor("one", frozenset({role}), **{n: frozenset(values) for n, values in more.items()})


HEAD = an(Role.HEAD, organisations={ORGANISATION})
OFFICER = an(Role.DEPARTMENT, areas={"astana"}, directions={"sport"})


# --- an action that never asked ---


def test_an_action_that_never_asks_is_a_bug_and_not_a_yes() -> None:
    never = pytest.raises(access.NeverAsked, match="providers/describe-site")
    with never, access.doing("providers/describe-site", HEAD):
        pass

    assert access.under_way() is None


def test_a_no_that_was_asked_for_counts_as_asked() -> None:
    with access.doing("providers/describe-site", HEAD):
        assert not access.may(HEAD, organisation="organisation-2")


def test_what_an_action_refused_or_broke_by_itself_is_shown_as_it_is() -> None:
    for own in (Unknown(), ValueError("broken")):
        with pytest.raises(type(own)), access.doing("providers/describe-site", HEAD):
            raise own

    assert access.under_way() is None


@pytest.mark.parametrize(
    ("action", "by"),
    [
        ("children/list", an(Role.REPRESENTATIVE)),
        ("providers/list-sites", an(Role.AUDITOR)),
        ("billing/figures", an(Role.PUBLIC)),
        ("billing/figures", HEAD),
    ],
)
def test_where_a_role_reaches_its_own_or_all_nothing_is_to_be_asked(action: str, by: Actor) -> None:
    with access.doing(action, by):
        pass


def test_the_edge_answers_a_bare_500_instead_of_what_was_found(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = budgets.BudgetShown(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        direction="",
        amount_tiyn=77_000,
        moved_tiyn=0,
        committed_tiyn=0,
        left_tiyn=77_000,
        acts=(),
    )
    monkeypatch.setattr(budgets, "see_budget", lambda **_: found)
    token = cloud.token("finance", "finance-1", areas=["taldykorgan"])

    said = cloud.get(BUDGET, token=token)

    assert (said.status, said.code) == (500, "kezek/our-fault")
    assert "77000" not in said.text
    assert "NeverAsked" not in said.text
    # An auditor sees every budget, so of an auditor nothing was to be asked.
    assert cloud.get(BUDGET, token=cloud.token("auditor")).status == 200


# --- who reaches what ---


@pytest.mark.parametrize(
    ("action", "by", "whose", "reached"),
    [
        ("providers/describe-site", HEAD, WHOSE, True),
        ("providers/describe-site", HEAD, {**WHOSE, "organisation": "organisation-2"}, False),
        ("providers/describe-site", HEAD, {"area": "astana"}, False),
        ("attendance/read-site-month", OFFICER, WHOSE, True),
        ("attendance/read-site-month", OFFICER, {**WHOSE, "area": "almaty"}, False),
        ("attendance/read-site-month", OFFICER, {**WHOSE, "direction": "creative"}, False),
        # Of the own area whatever the direction.
        ("vouchers/list-enrolments", OFFICER, {**WHOSE, "direction": "creative"}, True),
        ("vouchers/list-enrolments", OFFICER, {**WHOSE, "area": "almaty"}, False),
        ("vouchers/see", an(Role.REPRESENTATIVE), {**WHOSE, "child": True}, True),
        ("vouchers/see", an(Role.REPRESENTATIVE), {**WHOSE, "own": True}, False),
        ("access/end-opening", OFFICER, {"own": True}, True),
        ("access/end-opening", OFFICER, {"area": "astana"}, False),
        ("attendance/upload", an(Role.DEVICE), {**WHOSE, "device": True}, True),
        ("attendance/upload", an(Role.DEVICE), WHOSE, False),
        # Named by no row: nobody, however much is theirs.
        ("attendance/close-month", OFFICER, WHOSE, False),
        ("nobody/knows", HEAD, {**WHOSE, "own": True, "child": True, "device": True}, False),
    ],
)
def test_a_role_reaches_as_far_as_its_row_says(
    action: str, by: Actor, whose: dict[str, Any], reached: bool
) -> None:
    with access.doing(action, by):
        assert access.may(by, **whose) is reached
        assert access.reaching(by, **whose) == (by.roles if reached else frozenset())
        if not reached:
            with pytest.raises(Unknown):
                access.demand(by, **whose)


def test_of_two_roles_the_one_that_reaches_is_told() -> None:
    both = Actor(
        "one",
        frozenset({Role.HEAD, Role.EDUCATOR, Role.DEPARTMENT}),
        organisations=frozenset({ORGANISATION}),
        areas=frozenset({"almaty"}),
    )
    with access.doing("vouchers/list-enrolments", both):
        assert access.reaching(both, **WHOSE) == {Role.HEAD, Role.EDUCATOR}


def test_outside_a_request_each_role_reaches_what_is_usual_for_it() -> None:
    assert access.may(HEAD, **WHOSE)
    assert access.may(OFFICER, **WHOSE)
    assert not access.may(OFFICER, **{**WHOSE, "direction": "creative"})
    assert access.may(an(Role.AUDITOR), **WHOSE)


def test_jobs_reach_as_their_row_says() -> None:
    bot = system("bot")
    for name, reach in access.table().jobs.items():
        with access.running(name):
            assert access.may(bot, **WHOSE) is (reach is Reach.ALL), name


# --- what was found on the way ---


def test_finding_notes_the_owners_that_were_reached_and_no_others() -> None:
    with access.doing("providers/describe-site", HEAD), finding() as found:
        access.demand(HEAD, **WHOSE)
        assert not access.may(HEAD, organisation="organisation-2")

    assert found == [Whose(ORGANISATION, "astana", "sport")]


def test_finding_inside_finding_keeps_its_own() -> None:
    with access.doing("providers/describe-site", HEAD), finding() as outer:
        with finding() as inner:
            access.demand(HEAD, organisation=ORGANISATION)
        access.demand(HEAD, organisation=ORGANISATION, area="astana")

    assert inner == [Whose(ORGANISATION)]
    assert outer == [Whose(ORGANISATION, "astana")]
