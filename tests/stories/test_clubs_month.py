"""Clubs end to end over HTTP and the real jobs: a window of intake becomes paid lessons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.applications.rules import draw_number
from chalicelib.journal import actions as rebuild
from infra.local.testing import TestCloud
from tests.stories.accounts import confirm_accounts
from tests.stories.clubs import (
    AREA,
    CODE,
    HELD,
    KEPT_OF_ONE,
    KEPT_OF_TWO,
    MONTH_MAX,
    RANDOMNESS,
    Story,
    application,
    approve,
    at_five,
    begins,
    hold_intake,
    paired,
    prepare,
    signed,
    tap,
    visit,
)
from tests.stories.people import almaty


@pytest.fixture
def story(cloud: TestCloud, person: Callable[..., Any], alone: None) -> Story:
    return Story(cloud, person)


def test_a_window_of_intake_becomes_paid_lessons(
    story: Story, tablet: Callable[[], Any], cloud: TestCloud
) -> None:
    prepare(story)
    hold_intake(story)

    # The order is what anybody computes from the seed and the tickets.
    tickets = [
        story.families[n].get(f"/v1/applications/application-{n}")["ticket"] for n in range(4)
    ]
    by_draw = sorted(range(3), key=lambda n: draw_number(RANDOMNESS, tickets[n]))
    first, second, third = by_draw
    cloud.advance(almaty("2026-09-21T21:00:00"), apart=timedelta(hours=4))
    states = {
        n: story.families[n].get(f"/v1/applications/application-{n}")["state"] for n in range(4)
    }
    assert states == {first: "fulfilled", second: "fulfilled", third: "queued", 3: "fulfilled"}

    # Money ended before the queue did: the place and what is missing are seen, applying stays open.
    place = story.families[third].get(f"/v1/queue/places/application-{third}")
    assert (place["place"], place["money"]["missing_tiyn"]) == (1, HELD)
    story.families[4].put("/v1/applications/application-4", application(4, "sport"))
    figures = cloud.get("/v1/budgets/clubs/karaganda/2026/figures").json["budgets"]
    left = {"sport": KEPT_OF_TWO, "creative": KEPT_OF_ONE, "education": 0}
    assert {f["direction"]: f["left_tiyn"] for f in figures} == left, "kept for public clubs"

    # Two families of sport and one of the creative choose; papers are not asked for.
    starts = "2026-10-01"
    tablets = {n: paired(story, tablet, n) for n in (0, 1)}
    enrolments: dict[int, str] = {}
    for n, group_id in ((first, "group-0000"), (second, "group-0000"), (3, "group-0001")):
        enrolments[n] = signed(story, n, group_id, starts)
    public_only = story.families[first].refused(
        "PUT",
        f"/v1/vouchers/{story.voucher(first)['voucher_id']}/transfer",
        {"group_id": "group-0002"},
    )
    assert public_only == "vouchers/wrong-form", "a universal voucher is not for public clubs"

    # October: lessons on Monday, Wednesday, Friday. One is cancelled and made up on a Saturday.
    lessons = [
        one["lesson"]
        for one in cloud.get("/v1/lessons/groups/group-0000/months/2026-10").json["items"]
    ]
    cloud.set_clock(almaty("2026-10-06T09:00:00"))
    story.heads[0].put(
        "/v1/lessons/groups/group-0000/lessons/20261007T1600/cancellation",
        {"reason": "teacher-away"},
    )
    story.heads[0].put(
        "/v1/lessons/groups/group-0000/lessons/20261010T1600/make-up",
        {"instead_of": "20261007T1600"},
    )
    given = sorted({*lessons, "20261010T1600"} - {"20261007T1600"})
    # The first child switches to the creative club in mid-month, from one day to the next.
    before = [lesson for lesson in given if lesson < "20261015"]
    after = [lesson for lesson in given if lesson >= "20261015"]
    taught = [at_five(lesson) for lesson in lessons]
    for lesson in before:
        visit(story, tablets[0], lesson, enrolments[first], enrolments[second])
        if at_five(lesson) in taught:
            visit(story, tablets[1], at_five(lesson), enrolments[3])
    # A visit outside the timetable, or in a cancelled lesson, is evidence and makes no mark.
    for lesson, code in (
        ("20261007T1600", "lesson-cancelled"),
        ("20261008T1600", "outside-timetable"),
    ):
        record = tablets[0].record(enrolments[second], "in", begins(lesson))
        (outcome,) = tablets[0].upload([record]).json["outcomes"]
        assert (outcome["outcome"], outcome["code"]) == ("refused", code)

    cloud.set_clock(almaty("2026-10-14T18:30:00"))
    moved = story.families[first].put(
        f"/v1/vouchers/{story.voucher(first)['voucher_id']}/transfer", {"group_id": "group-0001"}
    )
    assert moved["starts_on"] == "2026-10-15", "any day, no papers, no queue"
    enrolments[first] = moved["enrolment_id"]
    for lesson in after:
        visit(story, tablets[0], lesson, enrolments[second])
        visit(story, tablets[1], at_five(lesson), enrolments[3], enrolments[first])
    # What is left of the month's cap goes along; the new club sees the number and nothing else.
    path = f"/v1/attendance/children/{story.child(first)}/months/2026-10"
    use = story.families[first].get(path, query={"programme": "clubs"})["use"]
    visited = len(before) + len(after)
    assert (use["visited"], use["paid_max"], use["cap_tiyn"]) == (visited, 12, 18_000_00)
    assert use["left_lessons"] == max(12 - visited, 0)
    page = story.heads[1].get("/v1/attendance/sites/site-0001/months/2026-10")["items"]
    left = {sheet["child_id"]: sheet["left_tiyn"] for sheet in page}
    assert left[story.child(first)] == use["left_tiyn"]
    creative = cloud.get("/v1/budgets/clubs/karaganda/2026/figures").json["budgets"]
    held = {f["direction"]: f["committed_tiyn"] for f in creative}
    # Months not begun follow the child; what October may cost stays where it was promised.
    assert held == {"sport": 6 * MONTH_MAX, "creative": 6 * MONTH_MAX, "education": 0}

    # Families speak: one tap a lesson, a code without the cabinet, a contest, a month at once.
    child = {n: story.child(n) for n in (first, second, 3)}
    cloud.set_clock(almaty("2026-10-30T19:00:00"))
    for lesson in before[:3]:
        tap(story, first, lesson)
    stranger = story.families[second].refused(
        "PUT",
        f"/v1/attendance/children/{child[first]}/lessons/{before[3]}/confirmation",
        {"programme": "clubs"},
    )
    assert stranger == "kezek/unknown", "nobody confirms for another family"
    contested = given[-1]
    story.families[second].put(
        f"/v1/attendance/children/{child[second]}/months/2026-10/disputes/{contested}",
        {"claim": "N", "reason": "was-not-there", "programme": "clubs"},
    )
    cloud.advance(almaty("2026-11-01T13:00:00"), only=["run_attendance"])
    told = story.families[first].get("/v1/notices", query={"limit": 100})["notices"]
    codes = [
        code
        for notice in told
        if notice["template"] == "notice:attendance/lessons-to-confirm-by-code"
        for code in CODE.findall(notice["text"])
    ]
    by_code = cloud.put(f"/v1/attendance/confirmations/{codes[0]}", {})
    assert by_code.json == {"lesson": before[3], "confirmed": True}
    again = cloud.put(f"/v1/attendance/confirmations/{codes[0]}", {})
    assert again.json == by_code.json, "spent once, answered alike"

    cloud.advance(almaty("2026-11-02T13:00:00"), only=["run_attendance"])
    for n, site in ((0, "site-0000"), (1, "site-0001")):
        story.heads[n].put(f"/v1/attendance/sites/{site}/months/2026-10/closing", {})
    cloud.drain()
    for n, site in ((first, "site-0000"), (first, "site-0001"), (second, "site-0000")):
        approve(story, n, site)
    # The third family is silent; the officer of the creative direction decides, nobody else.
    cloud.advance(almaty("2026-11-08T13:00:00"), only=["run_attendance"])
    query = {"programme": "clubs", "area": "karaganda", "month": "2026-10"}
    undecided = story.departments["creative"].get("/v1/attendance/undecided", query=query)["items"]
    assert {u["child_id"] for u in undecided} == {child[3]}
    sport = story.departments["sport"].get("/v1/attendance/undecided", query=query)["items"]
    assert {u["child_id"] for u in sport} == {child[second]}
    for department, lines in (("creative", undecided), ("sport", sport)):
        for one in lines:
            for line in one["lines"]:
                counts = one["child_id"] != child[second]
                cloud.set_clock(max(cloud.clock(), almaty("2026-11-09T09:00:00")))
                story.departments[department].put(
                    f"/v1/attendance/sites/{one['site_id']}/months/2026-10/children/"
                    f"{one['child_id']}/decisions/{line['lesson']}",
                    {
                        "counts": counts,
                        "reason": "device-evidence" if counts else "representative-statement",
                        "day_code": "P",
                    }
                    if counts
                    else {"counts": False, "reason": "representative-statement"},
                )

    # What was confirmed is paid: 1,500 a lesson, never above 18,000 for a child, wherever it was.
    cloud.advance(almaty("2026-11-11T09:00:00"), only=["run_billing"])
    earned: dict[str, int] = {}
    for n in (0, 1):
        month = story.heads[n].get(f"/v1/billing/sites/site-000{n}/months/2026-10")
        for statement in month["statements"]:
            for line in statement["lines"]:
                earned[line["child_id"]] = earned.get(line["child_id"], 0) + line["movement_tiyn"]
    assert earned == {
        child[first]: min(len(before) + len(after), 12) * 1_500_00,
        child[second]: min(len(given) - 1, 12) * 1_500_00,
        child[3]: min(len(taught), 12) * 1_500_00,
    }
    figures = cloud.get("/v1/budgets/clubs/karaganda/2026/figures").json["budgets"]
    assert sum(f["spent_tiyn"] for f in figures) == sum(earned.values())
    kept = [KEPT_OF_ONE, 0, KEPT_OF_TWO]
    assert [f["left_tiyn"] for f in figures] == kept, "paid from what was promised"

    # Each direction's department agrees its own; the register goes to the bank on the 18th.
    cloud.advance(almaty("2026-11-14T09:00:00"), only=["run_claims"])
    wanted = {**AREA, "month": "2026-10"}
    for direction, n in (("sport", 0), ("creative", 1)):
        claims = story.departments[direction].get("/v1/payouts/claims", query=wanted)["claims"]
        (claim,) = claims
        confirm_accounts(cloud, "karaganda", claims)
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        story.heads[n].put(f"{path}/signature", {"amount_tiyn": claim["amount_tiyn"]})
        other = story.departments["education"].refused("PUT", f"{path}/agreement", {"agreed": True})
        assert other == "kezek/unknown"
        story.departments[direction].put(f"{path}/agreement", {"agreed": True})
        story.finance.put(f"{path}/release", {})
    run = story.finance.put("/v1/payouts/runs/payment-run-1", wanted)
    run = story.other_finance.put(
        "/v1/payouts/runs/payment-run-1/confirmation", {"total_tiyn": run["planned_tiyn"]}
    )
    assert run["total_tiyn"] == sum(earned.values())

    # What nobody used of September and October goes back, and the family that waits is served.
    evenings = ["run_billing", "run_iteration", "run_deadlines"]
    cloud.advance(almaty("2026-12-02T21:00:00"), only=evenings, apart=timedelta(hours=4))
    assert (
        story.families[third].get(f"/v1/applications/application-{third}")["state"] == "fulfilled"
    )

    cloud.drain()
    assert list(rebuild.differences()) == []
    assert cloud.dead_letters() == []
