"""A third programme without code: summer camps, from application to statement over HTTP.

The pack lies in a folder of its own, as an operator would add it. A day is the unit as in
kindergartens, it has a price as a lesson of clubs has, and vouchers are issued while there is
money: a combination that neither of the two programmes has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.journal import actions as rebuild
from infra.local.testing import TestCloud
from tests.stories.accounts import confirm_accounts
from tests.stories.camping import CAMPS, Story, application, attend, camp, sign, working_days
from tests.stories.people import almaty, bin_, iban

DAY = 4_000_00
CAP = 60_000_00
RESERVE = 72_000_00  # the dearest cap of a month: a rural camp's
HELD = 4 * RESERVE  # May to August


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, cloud: TestCloud) -> TestCloud:
    """The cloud of every story, with a folder of additional packs and an account that pays."""
    monkeypatch.setenv("KEZEK_PACKS", str(Path(__file__).with_name("packs")))
    pays = {"name": "Almaty", "bin": bin_(50), "account": iban(50), "bank": "KKMFKZ2A"}
    monkeypatch.setenv("KEZEK_TREASURY", json.dumps({"almaty": pays}))
    return cloud


@pytest.fixture
def story(cloud: TestCloud, person: Callable[..., Any]) -> Story:
    return Story(cloud, person)


def register(story: Story) -> None:
    """Two camps on the List, four families in the queue; the second's child goes first."""
    story.cloud.set_clock(almaty("2026-05-18T09:00:00"))
    story.operator.put("/v1/providers/imports/site-0000", camp(0, capacity=3))
    story.operator.put("/v1/providers/imports/site-0001", camp(1, capacity=3))
    for n, family in enumerate(story.families):
        story.sign_in(n)
        story.cloud.set_clock(story.cloud.clock() + timedelta(seconds=1))
        statuses = ["disability"] if n == 1 else []
        shown = family.put(f"/v1/applications/application-{n}", application(n, *statuses))
        assert shown["state"] == "queued"
    story.department.put(
        "/v1/applications/application-1/statuses/disability",
        {"result": "proved", "paper_on": "2026-05-01"},
    )


def test_summer_camps_run_from_a_pack_alone(
    story: Story, tablet: Callable[[], Any], cloud: TestCloud
) -> None:
    register(story)
    categories = [story.application(n)["category"]["number"] for n in range(4)]
    assert categories == [3, 1, 3, 3]

    # Money for two: the best category first, then by time; the queue stays open for the others.
    story.allot(2 * HELD, "No. 10")
    story.evening("2026-05-18")
    assert story.states() == ["fulfilled", "fulfilled", "queued", "queued"]
    assert story.voucher(0)["state"] == "confirmed"
    assert story.budget()["left_tiyn"] == 0
    assert story.budget()["committed_tiyn"] == 2 * HELD

    # More money: one more voucher, and what the last family lacks stays visible.
    story.allot(3 * HELD, "No. 11")
    story.evening("2026-05-19")
    assert story.states() == ["fulfilled", "fulfilled", "fulfilled", "queued"]
    place = story.families[3].get("/v1/queue/places/application-3")
    assert (place["place"], place["waiting"]) == (1, 1)
    assert place["money"]["missing_tiyn"] == HELD

    # One thing at a time: camps say nothing of being held beside kindergartens.
    child_id = story.application(0)["child_id"]
    refused = story.families[0].refused(
        "PUT",
        "/v1/applications/application-9",
        {**application(0), "child": None, "child_id": child_id},
    )
    assert refused == "applications/already-applied"

    # Two sign; the third lets the term pass, and its money serves the fourth.
    enrolments = {0: sign(story, 0, "group-0000", "2026-06-01")}
    enrolments[1] = sign(story, 1, "group-0000", "2026-06-01")
    story.evening("2026-05-28")
    assert story.voucher(2)["state"] == "returned"
    assert story.states()[3] == "fulfilled"

    # June: the first child comes every day, the second changes camps on a Wednesday.
    tablets = []
    for n in (0, 1):
        cloud.set_clock(almaty("2026-05-29T10:00:00"))
        code = story.heads[n].put(
            f"/v1/attendance/pairings/pairing-{n}", {"site_id": f"site-000{n}", "label": "Gate"}
        )
        made = tablet()
        assert made.pair(code["code"]).status == 200
        tablets.append(made)
    worked = working_days("2026-06")
    before = [day for day in worked if day <= date(2026, 6, 10)]
    after = [day for day in worked if day > date(2026, 6, 10)]
    for day in before:
        attend(story, tablets[0], enrolments[0], [day])
        if day.weekday() < 2:
            attend(story, tablets[0], enrolments[1], [day])
    cloud.set_clock(almaty("2026-06-10T22:00:00"))
    cloud.fire("run_deadlines")
    assert story.voucher(3)["state"] == "returned"
    moved = story.families[1].put(
        f"/v1/vouchers/{story.voucher(1)['voucher_id']}/transfer", {"group_id": "group-0001"}
    )
    cloud.drain()
    enrolments[1] = moved["enrolment_id"]
    for n, day in enumerate(after):
        attend(story, tablets[0], enrolments[0], [day])
        if n < 5:
            attend(story, tablets[1], enrolments[1], [day])

    # The month closes, families approve, and each day attended has its price up to the cap.
    cloud.advance(almaty("2026-07-01T13:00:00"), only=["run_attendance"])
    for n in (0, 1):
        story.heads[n].put(f"/v1/attendance/sites/site-000{n}/months/2026-06/closing", {})
    cloud.drain()
    child = {n: story.voucher(n)["child_id"] for n in (0, 1)}
    for n in (0, 1):
        path = f"/v1/attendance/children/{child[n]}/months/2026-06"
        for sheet in story.families[n].get(path, query={"programme": "camps"})["items"]:
            story.families[n].put(
                f"{path}/approval",
                {
                    "digest": sheet["digest"],
                    "programme": "camps",
                    "site_id": sheet["site_id"],
                },
            )
    cloud.advance(almaty("2026-07-12T09:00:00"), only=["run_billing"])
    lines: dict[str, list[int]] = {}
    for n in (0, 1):
        month = story.heads[n].get(f"/v1/billing/sites/site-000{n}/months/2026-06")
        for statement in month["statements"]:
            for line in statement["lines"]:
                lines.setdefault(line["child_id"], []).append(line["accrual_tiyn"])
    early = sum(day.weekday() < 2 for day in before)
    assert lines[child[0]] == [min(CAP, len(worked) * DAY)] == [CAP]
    assert lines[child[1]] == [early * DAY, 5 * DAY]

    # Claims pass the same three hands as everywhere.
    cloud.advance(almaty("2026-07-14T09:00:00"), only=["run_claims"])
    wanted = {**CAMPS, "month": "2026-06"}
    claims = story.department.get("/v1/payouts/claims", query=wanted)["claims"]
    assert sum(claim["amount_tiyn"] for claim in claims) == CAP + (early + 5) * DAY
    confirm_accounts(cloud, "almaty", claims)
    for claim in claims:
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        head = story.heads[int(claim["site_id"][-1])]
        head.put(f"{path}/signature", {"amount_tiyn": claim["amount_tiyn"]})
        story.department.put(f"{path}/agreement", {"agreed": True})
        story.finance.put(f"{path}/release", {})
    run = story.finance.put("/v1/payouts/runs/payment-run-1", wanted)
    run = story.other_finance.put(
        "/v1/payouts/runs/payment-run-1/confirmation", {"total_tiyn": run["planned_tiyn"]}
    )
    assert run["total_tiyn"] == CAP + (early + 5) * DAY

    # What June and May held and nobody earned goes back; July and August are still held for two.
    paid = run["total_tiyn"]
    cloud.advance(almaty("2026-08-02T09:00:00"), only=["run_billing"])
    (figures,) = cloud.get("/v1/budgets/camps/almaty/2026/figures").json["budgets"]
    assert figures == {
        "direction": "",
        "allotted_tiyn": 3 * HELD,
        "committed_tiyn": 4 * RESERVE,
        "moved_tiyn": 0,
        "spent_tiyn": paid,
        "left_tiyn": 3 * HELD - 4 * RESERVE - paid,
    }
    cloud.drain()
    assert list(rebuild.differences()) == []
    assert cloud.dead_letters() == []


def test_a_camp_of_a_kind_that_the_pack_does_not_know_is_refused(story: Story) -> None:
    story.cloud.set_clock(almaty("2026-05-18T09:00:00"))
    body = camp(0, capacity=3)
    body["groups"][0]["kind"] = "general"

    assert story.operator.refused("PUT", "/v1/providers/imports/site-0000", body) == (
        "policy/unknown-kind"
    )


def test_without_the_folder_there_is_no_such_programme(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEZEK_PACKS")

    assert (
        story.operator.refused("PUT", "/v1/providers/imports/site-0000", camp(0, capacity=3))
        == "policy/no-pack"
    )
