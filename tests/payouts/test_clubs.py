"""The same hands for clubs: each direction's department, one treasury, payday the 18th."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from chalicelib.billing import actions as billing
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.refusals import Unknown
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules import files
from chalicelib.policy.actions import load_pack
from tests.billing.builders import OCTOBER, a_site_on_the_list
from tests.billing.clubs import a_pupil
from tests.billing.test_clubs import a_club

from .builders import answer_file, balance, payee
from .test_rules import SCHEMA

NOW = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
JOB = system("payouts")
AREA = frozenset({"karaganda"})
WHERE = {"programme": "clubs", "area": "karaganda", "month": OCTOBER}
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=AREA, directions=frozenset({"*"}))
HEAD = Actor(
    "head-1",
    frozenset({Role.HEAD}),
    organisations=frozenset({"org-club-aaaa", "org-club-bbbb"}),
)
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))
CLUBS = {"club-aaaa": "sport", "club-bbbb": "creative"}


def department(direction: str | None) -> Actor:
    directions = frozenset({direction} if direction else ())
    subject = f"department-{direction}"
    return Actor(subject, frozenset({Role.DEPARTMENT}), areas=AREA, directions=directions)


@pytest.fixture(autouse=True)
def _budgets(tables):
    for direction in ("sport", "creative"):
        budgets.allot(
            programme="clubs",
            area="karaganda",
            year=2026,
            direction=direction,
            amount_tiyn=tenge(1_000_000),
            act=f"act-{direction}",
            by=FINANCE,
            now=NOW,
        )


def posted(site_id: str, children: int = 1) -> None:
    provided = a_club(
        *(a_pupil(f"child-{site_id}-{n}") for n in range(children)),
        site_id=site_id,
        direction=CLUBS[site_id],
        form="public",
    )
    billing.bill(site_id, OCTOBER, by=JOB, now=NOW, gather=lambda *_: provided)


def signed(site_id: str):
    posted(site_id)
    claim = actions.calculate(site_id, OCTOBER, by=JOB, now=NOW)
    return actions.sign(claim.claim_id, amount_tiyn=claim.amount_tiyn, by=HEAD, now=NOW)


def agreed(site_id: str):
    claim = signed(site_id)
    by = department(CLUBS[site_id])
    return actions.agree(claim.claim_id, agreed=True, reason=None, by=by, now=NOW)


def released(site_id: str):
    claim = agreed(site_id)
    return actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=payee)


@pytest.mark.parametrize("direction", ["creative", "education", None])
def test_only_the_direction_s_own_department_finds_the_claim(direction):
    claim = signed("club-aaaa")

    with pytest.raises(Unknown):
        actions.agree(claim.claim_id, agreed=True, reason=None, by=department(direction), now=NOW)

    by = department("sport")
    agreed = actions.agree(claim.claim_id, agreed=True, reason=None, by=by, now=NOW)
    assert (agreed.state, agreed.direction) == ("agreed", "sport")


def test_over_http_another_direction_s_claim_is_no_claim_at_all(cloud):
    cloud.set_clock(NOW)
    claim = signed("club-aaaa")
    path = f"/v1/payouts/claims/{claim.claim_id}/agreement"

    def officer(*directions: str) -> str:
        return cloud.token("department", "d-1", areas=["karaganda"], directions=list(directions))

    foreign = cloud.put(path, {"agreed": True}, token=officer("creative"))
    none = cloud.put(
        path.replace(claim.claim_id, "claim-none"), {"agreed": True}, token=officer("creative")
    )
    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert foreign.content == none.content

    own = cloud.put(path, {"agreed": True}, token=officer("sport"))
    assert (own.status, own.json["state"], own.json["direction"]) == (200, "agreed", "sport")


@pytest.mark.parametrize(
    ("by", "seen"),
    [
        (department("sport"), {"sport"}),
        (department("education"), set()),
        (department("*"), {"sport", "creative"}),
        (FINANCE, {"sport", "creative"}),
        (AUDITOR, {"sport", "creative"}),
    ],
)
def test_a_list_of_claims_holds_those_of_the_directions_one_serves(by, seen):
    signed("club-aaaa")
    signed("club-bbbb")

    found = actions.list_claims(OCTOBER, programme="clubs", area="karaganda", by=by, payee=payee)

    assert {claim.direction for claim in found} == seen


def test_clubs_are_paid_like_kindergartens_from_the_area_s_treasury():
    released("club-aaaa")
    released("club-bbbb")
    seen = actions.make_run("run-aaaa", **WHERE, by=FINANCE, now=NOW).planned_tiyn
    other = replace(FINANCE, subject="finance-3")
    made = actions.confirm_run("run-aaaa", total_tiyn=seen, by=other, now=NOW, payee=payee)

    register = actions.register_of("run-aaaa", by=FINANCE)
    SCHEMA.assertValid(etree.fromstring(files.pain_001(register)))
    assert register.treasury.name == "Қарағанды қаласының әкімдігі"
    assert made.total_tiyn == register.total_tiyn == tenge(36_000)

    lines = actions.see_run("run-aaaa", by=FINANCE)[1]
    content = answer_file(*((one.end_to_end_id, "settled", tenge(18_000), "") for one in lines))
    told = actions.take_answer("answer-1", content, by=FINANCE, now=NOW).told
    assert [one.became for one in told] == ["settled", "settled"]
    assert balance(ledger.paid("org-club-aaaa")) == tenge(18_000)


def test_clubs_are_paid_on_the_18th():
    pack = load_pack("clubs", "karaganda")

    assert actions.pay_on(pack, OCTOBER).isoformat() == "2026-11-18"


def test_figures_stand_direction_by_direction():
    for site_id, direction in CLUBS.items():
        a_site_on_the_list(
            site_id, programme="clubs", area="karaganda", direction=direction, form="public"
        )
        posted(site_id, children=5)

    found = actions.figures("clubs", "karaganda", OCTOBER, now=NOW.replace(day=19))

    assert [(f.direction, f.site_id, f.overdue_tiyn) for f in found.providers] == [
        ("creative", "club-bbbb", tenge(90_000)),
        ("sport", "club-aaaa", tenge(90_000)),
    ]


@pytest.mark.parametrize(
    ("programme", "area", "account"),
    [
        ("preschool", "astana", "KZ8607010KSN01020001"),
        ("clubs", "astana", "KZ5907010KSN01020002"),
        ("clubs", "karaganda", "KZ3707010KSN01030001"),
        ("camps", "karaganda", "KZ3707010KSN01030001"),
    ],
)
def test_a_programme_pays_from_its_own_account_or_from_the_area_s(programme, area, account):
    assert store.treasury_of(programme, area).account == account
