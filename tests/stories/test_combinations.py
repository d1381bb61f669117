"""What a pack may say, code does: each combination of switches, from application to statement.

The pack of the summer camps with other switches, in a folder of the test. Three units of June are
attended; what they earn follows from the pack alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.testing import TestCloud
from tests.stories.camping import Story, application, camp, working_days
from tests.stories.people import almaty

PACK = Path(__file__).parent / "packs" / "camps-almaty.toml"
LESSON_CANCELLED = """
[[absence]]
reason = "L"
paid = false
counted = false
valid_from = 2026-01-01
source = "policy"
kk = "Сабақ болмады"
ru = "Занятие отменено"
en = "Lesson cancelled"
"""
TARGET = """
[[voucher_kinds]]
code = "target"
queued = false
reserved = false
forms = ["public"]
valid_from = 2026-01-01
source = "policy"
kk = "Кезексіз ваучер"
ru = "Ваучер без очереди"
en = "Voucher without a queue"
"""
MONDAYS = ("2026-06-01", "2026-06-08", "2026-06-15")


@dataclass(frozen=True, kw_only=True)
class Switches:
    """What this camp's pack says instead."""

    unit: str = "day"
    pays: str = "per-unit"
    vouchers: str = "by-budget"
    confirm: int = 0
    papers: bool = False
    per_line: bool = False
    directions: bool = False
    by_kind: bool = False
    target: bool = False
    earned: int

    @property
    def name(self) -> str:
        asked = [name for name in ("papers", "per_line", "directions", "by_kind", "target")
                 if getattr(self, name)]  # fmt: skip
        confirmed = ["confirm"] if self.confirm else []
        return " ".join([self.unit, self.pays, self.vouchers, *confirmed, *asked])

    def pack(self) -> str:
        """Return the file; every edit must find its place."""
        text = PACK.read_text("utf-8")

        def say(old: str, new: str) -> None:
            nonlocal text
            assert old in text, old
            text = text.replace(old, new)

        if self.unit == "lesson":
            say('unit = "day"', 'unit = "lesson"')
            say('hours = ["9"]', 'hours = ["60"]')
            say('hours = "9"', 'hours = "60"')
            say('ways = ["educator"]\n', 'ways = ["educator"]\nearly_minutes = 15\n')
            text += LESSON_CANCELLED
        if self.pays == "share-of-month":
            say('pays = "per-unit"', 'pays = "share-of-month"')
            say('per = "unit"\nrate_tiyn = 400_000\n', 'per = "month"\nrate_tiyn = 6_600_000\n')
            say("cap_tiyn = 6_000_000\n", "")
        if self.vouchers == "with-place":
            say('vouchers = "by-budget"', 'vouchers = "with-place"')
            say("reserved = true", "reserved = false")
        if self.confirm:
            say(
                'code = "confirm_working_days"\nvalue = 0',
                f'code = "confirm_working_days"\nvalue = {self.confirm}',
            )
        if self.papers:
            say('code = "papers"\nvalue = false', 'code = "papers"\nvalue = true')
        if self.per_line:
            say("per_line = false", "per_line = true")
        if self.target:
            say('forms = ["public", "private", "other"]', 'forms = ["private", "other"]')
            text += TARGET
        if self.by_kind:
            say('by = "area"', 'by = "kind"')
        if self.directions:
            say("by_direction = false", "by_direction = true")
            say('code = "day-camp"\n', 'code = "day-camp"\ndepartment = "summer"\n')
        return re.sub(r"\n{3,}", "\n\n", text)


PER_DAY = 3 * 4_000_00
SHARE_OF_DAYS = 3 * 66_000_00 // 22
SHARE_OF_LESSONS = 3 * 66_000_00 // 5  # five Mondays


def through_the_queue(story: Story, switches: Switches) -> str:
    """Return the voucher that the evening's run brings, confirmed where that is asked."""
    wish = {"language": "ru", "kind": "day-camp"} if switches.vouchers == "with-place" else {}
    story.families[0].put("/v1/applications/application-0", application(0, **wish))
    story.evening("2026-05-18")
    if switches.confirm:
        assert story.application(0)["state"] == "offered"
        story.families[0].put("/v1/applications/application-0/confirmation")
    assert story.voucher(0)["state"] == "confirmed"
    voucher = f"/v1/vouchers/{story.voucher(0)['voucher_id']}"
    story.families[0].put(f"{voucher}/choice", {"group_id": "group-0000"})
    return voucher


def without_a_queue(story: Story) -> str:
    """Return the voucher of a free place."""
    voucher = "/v1/vouchers/voucher-0000"
    asked = {"group_id": "group-0000", "child": application(0)["child"]}
    assert story.families[0].put(f"{voucher}/target", asked)["state"] == "confirmed"
    return voucher


@pytest.mark.parametrize(
    "switches",
    [
        Switches(vouchers="with-place", earned=PER_DAY),
        Switches(pays="share-of-month", earned=SHARE_OF_DAYS),
        Switches(pays="share-of-month", vouchers="with-place", papers=True, earned=SHARE_OF_DAYS),
        Switches(confirm=2, papers=True, earned=PER_DAY),
        Switches(directions=True, earned=PER_DAY),
        Switches(directions=True, by_kind=True, earned=PER_DAY),
        Switches(target=True, earned=PER_DAY),
        Switches(target=True, pays="share-of-month", papers=True, earned=SHARE_OF_DAYS),
        Switches(unit="lesson", earned=PER_DAY),
        Switches(unit="lesson", per_line=True, vouchers="with-place", confirm=2, earned=PER_DAY),
        Switches(unit="lesson", pays="share-of-month", earned=SHARE_OF_LESSONS),
    ],
    ids=lambda switches: switches.name,
)
def test_a_combination_of_switches_pays_what_the_pack_says(
    switches: Switches,
    cloud: TestCloud,
    person: Callable[..., Any],
    tablet: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "camps-almaty.toml").write_text(switches.pack(), encoding="utf-8")
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path))
    story = Story(cloud, person, directions=["day-camp"] if switches.directions else None)
    lessons = switches.unit == "lesson"

    # One camp, one family, money enough.
    cloud.set_clock(almaty("2026-05-18T09:00:00"))
    body = camp(0, capacity=3)
    body["groups"][0]["hours"] = "60" if lessons else "9"
    if switches.directions:
        body["direction"] = "day-camp"
    if switches.target:
        body = {**body, "form": "public"}
    story.operator.put("/v1/providers/imports/site-0000", body)
    budget = "/v1/budgets/camps/almaty/2026" + ("/day-camp" if switches.by_kind else "")
    story.finance.put(budget, {"amount_tiyn": 10_000_000_00, "act": "No. 1"})
    if lessons:
        week = [{"weekday": 1, "starts": "10:00", "minutes": 60}]
        story.heads[0].put(
            "/v1/lessons/groups/group-0000/timetable", {"from_on": "2026-06-01", "lessons": week}
        )
    story.sign_in(0)
    voucher = without_a_queue(story) if switches.target else through_the_queue(story, switches)
    if switches.papers:
        story.heads[0].put(f"{voucher}/papers", {"result": "accepted"})
    signed = story.families[0].put(f"{voucher}/contract", {"starts_on": "2026-06-01"})
    child = story.families[0].get(voucher)["child_id"]

    # Three units of June.
    cloud.set_clock(almaty("2026-05-29T10:00:00"))
    code = story.heads[0].put(
        "/v1/attendance/pairings/pairing-0", {"site_id": "site-0000", "label": "Gate"}
    )
    gate = tablet()
    assert gate.pair(code["code"]).status == 200
    days = MONDAYS if lessons else tuple(map(str, working_days("2026-06")[:3]))
    for day in days:
        came = almaty(f"{day}T09:55:00")
        cloud.set_clock(came + timedelta(hours=8))
        pair = [
            gate.record(signed["enrolment_id"], "in", came),
            gate.record(signed["enrolment_id"], "out", came + timedelta(hours=2)),
        ]
        said = gate.upload(pair)
        assert {o["outcome"] for o in said.json["outcomes"]} == {"accepted"}, said.text
        if switches.per_line:
            line = f"{day.replace('-', '')}T1000"
            story.families[0].put(
                f"/v1/attendance/children/{child}/lessons/{line}/confirmation",
                {"programme": "camps"},
            )

    # The month, its statement, its claim.
    cloud.set_clock(almaty("2026-07-01T13:00:00"))
    cloud.fire("run_attendance")
    story.heads[0].put("/v1/attendance/sites/site-0000/months/2026-06/closing", {})
    cloud.drain()
    path = f"/v1/attendance/children/{child}/months/2026-06"
    (sheet,) = story.families[0].get(path, query={"programme": "camps"})["items"]
    if not switches.per_line:
        approval = {"digest": sheet["digest"], "programme": "camps"}
        story.families[0].put(f"{path}/approval", approval)
    cloud.set_clock(almaty("2026-07-11T09:00:00"))
    cloud.fire("run_billing")
    month = story.heads[0].get("/v1/billing/sites/site-0000/months/2026-06")
    assert month["due_tiyn"] == month["posted_tiyn"] == switches.earned
    cloud.set_clock(almaty("2026-07-14T09:00:00"))
    cloud.fire("run_claims")
    wanted = {"programme": "camps", "area": "almaty", "month": "2026-06"}
    claims = story.department.get("/v1/payouts/claims", query=wanted)["claims"]
    assert [claim["amount_tiyn"] for claim in claims] == [switches.earned]
    assert cloud.dead_letters() == []


BANDS_OFF = """bands = []
youngest_last = false
label = { kk = "{tier}", ru = "{tier}", en = "{tier}" }
"""
BANDS_ON = """bands = [10, 15]
youngest_last = false
label = { kk = "{tier}, {from}–{to}", ru = "{tier}, {from}–{to}", en = "{tier}, {from}-{to}" }
"""
A_VOUCHER = 4 * 72_000_00  # what one holds from May to August


def test_with_bands_of_age_vouchers_go_tier_by_tier_and_oldest_first(
    cloud: TestCloud,
    person: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = PACK.read_text("utf-8")
    assert BANDS_OFF in text
    pack = tmp_path / "camps-almaty.toml"
    pack.write_text(text.replace(BANDS_OFF, BANDS_ON), encoding="utf-8")
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path))
    story = Story(cloud, person)
    cloud.set_clock(almaty("2026-05-18T09:00:00"))
    children = [("2017-03-14", False), ("2012-03-14", False), ("2017-03-14", True),
                ("2012-03-14", True)]  # fmt: skip
    for n, (birth_date, first) in enumerate(children):
        story.sign_in(n)
        asked = application(n, *(["disability"] if first else []))
        asked["child"]["birth_date"] = birth_date
        story.families[n].put(f"/v1/applications/application-{n}", asked)
        if first:
            story.department.put(
                f"/v1/applications/application-{n}/statuses/disability",
                {"result": "proved", "paper_on": "2026-05-01"},
            )

    categories = [story.application(n)["category"] for n in range(4)]
    served = []
    for n, day in enumerate(("2026-05-18", "2026-05-19", "2026-05-20", "2026-05-21"), start=1):
        story.allot(n * A_VOUCHER, f"No. {n}")
        story.evening(day)
        served.append([k for k in range(4) if story.application(k)["state"] == "fulfilled"])

    assert [category["number"] for category in categories] == [6, 5, 2, 1]
    assert categories[0]["text"] == "Қалған балалар, 7–10"
    assert served == [[3], [2, 3], [1, 2, 3], [0, 1, 2, 3]]
