"""September: money is allotted, clubs are listed, a platform moves in, a window opens and is drawn.

Nobody gains by being first: all applications of the window count as one moment, and the beacon's
value that orders them was named before anybody could apply. The money ends before the queue does.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from infra.client import Answer
from infra.command.saying import progress
from infra.demo import admitting
from infra.demo.clubs import sample
from infra.demo.clubs.sample import DIRECTIONS, Family, House
from infra.demo.stage import HANDS, Stage, Unexpected, at, claimed, good, pages
from infra.imports import moving, names, reconciling, running
from infra.imports.reconciling import Moved
from infra.imports.running import Result
from infra.local import issuer
from samples.clubs import plan, pupils
from samples.clubs.city import TARGET

START = at("2026-08-24", "09:00")
FIRST_DAY = "2026-10-01"
INTAKE = "autumn-2026"
ANNOUNCED, OPENS, CLOSES = at("2026-08-25"), at("2026-09-07"), at("2026-09-13", "18:00")
# Half the families come in the first hour, as ever; it helps them nothing.
WAVES = (at("2026-09-07", "09:01"), at("2026-09-09", "20:00"), at("2026-09-13", "17:00"))
MOVES_IN = at("2026-09-14", "09:00")
BEACON_AT = at("2026-09-15", "12:00")
RUN_AT = at("2026-09-15", "18:46")
YEAR = 2026
# What is left of a direction's budget: less than any voucher takes.
TOO_LITTLE_TIYN = 3_000_000
NEW = {
    "name": "Жаңа қанат",
    "address": "Қарағанды, Бұқар жырау даңғылы, 1",
    "direction": "creative",
    "location": {"lat": 49.8047, "lon": 73.1094},
}


@dataclass(slots=True)
class Autumn:
    """What September left behind. vouchers: number → voucher id; children: number → child id.

    enrolments: number → its enrolments, the first first. tickets: number → public ticket.
    """

    rules: dict[str, Any] = field(default_factory=dict)
    admission: list[str] = field(default_factory=list)
    imported: Result | None = None
    warned: int = 0
    moved: dict[str, Moved] = field(default_factory=dict)
    balances: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: Counter[str] = field(default_factory=Counter)
    proved: int = 0
    seed: str = ""
    checked_order: bool = False
    waiting: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int | None] = field(default_factory=dict)
    issued: Counter[str] = field(default_factory=Counter)
    waiting_after: Counter[str] = field(default_factory=Counter)
    place: dict[str, Any] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    vouchers: dict[str, str] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)
    enrolments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    winners: dict[str, list[str]] = field(default_factory=dict)
    never_choose: list[str] = field(default_factory=list)
    target: int = 0
    given_back: Counter[str] = field(default_factory=Counter)
    last_category: int = 0
    allotted: dict[str, int] = field(default_factory=dict)
    caught: dict[str, str] = field(default_factory=dict)


def play(stage: Stage) -> Autumn:
    """Play September."""
    autumn = Autumn()
    autumn.rules = admitting.rules_on(stage, START.date())
    with stage.act("budgets, the List, timetables"):
        autumn.admission = admitting.play(stage, START.date(), NEW)
        _list(stage, autumn)
        _allot(stage, autumn)
    with stage.act("a window of intake"):
        _announce(stage)
        _apply(stage, autumn)
    with stage.act("Damubala moves in"):
        stage.jump(MOVES_IN)
        move_in(stage, autumn, pupils.DAMUBALA)
        _second_voucher(stage, autumn)
        _prove(stage, autumn)
    with stage.act("draw and iteration"):
        _draw(stage, autumn)
        autumn.waiting = standing(stage)
        stage.live(RUN_AT, "run_iteration", "run_deadlines")
        _look(stage, autumn)
    with stage.act("choice and contract"):
        stage.jump(at("2026-09-16", "10:00"))
        _choose(stage, autumn)
        _target(stage, autumn)
        _give_back(stage, autumn)
    return autumn


# --- the List and the money -----------------------------------------------------------------------


def _list(stage: Stage, autumn: Autumn) -> None:
    with progress(f"importing {sample.CLUBS}") as bar:
        autumn.imported = running.run(
            "providers",
            sample.FOLDER / sample.CLUBS,
            stage.officer("operator"),
            system=names.SYSTEM,
            programme=stage.programme,
            issuer=issuer.NAME,
            at_once=HANDS,
            on_progress=bar.at,
        )
    teachers, weekly = sample.teachers(), sample.timetables()

    def publish(house: House) -> int:
        head = stage.head(house.organisation_id)
        path = f"/v1/providers/sites/{house.site_id}/teachers"
        good(head.put(path, {"teachers": teachers[house.code]}))
        warned = 0
        for code, lessons in weekly.items():
            if sample.house_of(code) is not house:
                continue
            told = good(
                head.put(
                    f"/v1/lessons/groups/{names.group(code)}/timetable",
                    {"from_on": FIRST_DAY, "lessons": lessons},
                )
            )
            warned += any(w["month"] == FIRST_DAY[:7] for w in told["warnings"])
        return warned

    houses = list(sample.houses().values())
    autumn.warned = sum(stage.each("timetables and teachers", houses, publish))
    stage.calls += len(weekly)


def voucher_tiyn(autumn: Autumn, months: int, *, sen: bool = False) -> int:
    """Return what a voucher reserves: the dearest month of any club, for so many months."""
    dearest = max(
        row["cap_tiyn"]
        * row.get("rural_per_mille", 1000)
        // 1000
        * (row["sen_per_mille"] if sen else 1000)
        // 1000
        for row in autumn.rules["rates"]
    )
    return int(dearest) * months


def _allot(stage: Stage, autumn: Autumn) -> None:
    """Each direction gets what its vouchers take until December, and a little that is too little.

    Vouchers of the run and those that Damubala brings hold September to December. A tenth of the
    budget is not promised to the queue: from it families take places in public clubs.
    """
    told = sample.expected()
    for direction in DIRECTIONS:
        plain = told["vouchers_by_run"][direction] - told["sen_vouchers_by_run"][direction]
        if direction != "sport":
            plain += told["moved_universal"][direction] + told["had_before"][direction]
        plain += moved_target(pupils.DAMUBALA, direction)
        sen = told["sen_vouchers_by_run"][direction]
        amount = plain * voucher_tiyn(autumn, 4) + sen * voucher_tiyn(autumn, 4, sen=True)
        autumn.allotted[direction] = (amount + TOO_LITTLE_TIYN) * 10 // 9
        allot(stage, autumn, direction, 0, "Решение маслихата № 21-3")


def moved_target(platform: str, direction: str) -> int:
    """Return how many children a register brings to public clubs of a direction."""
    return sum(
        (p.stream, p.platform, p.direction) == (TARGET, platform, direction)
        for p in sample.of_way(pupils.VOUCHER)
    )


def allot(stage: Stage, autumn: Autumn, direction: str, more_tiyn: int, act: str) -> None:
    """Add to a direction's budget of the year by an act."""
    autumn.allotted[direction] += more_tiyn
    path = f"/v1/budgets/{stage.programme}/{stage.area}/{YEAR}/{direction}"
    asked = {"amount_tiyn": autumn.allotted[direction], "act": act}
    good(stage.officer("finance").put(path, asked))
    stage.calls += 1


# --- the window -----------------------------------------------------------------------------------


def _announce(stage: Stage) -> None:
    """Name the window and the beacon's moment, a week before and more."""
    stage.jump(ANNOUNCED)
    asked = {
        "programme": stage.programme,
        "area": stage.area,
        "opens_at": OPENS.isoformat(),
        "closes_at": CLOSES.isoformat(),
        "beacon_at": BEACON_AT.isoformat(),
    }
    good(stage.officer("operator").put(f"/v1/applications/intakes/{INTAKE}", asked))
    early = _ask(stage, next(iter(_of_window())))
    if early.code != "applications/intake-not-open":
        raise Unexpected(f"an application before the window: {early.status} {early.code}")


def _of_window() -> list[Family]:
    return [sample.families()[p.number] for p in sample.of_way(pupils.WINDOW)]


def _ask(stage: Stage, family: Family, name: str = "", *, language: str = "ru") -> Answer:
    """Register and apply, as a family does on the portal; language: of the answer."""
    api = stage.family(family.account)
    api.language = language
    person = family.body["representative"]
    registered = api.put("/v1/children/me", person)
    if not registered.good:
        return registered
    asked = {
        "programme": stage.programme,
        "area": stage.area,
        "language": "any",
        "kind": family.direction,
        "child": family.body["child"],
        "statuses": list(family.statuses),
    }
    return api.put(f"/v1/applications/{name or names.application(family.number)}", asked)


def _apply(stage: Stage, autumn: Autumn) -> None:
    """Families apply in three waves; the spoiled ones are told why not."""
    families = _of_window()
    third = len(families) // 3
    parts = [families[: len(families) - 2 * third], families[-2 * third : -third]]
    parts.append(families[-third:])

    def apply(family: Family) -> str:
        said = good(_ask(stage, family))
        autumn.tickets[family.number] = said["ticket"]
        return family.direction

    for moment, part in zip(WAVES, parts, strict=True):
        stage.jump(moment)
        autumn.applied.update(stage.each(f"applications of {moment:%d.%m %H:%M}", part, apply))
        stage.calls += len(part)
    planted = {one["id"]: one for one in sample.planted()}
    for trouble, family in sample.spoiled().items():
        if planted[trouble]["kind"] != "one-child-two-vouchers":
            _catch(stage, autumn, planted[trouble], family)


def _catch(stage: Stage, autumn: Autumn, one: dict[str, Any], family: Family) -> None:
    said = _ask(stage, family, f"application-{one['id'].lower()}-planted", language="en")
    if said.code in one["codes"]:
        autumn.caught[one["id"]] = said.detail
    stage.calls += 2


# --- a platform moves in --------------------------------------------------------------------------


def move_in(stage: Stage, autumn: Autumn, platform: str) -> None:
    """Move the register of a platform that closes; every row must be accounted for."""
    others = {
        name: sample.FOLDER / file for name, file in sample.REGISTERS.items() if name != platform
    }
    name = sample.REGISTERS[platform]
    with progress(f"moving {name}") as bar:
        moved = moving.move(
            sample.FOLDER / name,
            stage.officer("operator"),
            platform=platform,
            clubs_from=names.SYSTEM,
            programme=stage.programme,
            area=stage.area,
            issuer=issuer.NAME,
            beside=others,
            clock=stage.control.now,
            at_once=HANDS,
            on_progress=bar.at,
        )
    stage.calls += moved.result.rows
    stage.control.drain()
    autumn.moved[platform] = moved
    for line, now in moved.now.items():
        number = moved.standings[line].number
        if now.ticket:
            autumn.tickets[number] = now.ticket
        else:
            autumn.vouchers[number] = names.voucher(number, system=platform)
    autumn.balances[platform] = reconciling.report(moved)
    (stage.scene.data / f"{platform}-families.csv").write_bytes(reconciling.families(moved))


def _second_voucher(stage: Stage, autumn: Autumn) -> None:
    """A family whose child came with a voucher tries for another."""
    planted = {one["id"]: one for one in sample.planted()}
    for trouble, family in sample.spoiled().items():
        if planted[trouble]["kind"] == "one-child-two-vouchers":
            _catch(stage, autumn, planted[trouble], family)


def _prove(stage: Stage, autumn: Autumn) -> None:
    """The department looks at the papers of those whom no register knows."""
    department = stage.officer("department")
    claims = claimed(stage)

    def prove(claim: tuple[str, str]) -> None:
        application_id, status = claim
        path = f"/v1/applications/{application_id}/statuses/{status}"
        good(department.put(path, {"result": "proved"}))

    stage.each("papers of claimed statuses", claims, prove)
    autumn.proved = len(claims)


# --- draw and iteration ---------------------------------------------------------------------------


def _draw(stage: Stage, autumn: Autumn) -> None:
    """The beacon speaks: its signature's digest is the seed, and anybody can count the order."""
    stage.jump(BEACON_AT)
    seen = good(stage.api.get(f"/v1/applications/intakes/{INTAKE}"))
    signature = _signature(seen["beacon"]["round"])
    asked = {
        "round": seen["beacon"]["round"],
        "randomness": hashlib.sha256(signature).hexdigest(),
        "signature": signature.hex(),
    }
    told = stage.officer("operator").put(f"/v1/applications/intakes/{INTAKE}/beacon", asked)
    autumn.seed = good(told)["seed"]
    stage.control.drain()  # the order as drawn is published


def _signature(round_: int) -> bytes:
    """Return what the development beacon signs; the real one's can be read at its address."""
    half = hashlib.sha256(f"kezek development beacon {round_}".encode()).digest()
    return half + hashlib.sha256(half).digest()[:16]


def standing(stage: Stage) -> dict[str, int]:
    """Return how many tickets the published order has, in all and of the window."""
    asked = {"programme": stage.programme, "area": stage.area}
    lines = list(pages(stage.api, "/v1/queue/order", "lines", **asked))
    drawn = sum(1 for line in lines if line["intake"] == INTAKE)
    return {"waiting": len(lines), "of_the_window": drawn}


def _published(stage: Stage) -> list[dict[str, Any]]:
    asked = {"programme": stage.programme, "area": stage.area}
    return list(pages(stage.api, "/v1/queue/order", "lines", **asked))


def _exact(stage: Stage) -> list[str]:
    """Return the tickets of the newest order as the operator sees it, the first goes first."""
    asked = {"programme": stage.programme, "area": stage.area}
    newest = good(stage.api.get("/v1/queue/checkpoint", **asked))["checkpoint_id"]
    path = f"/v1/queue/checkpoints/{newest}/order"
    return [line["ticket"] for line in pages(stage.officer("operator"), path, "lines")]


def _as_drawn(lines: list[dict[str, Any]], seed: str) -> bool:
    """Return whether the window's tickets go by their numbers wherever they are shown as one."""
    shown: dict[tuple[int, ...], list[str]] = {}
    for line in lines:
        if line["intake"] == INTAKE:
            numbers = shown.setdefault(tuple(line["categories"]), [])
            numbers.append(draw_number(seed, line["ticket"]))
    return all(numbers == sorted(numbers) for numbers in shown.values())


def _look(stage: Stage, autumn: Autumn) -> None:
    """Who waits on, what money is missing, and whether the order is the draw's."""
    stage.fire("run_checkpoint")
    lines = _published(stage)
    waiting = {line["ticket"] for line in lines}
    by_ticket = {ticket: number for number, ticket in autumn.tickets.items()}
    drawn = {line["ticket"] for line in lines if line["intake"] == INTAKE}
    autumn.checked_order = _as_drawn(lines, autumn.seed)
    autumn.waiting_after = Counter(
        sample.families()[by_ticket[ticket]].direction for ticket in waiting
    )
    queued = [p.number for p in sample.of_way(pupils.QUEUE) if p.platform == pupils.DAMUBALA]
    asked = [family.number for family in _of_window()] + queued
    for number in asked:
        if autumn.tickets[number] not in waiting:
            autumn.issued[sample.families()[number].direction] += 1
    figures = good(stage.api.get("/v1/queue/figures", programme=stage.programme, area=stage.area))
    autumn.missing = {m["direction"]: m["missing_tiyn"] for m in figures["missing"]}
    last = by_ticket[[ticket for ticket in _exact(stage) if ticket in drawn][-1]]
    family = sample.families()[last]
    place = f"/v1/queue/places/{names.application(last)}"
    api = stage.family(family.account)
    api.language = "en"
    autumn.place = good(api.get(place))
    for direction in DIRECTIONS:
        favoured = [
            p.number
            for p in sample.of_way(pupils.WINDOW)
            if p.direction == direction
            and sample.drawn(p.number)
            and autumn.tickets[p.number] not in waiting
        ]
        autumn.winners[direction] = sorted(favoured)


def draw_number(seed: str, ticket: str) -> str:
    """Return a ticket's number in the draw, as docs/queue-draw.md has it."""
    return hashlib.sha256(f"kezek-draw-v1\n{seed}\n{ticket}".encode()).hexdigest()


# --- choice ---------------------------------------------------------------------------------------


def _choose(stage: Stage, autumn: Autumn) -> None:
    """Families with a new voucher choose a club and sign; one in each direction never does."""
    wishes = _wishes(autumn)

    def choose(number: str) -> tuple[str, str, dict[str, Any]]:
        family = sample.families()[number]
        api = stage.family(family.account)
        (voucher,) = good(api.get("/v1/vouchers"))["items"]
        path = f"/v1/vouchers/{voucher['voucher_id']}"
        good(api.put(f"{path}/choice", {"group_id": names.group(wishes[number])}))
        signed = good(api.put(f"{path}/contract", {"starts_on": FIRST_DAY}))
        return number, voucher["voucher_id"], signed

    # Families of one group do not all come in the same second.
    by_group: dict[str, list[str]] = {}
    for number in sorted(wishes):
        by_group.setdefault(wishes[number], []).append(number)
    turns = itertools.zip_longest(*by_group.values())
    coming = [number for turn in turns for number in turn if number is not None]
    for number, voucher_id, enrolment in stage.each("clubs chosen, signed", coming, choose):
        autumn.vouchers[number] = voucher_id
        autumn.enrolments[number] = [enrolment]
    stage.calls += 2 * len(wishes)


def _wishes(autumn: Autumn) -> dict[str, str]:
    """Return number → code of the group that a family chooses.

    Who was sure of a voucher goes to the group of the plan; who was favoured by the draw takes what
    is free in the direction: groups of that stream, one after another.
    """
    wished = {
        p.number: p.group
        for p in sample.of_way(pupils.WINDOW) + sample.of_way(pupils.QUEUE)
        if p.group
    }
    for direction in DIRECTIONS:
        silent = plan.NEVER_CHOOSE[direction]
        autumn.never_choose += autumn.winners[direction][:silent]
        coming = autumn.winners[direction][silent:]
        seats = [
            group.code
            for group in sample.groups().values()
            if group.stream == plan.DRAWN and group.direction == direction
            for _ in range(group.capacity)
        ]
        autumn.winners[direction] = coming
        wished |= dict(zip(coming, seats, strict=False))
    return wished


def _target(stage: Stage, autumn: Autumn) -> None:
    """Children come straight to public clubs: a free place is enough, there is no queue."""

    def ask(pupil: pupils.Pupil) -> tuple[str, str, dict[str, Any]]:
        family = sample.families()[pupil.number]
        api = stage.family(family.account)
        good(api.put("/v1/children/me", family.body["representative"]))
        voucher_id = names.voucher(pupil.number)
        asked = {
            "child": family.body["child"],
            "group_id": names.group(pupil.group),
            "starts_on": FIRST_DAY,
        }
        told = good(api.put(f"/v1/vouchers/{voucher_id}/target", asked))
        return pupil.number, voucher_id, told["enrolment"]

    asking = sample.of_way(pupils.COUNTER)
    for number, voucher_id, enrolment in stage.each("target vouchers", asking, ask):
        autumn.vouchers[number] = voucher_id
        autumn.enrolments[number] = [enrolment]
    autumn.target = len(asking)
    stage.calls += len(asking)


def _give_back(stage: Stage, autumn: Autumn) -> None:
    """Families give a voucher back; they will ask again, behind those who had none this year."""

    def close(pupil: pupils.Pupil) -> str:
        voucher_id = autumn.vouchers.pop(pupil.number)
        asked = {"reason": "withdrawal", "last_day": stage.control.now().date().isoformat()}
        told = good(
            stage.family(pupil.parent.account).put(f"/v1/vouchers/{voucher_id}/closure", asked)
        )
        return str(told["state"])

    leaving = pupils.had_before(sample.karaganda().children, sample.karaganda().clubs)
    autumn.given_back.update(stage.each("vouchers given back", leaving, close))
    stage.calls += len(leaving)


def last_category(stage: Stage) -> int:
    """Return how many of those who gave a voucher back now wait in the last category."""
    told = sample.expected()
    last = len(told["by_category"])
    iins = {p.iin for p in pupils.had_before(sample.karaganda().children, sample.karaganda().clubs)}
    again = [p for p in sample.of_way(pupils.QUEUE) if p.iin in iins]

    def category(pupil: pupils.Pupil) -> int:
        family = sample.families()[pupil.number]
        name = names.application(pupil.number, system=pupil.platform)
        seen = good(stage.family(family.account).get(f"/v1/applications/{name}"))
        return int(seen["category"]["number"])

    return Counter(stage.each("who asks again", again, category))[last]


def day(text: str) -> date:
    """Return a day written as ISO has it."""
    return date.fromisoformat(text)
