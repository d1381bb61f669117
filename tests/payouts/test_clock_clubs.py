"""The month's clock of a club: lessons, a direction, words confirmed one by one."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.attendance import store as sheets
from chalicelib.attendance.rules.marks import IN
from chalicelib.kernel.periods import Month
from chalicelib.payouts import actions
from infra.local.testing import TestCloud
from tests.attendance.builders import at, child, enrolment
from tests.attendance.clubs import AREA, CLUB, DAYS, OCTOBER, PROGRAMME, open_club
from tests.promises.money import mark

PACK_MAX = 18_000_00  # twelve lessons, which is the cap of a month


@pytest.fixture
def club(cloud: TestCloud) -> TestCloud:
    """Six children who came to each of October's twelve lessons."""
    open_club(children_count=6)
    for n in range(1, 7):
        came = [mark(date(2026, 10, day), IN, 16 * 60 - 5) for day in DAYS]
        sheets.add_marks(CLUB, OCTOBER, child(n), came, enrolment_id=enrolment(n))
    return cloud


def clock(cloud: TestCloud, day: str) -> dict[str, object]:
    now = at(f"{day} 12:45")
    cloud.set_clock(now)
    actions.refresh(CLUB, OCTOBER, now=now)
    query = {"programme": PROGRAMME, "area": AREA, "month": "2026-10"}
    said = cloud.get("/v1/payouts/clock", query=query)
    assert said.status == 200, said.text
    (region,) = said.json["regions"]
    return region  # type: ignore[no-any-return]


def test_lessons_stand_at_their_steps_under_the_months_cap(club: TestCloud) -> None:
    found = actions.reckon(CLUB, OCTOBER, now=at("2026-10-31 12:45"))
    (held,) = found.held
    assert (held.reason, held.children, held.days) == ("undecided", 6, 6 * len(DAYS))
    whole = held.tiyn
    assert 0 < whole <= 6 * 2 * PACK_MAX

    steps = {}
    for day in ("2026-10-31", "2026-11-01", "2026-11-09"):
        region = clock(club, day)
        steps[day] = [(one["step"], one["tiyn"], one["units"]) for one in region["steps"]]  # type: ignore[attr-defined]

    assert steps == {
        "2026-10-31": [("attend", whole, 72)],
        "2026-11-01": [("close", whole, 72)],
        "2026-11-09": [("close", whole, 72)],
    }


def test_overdue_of_a_club_stands_under_its_direction(club: TestCloud) -> None:
    region = clock(club, "2026-11-20")

    (late,) = region["overdue"]  # type: ignore[misc]
    assert (late["direction"], late["site_id"], late["step"]) == ("sport", CLUB, "close")


@pytest.mark.parametrize(
    ("instant", "months"),
    [
        ("2026-03-31 23:59", ["2026-03", "2026-02", "2026-01"]),
        ("2026-04-01 00:00", ["2026-04", "2026-03", "2026-02"]),
        ("2026-12-31 23:59", ["2026-12", "2026-11", "2026-10"]),
        ("2027-01-01 00:00", ["2027-01", "2026-12", "2026-11"]),
    ],
)
def test_months_begin_at_midnight_of_almaty(instant: str, months: list[str]) -> None:
    found = [str(month) for pack, month in actions.months_watched(at(instant)) if pack.area == AREA]

    assert found == months
    assert all(Month.parse(one) for one in found)
