"""July: a city moves to Kezek, 2,500 children wait, vouchers go down the queue."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from infra.client import Answer, Api
from infra.command.saying import progress
from infra.demo import admitting
from infra.demo.preschool import proving, sample
from infra.demo.preschool.proving import Proved
from infra.demo.preschool.sample import Family
from infra.demo.stage import HANDS, Stage, Unexpected, at, claimed, good, pages
from infra.imports import names, running
from infra.imports.running import Kind, Result
from infra.imports.sending import Request
from infra.local import issuer

START = at("2026-07-20", "09:00")
FIRST_DAY = "2026-09-01"
NEW = {
    "name": "Жаңа бақша",
    "address": "Талдықорған, Жансүгіров көшесі, 1",
    "location": {"lat": 45.0156, "lon": 78.3739},
}
UNPROVED = 2  # families that never show the paper they claimed


@dataclass(slots=True)
class Summer:
    """What July left behind. vouchers: application id → voucher id of a live voucher.

    tickets: application id → public ticket, which every family was given.
    """

    admission: list[str] = field(default_factory=list)
    imports: dict[str, Result] = field(default_factory=dict)
    proved: int = 0
    unproved: int = 0
    by_register: int = 0
    after_first: dict[str, int] = field(default_factory=dict)
    at_the_end: dict[str, int] = field(default_factory=dict)
    issued_first: int = 0
    issued: int = 0
    vouchers: dict[str, str] = field(default_factory=dict)
    enrolments: dict[str, dict[str, Any]] = field(default_factory=dict)
    inactive: int = 0
    restored: int = 0
    offers: Counter[str] = field(default_factory=Counter)
    chosen_elsewhere: int = 0
    papers_refused: int = 0
    runs: list[dict[str, Any]] = field(default_factory=list)
    tickets: dict[str, str] = field(default_factory=dict)
    proof: Proved = field(default_factory=Proved)


def play(stage: Stage) -> Summer:
    """Play July."""
    summer = Summer()
    with stage.act("admission"):
        summer.admission = admitting.play(stage, START.date(), NEW)
    with stage.act("import"):
        _import(stage, summer)
    with stage.act("proofs"):
        _prove(stage, summer)
        stage.fire("run_checkpoint", START)
    with stage.act("iteration"):
        stage.live(at("2026-07-20", "18:46"), "run_iteration", "run_deadlines")
        summer.after_first = standing(stage)
        summer.issued_first = _issued(stage)
    with stage.act("proofs of the queue"):
        waiting = {line["ticket"] for line in _order(stage)}
        summer.proof = proving.play(stage, summer.tickets, waiting)
    silent = {names.application(number) for number in sample.expected()["silent"]}
    with stage.act("confirmation, choice, contract"):
        stage.jump(at("2026-07-21", "09:30"))
        _confirm(stage, summer, silent)
        held_back = _of_cell(summer, silent)
        freed = _groups_of(stage, silent)
        _enrol(stage, summer, set(summer.vouchers) - held_back)
        stage.jump(at("2026-07-23", "09:00"))
        _restore(stage, summer, silent)
        _settle(stage, summer, silent, held_back, freed)
    stage.jump(at("2026-09-01", "06:00"))
    summer.at_the_end = standing(stage)
    summer.issued = _issued(stage)
    summer.runs = good(
        stage.api.get("/v1/queue/runs", programme=stage.programme, area=stage.area, limit=100)
    )["runs"]
    return summer


def standing(stage: Stage) -> dict[str, int]:
    """Return waiting children and free places, counted from what anybody may see."""
    stage.fire("run_checkpoint")
    found = Counter(waiting=len(_order(stage)), free_public=0, free_private=0)
    for site in pages(
        stage.api, "/v1/providers/catalogue", programme=stage.programme, area=stage.area
    ):
        found["free_public" if site["form"] == "public" else "free_private"] += site["free"]
    return dict(found)


def _order(stage: Stage) -> list[dict[str, Any]]:
    return list(
        pages(stage.api, "/v1/queue/order", "lines", programme=stage.programme, area=stage.area)
    )


def _issued(stage: Stage) -> int:
    operator = stage.officer("operator")
    runs = good(
        stage.api.get("/v1/queue/runs", programme=stage.programme, area=stage.area, limit=100)
    )["runs"]
    return sum(int(good(operator.get(f"/v1/queue/runs/{run['run_id']}"))["issued"]) for run in runs)


def _import(stage: Stage, summer: Summer) -> None:
    operator = stage.officer("operator")

    def remember(request: Request, answer: Answer) -> None:
        ticket = answer.json().get("ticket")
        if ticket:
            summer.tickets[request.path.rsplit("/", 1)[-1]] = ticket

    files: list[tuple[Kind, str]] = [("providers", "providers.csv")]
    files += [("applications", name) for name in sample.APPLICATION_FILES]
    for kind, name in files:
        with progress(f"importing {name}") as bar:
            summer.imports[name] = running.run(
                kind,
                sample.FOLDER / name,
                operator,
                system=names.SYSTEM,
                programme=stage.programme,
                issuer=issuer.NAME,
                at_once=HANDS,
                on_progress=bar.at,
                on_taken=remember,
            )
        stage.calls += summer.imports[name].taken
    stage.control.drain()


def _prove(stage: Stage, summer: Summer) -> None:
    """The department looks at papers; two families never bring theirs."""
    department = stage.officer("department")
    claims = sorted(claimed(stage))
    summer.unproved = min(UNPROVED, len(claims))

    def prove(claim: tuple[str, str]) -> None:
        application_id, status = claim
        good(
            department.put(
                f"/v1/applications/{application_id}/statuses/{status}", {"result": "proved"}
            )
        )

    stage.each("papers of claimed statuses", claims[summer.unproved :], prove)
    summer.proved = len(claims) - summer.unproved
    told = sum(len(family.statuses) for family in sample.families().values())
    summer.by_register = told - len(claims)


def _confirm(stage: Stage, summer: Summer, silent: set[str]) -> int:
    """Every family whose ticket is no longer in the published order answers, but the silent."""
    stage.fire("run_checkpoint")
    waiting = {line["ticket"] for line in _order(stage)}
    asking = [
        family
        for application_id, family in sample.families().items()
        if application_id not in silent
        and application_id not in summer.vouchers
        and summer.tickets[application_id] not in waiting
    ]

    def confirm(family: Family) -> tuple[str, str]:
        api = stage.family(family.account)
        answer = good(api.put(f"/v1/applications/{family.application_id}/confirmation"))
        return family.application_id, answer["voucher_id"]

    told = dict(stage.each("vouchers confirmed", asking, confirm))
    summer.vouchers |= told
    return len(told)


def _of_cell(summer: Summer, silent: set[str]) -> set[str]:
    """Return confirmed families of the silent ones' age and language: their lists may move."""
    ages = {_age(sample.families()[application_id]) for application_id in silent}
    return {
        application_id
        for application_id in summer.vouchers
        if _age(family := sample.families()[application_id]) in ages
        and (family.language, family.kind) == ("kk", "general")
    }


def _age(family: Family) -> int:
    year, month, day = (int(part) for part in family.birth_date.split("-"))
    return 2026 - year - ((month, day) > (9, 1))


def _enrol(stage: Stage, summer: Summer, applications: set[str]) -> None:
    """Heads look at papers, families sign for 1 September."""
    families = [sample.families()[application_id] for application_id in sorted(applications)]
    expected = _expected(stage)
    refused: list[str] = []
    if not summer.papers_refused:
        refused = [summer.vouchers[families[0].application_id]]

    def papers(family: Family) -> None:
        voucher_id = summer.vouchers[family.application_id]
        head = expected.get(voucher_id)
        if head is None:
            raise Unexpected(f"no kindergarten expects voucher {voucher_id}")
        if voucher_id in refused:
            body = {"result": "refused", "reason": "incomplete"}
            good(head.put(f"/v1/vouchers/{voucher_id}/papers", body))
        good(head.put(f"/v1/vouchers/{voucher_id}/papers", {"result": "accepted"}))

    def sign(family: Family) -> tuple[str, dict[str, Any]]:
        voucher_id = summer.vouchers[family.application_id]
        api = stage.family(family.account)
        signed = good(api.put(f"/v1/vouchers/{voucher_id}/contract", {"starts_on": FIRST_DAY}))
        return family.application_id, signed

    stage.each("papers looked at", families, papers)
    summer.papers_refused += len(refused)
    summer.enrolments |= dict(stage.each("contracts signed", families, sign))


def _expected(stage: Stage) -> dict[str, Api]:
    """Return voucher id → the client of the head whose kindergarten expects the child."""
    found: dict[str, Api] = {}

    def one(garden: sample.Garden) -> list[tuple[str, Api]]:
        head = stage.head(garden.organisation_id)
        path = f"/v1/vouchers/sites/{garden.site_id}/expected"
        return [(child["voucher_id"], head) for child in pages(head, path)]

    for pairs in stage.each("heads look who comes", list(sample.gardens().values()), one):
        found |= dict(pairs)
    return found


def _restore(stage: Stage, summer: Summer, silent: set[str]) -> None:
    """One of the silent families wakes up: its application is restored, once."""
    for application_id in sorted(silent):
        family = sample.families()[application_id]
        api = stage.family(family.account)
        state = good(api.get(f"/v1/applications/{application_id}"))["state"]
        summer.inactive += state == "inactive"
    first = sample.families()[min(silent)]
    good(stage.family(first.account).put(f"/v1/applications/{first.application_id}/restoration"))
    summer.restored = 1
    summer.inactive -= 1


def _groups_of(stage: Stage, applications: set[str]) -> set[str]:
    """Return the groups in which these families' vouchers hold a place."""
    found: set[str] = set()
    for application_id in applications:
        family = sample.families()[application_id]
        vouchers = good(stage.family(family.account).get("/v1/vouchers"))["items"]
        found |= {voucher["group_id"] for voucher in vouchers}
    return found


def _settle(
    stage: Stage, summer: Summer, silent: set[str], held_back: set[str], freed: set[str]
) -> None:
    """Places of the silent go on: by waiting lists, then down the queue, until all are taken."""
    _answer_offers(stage, summer, held_back, freed)
    _enrol(stage, summer, held_back)
    awake = silent - {min(silent)}
    for day in ("23", "24", "27", "28", "29", "30", "31"):
        stage.live(at(f"2026-07-{day}", "18:46"), "run_iteration")
        stage.fire("run_deadlines")
        stage.control.advance(at(f"2026-07-{day}", "20:00"), run_schedules=False)
        before = set(summer.vouchers)
        _confirm(stage, summer, awake)
        new = set(summer.vouchers) - before
        if new:
            _enrol(stage, summer, new)
        if len(summer.vouchers) == sample.expected()["enrolled_on_1_september"]:
            break


def _answer_offers(stage: Stage, summer: Summer, families: set[str], freed: set[str]) -> None:
    """Families that wished for a group where a place came free look, and take what is offered.

    Each that moves leaves a place behind, which is offered on: again, until nobody moves.
    """

    def look(application_id: str) -> str | None:
        family = sample.families()[application_id]
        api = stage.family(family.account)
        voucher_id = summer.vouchers[application_id]
        voucher = good(api.get(f"/v1/vouchers/{voucher_id}"))
        for waiting in voucher["waiting"]:
            if waiting["state"] == "offered":
                path = f"/v1/vouchers/{voucher_id}/waiting/{waiting['group_id']}/answer"
                good(api.put(path, {"accept": True}))
                return str(voucher["group_id"])
        return None

    while freed:
        asked = [a for a in sorted(families) if sample.families()[a].wishes & freed]
        left = [group for group in stage.each("waiting lists", asked, look) if group]
        summer.offers["accepted"] += len(left)
        stage.control.drain()
        freed = set(left)
