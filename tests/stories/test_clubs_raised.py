"""Raised financing in mid-month: recorded by the department, earned from its day, in parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.local.testing import TestCloud
from tests.stories.clubs import Story, approve, hold_intake, paired, prepare, signed, visit
from tests.stories.people import almaty

RAISED = {"act": "№ 14, 05.10.2026"}


@pytest.fixture
def story(cloud: TestCloud, person: Callable[..., Any], alone: None) -> Story:
    made = Story(cloud, person)
    prepare(made)
    hold_intake(made)
    cloud.advance(
        almaty("2026-09-21T21:00:00"),
        only=["run_iteration", "run_deadlines"],
        apart=timedelta(hours=4),
    )
    return made


def test_raised_financing_earns_from_its_day_and_is_shown_in_parts(
    story: Story, tablet: Callable[[], Any], person: Callable[..., Any], cloud: TestCloud
) -> None:
    n = next(
        n
        for n in range(3)
        if story.families[n].get(f"/v1/applications/application-{n}")["state"] == "fulfilled"
    )
    enrolments = [signed(story, n, "group-0000", "2026-10-01")]
    device = paired(story, tablet, 0)
    for lesson in ("20261002T1600", "20261005T1600"):
        visit(story, device, lesson, *enrolments)
    path = f"/v1/vouchers/{story.voucher(n)['voucher_id']}/special-needs"

    # Every department asks, only the club's own may; money is asked first.
    assert story.departments["creative"].refused("PUT", path, RAISED) == "kezek/unknown"
    assert story.families[n].refused("PUT", path, RAISED) == "kezek/not-your-role"
    story.finance.put(
        "/v1/budgets/clubs/karaganda/2026/sport",
        {"amount_tiyn": 10_000_000_00, "act": "No. 9 sport"},
    )
    sport = story.departments["sport"]
    weak = cloud.put(
        path, RAISED, token=cloud.token("department", sport.subject, **sport.claims, acr="password")
    )
    assert (weak.status, weak.code) == (401, "kezek/step-up")
    colleague = person("department", "colleague", areas=["karaganda"], directions=["sport"])
    assert "proposal_id" in colleague.put(path, RAISED)
    first = sport.put(path, RAISED)
    assert sport.put(path, RAISED) == first

    enrolled = story.heads[0].get("/v1/vouchers/sites/site-0000/enrolments")["items"]
    (goes_on,) = [e for e in enrolled if e["starts_on"] == "2026-10-06"]
    visit(story, device, "20261007T1600", goes_on["enrolment_id"])
    cloud.advance(almaty("2026-11-02T13:00:00"), only=["run_attendance"])
    story.heads[0].put("/v1/attendance/sites/site-0000/months/2026-10/closing", {})
    cloud.drain()
    approve(story, n, "site-0000")
    cloud.advance(almaty("2026-11-11T09:00:00"), only=["run_billing"])

    month = story.heads[0].get("/v1/billing/sites/site-0000/months/2026-10")
    (line,) = [
        line
        for statement in month["statements"]
        for line in statement["lines"]
        if line["child_id"] == story.child(n)
    ]
    # Two lessons at 1,500 and one at 2,250 tenge; the raise stands apart and adds up.
    assert line["accrual_tiyn"] == 5_250_00
    parts = line["parts"]
    assert sum(parts.values()) == 5_250_00
    assert parts["base"] == 4_500_00
    assert set(parts) == {"base", "assistant", "adapted-programme", "small-group"}
