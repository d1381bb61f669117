"""Whoever never comes, or comes no more: reminded, warned, released; the place goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.local.testing import TestCloud
from tests.stories.clubs import (
    HELD,
    KEPT_OF_TWO,
    MONTH_MAX,
    Story,
    application,
    begins,
    hold_intake,
    paired,
    prepare,
    signed,
    visit,
)
from tests.stories.people import almaty

DAILY = ["run_attendance", "run_deadlines", "run_iteration"]
# Deadlines are looked at every quarter of an hour; over weeks, a few looks a day find as much.
HOURS = timedelta(hours=4)


@pytest.fixture
def story(cloud: TestCloud, person: Callable[..., Any], alone: None) -> Story:
    made = Story(cloud, person)
    prepare(made)
    hold_intake(made)
    cloud.advance(almaty("2026-09-21T21:00:00"), only=DAILY, apart=HOURS)
    return made


def served(story: Story) -> list[int]:
    """Return the families of sport that got a voucher."""
    return [
        n
        for n in range(3)
        if story.families[n].get(f"/v1/applications/application-{n}")["state"] == "fulfilled"
    ]


def told(story: Story, n: int) -> list[str]:
    found = story.families[n].get("/v1/notices", query={"limit": 100})["notices"]
    return [notice["template"].removeprefix("notice:") for notice in found]


def left(story: Story) -> dict[str, int]:
    figures = story.cloud.get("/v1/budgets/clubs/karaganda/2026/figures").json["budgets"]
    return {f["direction"]: f["left_tiyn"] for f in figures}


def test_who_chooses_no_club_goes_back_once_to_the_end_of_the_category_then_is_withdrawn(
    story: Story,
) -> None:
    n, _ = served(story)
    waiting = next(m for m in range(3) if m not in served(story))
    for m in served(story):
        if m != n:
            signed(story, m, "group-0000", "2026-10-01")

    # Ten working days after the issue the voucher is gone and its money serves the next.
    story.cloud.advance(almaty("2026-10-06T21:00:00"), only=DAILY, apart=HOURS)
    shown = story.families[n].get(f"/v1/applications/application-{n}")
    assert (shown["state"], shown["returns_left"]) == ("queued", 0)
    other = story.families[waiting].get(f"/v1/applications/application-{waiting}")
    assert other["state"] == "fulfilled", "behind everybody of the category"
    place = story.families[n].get(f"/v1/queue/places/application-{n}")
    assert place["place"] == 1

    # The next voucher is lost as well: now the application is withdrawn.
    story.finance.put(
        "/v1/budgets/clubs/karaganda/2026/sport",
        {"amount_tiyn": 3 * HELD + 3 * HELD // 9, "act": "No. 8 sport"},
    )
    story.cloud.advance(almaty("2026-10-07T21:00:00"), only=DAILY, apart=HOURS)
    assert story.families[n].get(f"/v1/applications/application-{n}")["state"] == "fulfilled"
    story.cloud.advance(almaty("2026-10-23T21:00:00"), only=DAILY, apart=HOURS)
    assert story.families[n].get(f"/v1/applications/application-{n}")["state"] == "withdrawn"


def test_who_never_comes_loses_the_seat_and_waits_again(
    story: Story, tablet: Callable[[], Any]
) -> None:
    never, comes = served(story)
    for n in (never, comes):
        enrolment = signed(story, n, "group-0000", "2026-10-01")
        if n == comes:
            there = enrolment
    visit(story, paired(story, tablet, 0), "20261002T1600", there)

    # Ten working days after the first day, and ten more for a tablet that was offline.
    story.cloud.advance(almaty("2026-10-27T13:00:00"), only=DAILY[:2], apart=HOURS)

    states = {
        n: story.families[n].get(f"/v1/applications/application-{n}")["state"]
        for n in (never, comes)
    }
    assert states == {never: "queued", comes: "fulfilled"}
    members = story.heads[0].get("/v1/vouchers/sites/site-0000/enrolments")["items"]
    assert [m["state"] for m in members].count("active") == 1
    assert left(story)["sport"] - KEPT_OF_TWO == 2 * MONTH_MAX, "November and December go back"


def test_three_misses_are_said_and_a_month_of_silence_releases_the_voucher(
    story: Story, tablet: Callable[[], Any], cloud: TestCloud
) -> None:
    silent, comes = served(story)
    enrolments = {n: signed(story, n, "group-0000", "2026-10-01") for n in (silent, comes)}
    device = paired(story, tablet, 0)
    visit(story, device, "20261002T1600", *enrolments.values())
    lessons = [
        one["lesson"]
        for month in ("2026-10", "2026-11")
        for one in cloud.get(f"/v1/lessons/groups/group-0000/months/{month}").json["items"]
    ]
    for lesson in lessons:
        if "20261002T1600" < lesson < "20261107":
            cloud.advance(begins(lesson) + timedelta(minutes=10), only=["run_attendance"])
            visit(story, device, lesson, enrolments[comes])

    said = told(story, silent)
    assert said.count("attendance/missed-in-a-row") >= 3, "each third miss of the row"
    assert said.count("attendance/no-visits-soon") == 1
    assert "attendance/missed-in-a-row" not in told(story, comes)

    cloud.advance(almaty("2026-11-07T13:00:00"), only=["run_attendance"])
    voucher = story.voucher(silent)
    assert (voucher["state"], voucher["closed_as"]) == ("closed", "no-visits")
    assert told(story, silent).count("applications/no-longer-comes") == 1
    assert left(story)["sport"] - KEPT_OF_TWO == MONTH_MAX, "December goes back, November was begun"
    # The queue never closed: the family may apply again at once.
    again = story.families[silent].put(
        "/v1/applications/application-again",
        {**application(9, "sport"), "child": None, "child_id": voucher["child_id"]},
    )
    assert again["state"] == "queued"


def test_a_silence_over_two_ends_of_months_is_told_once_and_by_its_true_day(
    story: Story, tablet: Callable[[], Any], cloud: TestCloud
) -> None:
    silent, comes = served(story)
    enrolments = {n: signed(story, n, "group-0000", "2026-09-23") for n in (silent, comes)}
    device = paired(story, tablet, 0)
    visit(story, device, "20261028T1600", *enrolments.values())
    for day in ("2026-11-27", "2026-11-30", "2026-12-01"):
        cloud.advance(almaty(f"{day}T13:00:00"), only=["run_attendance"])

    found = story.families[silent].get("/v1/notices", query={"limit": 100})["notices"]
    warnings = [n["text"] for n in found if n["template"] == "notice:attendance/no-visits-soon"]
    assert len(warnings) == 1
    assert "28.10.2026" in warnings[0]
    assert story.voucher(silent)["state"] == "used"

    cloud.advance(almaty("2026-12-02T13:00:00"), only=["run_attendance"])
    assert story.voucher(silent)["closed_as"] == "no-visits"
