"""A9, in clubs: of two who want the same at the same instant one has it, and the other hears why.

Seats, vouchers, money and words of a family: each race is run in the state in which the city's
autumn comes to it, and put back.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

from chalicelib.journal import actions as journal
from infra.local.testing import Said, TestCloud
from tests.promises import script, script_clubs
from tests.promises.rewind import Kept
from tests.promises.script_clubs import BUDGET, HERE, ClubsCity, child, register_row, week, wish

_WON = (200, None)
# A voucher's five months from August on, at 21,600 tenge.
_HELD = 5 * 21_600_00


class Races:
    """Runs requests at one instant, compares what was said, and puts the tables back."""

    def __init__(self, city: ClubsCity) -> None:
        self.city = city
        self.broken: list[str] = []

    def run(
        self,
        name: str,
        *asked: tuple[Any, str, Any],
        ends: tuple[tuple[int, str | None], ...],
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        """ends: what the requests are answered with, whoever wins."""
        kept = Kept(self.city.cloud.tables)
        got = self.at_once(asked)
        ended = sorted((said.status, said.code or "") for said in got)
        if ended != sorted((status, code or "") for status, code in ends):
            self.broken.append(f"{name}: {[(s.status, s.text[:200]) for s in got]}")
        if not holds():
            self.broken.append(f"{name}: afterwards the books are wrong")
        kept.put_back()

    def at_once(self, asked: tuple[tuple[Any, str, Any], ...]) -> list[Said]:
        ready = threading.Barrier(len(asked))
        got: list[Said] = []

        def send(who: Any, path: str, body: Any) -> None:
            token = who.token()
            ready.wait()
            got.append(self.city.cloud.put(path, body, token=token))

        threads = [threading.Thread(target=send, args=one) for one in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return got

    def left(self) -> dict[str, int]:
        """Return what each direction has left; nothing may be below zero."""
        figures = self.city.cloud.get(f"{BUDGET}/figures").json["budgets"]
        for one in figures:
            parts = one["committed_tiyn"] + one["spent_tiyn"] + one["left_tiyn"]
            assert one["allotted_tiyn"] + one["moved_tiyn"] == parts
            assert min(one["committed_tiyn"], one["spent_tiyn"], one["left_tiyn"]) >= 0
        return {one["direction"]: one["left_tiyn"] for one in figures}


def _place(n: int, group_id: str = "group-0002") -> dict[str, Any]:
    return {"group_id": group_id, "child": child(n)}


def test_a9_a_seat_a_voucher_and_the_last_money_are_had_once(cloud: TestCloud) -> None:
    city = ClubsCity(cloud)
    for part in (
        script_clubs.admission,
        script_clubs.publishing,
        script_clubs.window,
        script_clubs.choosing,
    ):
        part(city)
    city.at("2026-08-18T09:00:00")
    one, two = city.families[7], city.families[8]
    for n, family in ((27, one), (28, two)):
        city.does(family, "/v1/children/me", script.me(n))
    races = Races(city)
    target = "/v1/vouchers/voucher-100{}/target"

    races.run(
        "the last free place",
        (one, target.format(7), _place(27)),
        (two, target.format(8), _place(28)),
        ends=(_WON, (409, "providers/no-place")),
    )
    races.run(
        "two vouchers for a child",
        (one, target.format(7), _place(27)),
        (one, target.format(8), _place(27)),
        ends=(_WON, (409, "vouchers/held-already")),
    )
    row = {**register_row(27), "representative": script.me(27), "group_id": "group-0001"}
    races.run(
        "a child taken over twice",
        (city.operator, "/v1/vouchers/imports/voucher-1007", row),
        (city.operator, "/v1/vouchers/imports/voucher-1008", row),
        ends=(_WON, (409, "vouchers/held-already")),
    )
    budget = city.does(city.finance, f"{BUDGET}/sport", {"amount_tiyn": 10**9, "act": "No. 8"})
    enough = {"amount_tiyn": budget["committed_tiyn"] + _HELD, "act": "No. 9"}
    city.does(city.finance, f"{BUDGET}/sport", enough)
    rows = {
        n: {**register_row(n), "representative": script.me(n), "group_id": "group-0000"}
        for n in (27, 28)
    }
    races.run(
        "the last money",
        *((city.operator, f"/v1/vouchers/imports/voucher-10{n}", rows[n]) for n in rows),
        ends=(_WON, (409, "budgets/short")),
        holds=lambda: races.left()["sport"] == 0,
    )
    races.run(
        "a voucher and a smaller budget",
        (city.operator, "/v1/vouchers/imports/voucher-1027", rows[27]),
        (city.finance, f"{BUDGET}/sport", {**enough, "amount_tiyn": 0, "act": "No. 10"}),
        ends=(_WON, (409, "budgets/short")),
        holds=lambda: races.left()["sport"] >= 0,
    )
    path = city.voucher_path(1)
    races.run(
        "two ways to switch",
        (city.families[1], f"{path}/transfer", {"group_id": "group-0001"}),
        (city.families[1], f"{path}/transfer", {"group_id": "group-0009"}),
        ends=(_WON, _WON),
        holds=lambda: bool(races.left()) and _goes_to_one(city, 1),
    )
    races.run(
        "two weeks from one day",
        *(
            (
                city.heads[0],
                "/v1/lessons/groups/group-0000/timetable",
                {"from_on": "2026-09-07", "lessons": week(day, starts="10:00")},
            )
            for day in (1, 2)
        ),
        ends=(_WON, (409, "kezek/another-content")),
    )

    assert not races.broken, "\n".join(races.broken)
    assert list(journal.differences()) == []


def _goes_to_one(city: ClubsCity, n: int) -> bool:
    """Whether of all rosters one has the child from now on."""
    voucher_id = city.voucher(n)["voucher_id"]
    found = []
    for head, site in ((0, "site-0000"), (1, "site-0001"), (9, "site-0009")):
        listed = city.heads[head].get(f"/v1/vouchers/sites/{site}/enrolments")["items"]
        found += [e for e in listed if e["voucher_id"] == voucher_id and e["ends_on"] is None]
    return len(found) == 1


def test_a9_a_window_is_drawn_once_and_nobody_applies_twice(cloud: TestCloud) -> None:
    city = ClubsCity(cloud)
    for part in (script_clubs.admission, script_clubs.publishing):
        part(city)
    races = Races(city)
    path = "/v1/applications/intakes/intake-{}"
    asked = {
        **HERE,
        "opens_at": "2026-08-11T09:00:00+05:00",
        "closes_at": "2026-08-15T18:00:00+05:00",
        "beacon_at": "2026-08-16T12:00:00+05:00",
    }
    races.run(
        "two windows at one time",
        *((city.operator, path.format(n), asked) for n in (1, 2)),
        ends=(_WON, (409, "applications/windows-overlap")),
    )
    announced = city.does(city.operator, path.format(1), asked)
    city.at("2026-08-12T09:00:00")
    city.does(city.families[0], "/v1/children/me", script.me(0))
    elsewhere = {**wish(0, "sport"), "area": "astana"}
    for name, other in (("two wishes", wish(0, "creative")), ("two cities", elsewhere)):
        races.run(
            name,
            (city.families[0], "/v1/applications/application-1", wish(0, "sport")),
            (city.families[0], "/v1/applications/application-2", other),
            ends=(_WON, (409, "applications/already-applied")),
        )
    city.at("2026-08-16T12:00:10")
    values = [
        {
            "round": announced["beacon"]["round"],
            "randomness": hashlib.sha256(signature).hexdigest(),
            "signature": signature.hex(),
        }
        for signature in (b"k" * 48, b"l" * 48)
    ]
    races.run(
        "two values of the beacon",
        *((city.operator, f"{path.format(1)}/beacon", value) for value in values),
        ends=(_WON, (409, "applications/already-drawn")),
    )

    assert not races.broken, "\n".join(races.broken)
    assert list(journal.differences()) == []


def test_a9_a_lesson_is_confirmed_or_contested_never_both(cloud: TestCloud) -> None:
    city = ClubsCity(cloud)
    for part in city.parts[:5]:
        part(city)
    city.at("2026-09-24T19:00:00")
    races = Races(city)
    family, month = city.families[0], f"/v1/attendance/children/{city.children[0]}"
    confirmed = f"{month}/lessons/20260903T1600/confirmation"
    contested = f"{month}/months/2026-09/disputes/20260903T1600"
    said = {"programme": "clubs"}
    claim = {"claim": "N", "reason": "was-not-there", **said}
    lessons = "/v1/lessons/groups/group-0000/lessons"

    kept = Kept(cloud.tables)
    for _ in range(3):
        got = races.at_once(((family, confirmed, said), (family, contested, claim)))
        codes = {one.code for one in got}
        if codes not in (
            {None, "attendance/locked"},
            {None, "attendance/line-disputed"},
        ):
            races.broken.append(f"confirmed and contested: {[one.text[:200] for one in got]}")
        kept.put_back()
    races.run(
        "all at once",
        *(
            (family, f"{month}/lessons/202609{day}T1600/confirmation", said)
            for day in ("01", "03", "08", "12", "15", "17")
        ),
        ends=(_WON,) * 6,
    )
    races.run(
        "two reasons to cancel",
        *(
            (city.heads[0], f"{lessons}/20260929T1600/cancellation", {"reason": reason})
            for reason in ("weather", "other")
        ),
        ends=(_WON, (409, "kezek/another-content")),
    )
    city.does(city.heads[0], f"{lessons}/20260929T1600/cancellation", {"reason": "weather"})
    races.run(
        "made up twice",
        *(
            (
                city.heads[0],
                f"{lessons}/20260930T{hour}00/make-up",
                {"instead_of": "20260929T1600"},
            )
            for hour in (10, 12)
        ),
        ends=(_WON, (409, "lessons/made-up-already")),
    )

    assert not races.broken, "\n".join(races.broken)
    assert list(journal.differences()) == []
