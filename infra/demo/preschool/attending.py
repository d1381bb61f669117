"""September: tablets in 76 houses, a partner's timesheet, and the trouble that is planted there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from infra.command.saying import progress
from infra.demo.money import Signed
from infra.demo.preschool import sample
from infra.demo.preschool.queueing import Summer
from infra.demo.stage import Stage, at, good, pages
from infra.imports import attendance, names
from infra.imports.running import Result
from infra.tablet import MOST_RECORDS, Record, Tablet, digest
from samples.attendance import PRESENT, WORKING_DAYS, mark

PARTNER_FILE = "attendance-2026-09.csv"
# Tablets send when they have a network: some every evening, the others in three bursts, always
# within the ten days that the rules allow.
BURSTS = ((date(2026, 9, 11), "19:30"), (date(2026, 9, 21), "19:30"), (date(2026, 9, 30), "19:30"))
TRANSFER_ASKED = date(2026, 9, 16)
MONTH = "2026-09"
TOGETHER_ON = date(2026, 9, 15)


@dataclass(slots=True)
class Child:
    """An enrolled child on a tablet: its place in the plan, its enrolments by first day."""

    application_id: str
    ordinal: int
    child_id: str
    voucher_id: str
    enrolments: list[tuple[date, str, str]] = field(default_factory=list)

    def at(self, day: date) -> tuple[str, str]:
        """Return site and enrolment on a day."""
        _, site_id, enrolment_id = max(e for e in self.enrolments if e[0] <= day)
        return site_id, enrolment_id


@dataclass(slots=True)
class Autumn:
    """What September left behind. outcomes: of all records sent by tablets.

    together: the house in which all come in one second. copied: house and tablet of a copied key.
    signed: by house, a record of a day that is paid in the end. once: by house, what was signed on
    the day that is sent twice.
    """

    children: dict[str, Child] = field(default_factory=dict)
    sent: int = 0
    uploads: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    tablets: int = 0
    transferred: list[str] = field(default_factory=list)
    left: int = 0
    partner: Result | None = None
    caught: dict[str, str] = field(default_factory=dict)
    proofs: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    together: str = ""
    copied: tuple[str, str] = ("", "")
    signed: dict[str, Signed] = field(default_factory=dict)
    once: dict[str, list[Record]] = field(default_factory=dict)


def play(stage: Stage, summer: Summer) -> Autumn:
    """Play September."""
    autumn = Autumn()
    with stage.act("tablets"):
        stage.jump(at("2026-09-01", "06:30"))
        tablets = _pair(stage, autumn)
        _list_children(stage, summer, autumn)
        autumn.together = _some_house(autumn, tablets, TOGETHER_ON, 3)
    with stage.act("attendance"):
        before = WORKING_DAYS[0] - timedelta(days=1)
        for upto, clock in BURSTS:
            if before < TRANSFER_ASKED <= upto:
                stage.jump(at(TRANSFER_ASKED.isoformat(), "12:00"))
                _transfer(stage, summer, autumn)
            if before < date(2026, 9, 10) <= upto:
                stage.jump(at("2026-09-10", "12:00"))
                _leave(stage, summer, autumn)
            stage.jump(at(upto.isoformat(), clock))
            copies = {site_id: tablet.copied() for site_id, tablet in tablets.items()}
            _send(stage, autumn, tablets, [d for d in WORKING_DAYS if before < d <= upto])
            if upto == BURSTS[0][0]:
                _send_a_day_twice(stage, autumn, tablets)
                _copy_a_key(stage, autumn, tablets, copies)
            if upto == BURSTS[1][0]:
                _mark_a_child_twice(stage, autumn, tablets)
            _partner(stage, autumn, upto)
            before = upto
        _collect_flags(stage, autumn)
    with stage.act("papers of absences"):
        _prove_absences(stage, summer, autumn)
    return autumn


def _pair(stage: Stage, autumn: Autumn) -> dict[str, Tablet]:
    """Pair a tablet in each house whose timesheet is kept on one."""

    def pair(garden: sample.Garden) -> tuple[str, Tablet]:
        tablet = Tablet.new()
        invited = good(
            stage.head(garden.organisation_id).put(
                f"/v1/attendance/pairings/door-{tablet.device_id}",
                {"site_id": garden.site_id, "label": "door"},
            )
        )
        good(tablet.pair(stage.api, invited["code"], "door"))
        return garden.site_id, tablet

    tablets = dict(stage.each("tablets paired", _on_tablets(), pair))
    autumn.tablets = len(tablets)
    return tablets


def _on_tablets() -> list[sample.Garden]:
    """Return the houses with tablets; the special ones keep theirs in a partner's system."""
    return [g for g in sample.gardens().values() if g.groups[0]["kind"] == "general"]


def _list_children(stage: Stage, summer: Summer, autumn: Autumn) -> None:
    """Give each child on a tablet its place in the plan of absences."""
    tablets = {garden.site_id for garden in _on_tablets()}
    ordinal = 0
    for application_id in sorted(summer.enrolments):
        enrolment = summer.enrolments[application_id]
        if enrolment["site_id"] not in tablets:
            continue
        child = Child(application_id, ordinal, "", enrolment["voucher_id"])
        first = date.fromisoformat(enrolment["starts_on"])
        child.enrolments.append((first, enrolment["site_id"], enrolment["enrolment_id"]))
        autumn.children[application_id] = child
        ordinal += 1

    def look(garden: sample.Garden) -> list[tuple[str, str]]:
        head = stage.head(garden.organisation_id)
        path = f"/v1/vouchers/sites/{garden.site_id}/enrolments"
        return [(e["application_id"], e["child_id"]) for e in pages(head, path)]

    for pairs in stage.each("who is enrolled", list(sample.gardens().values()), look):
        for application_id, child_id in pairs:
            if application_id in autumn.children:
                autumn.children[application_id].child_id = child_id


def _transfer(stage: Stage, summer: Summer, autumn: Autumn) -> None:
    """Three children change kindergarten from the 17th, free, without new papers."""
    sites = sample.gardens()
    free = {
        group["group_id"]: (site["site_id"], group)
        for site in pages(
            stage.api, "/v1/providers/catalogue", programme="preschool", area="taldykorgan"
        )
        for group in site["groups"]
        if group["free"] >= sample.expected()["transfers"] and group["language"] == "ru"
    }
    for application_id, child in autumn.children.items():
        family = sample.families()[application_id]
        age = _age(family.birth_date)
        here = child.at(TRANSFER_ASKED)[0]
        there = next(
            (
                group_id
                for group_id, (site_id, group) in sorted(free.items())
                if site_id != here
                and group["kind"] == "general"
                and group["age_from"] <= age <= group["age_to"]
                and family.language == "ru"
            ),
            None,
        )
        if there is None or len(_taken(sites[here], age)) == 0:
            continue
        moved = good(
            stage.family(family.account).put(
                f"/v1/vouchers/{child.voucher_id}/transfer", {"group_id": there}
            )
        )
        first = date.fromisoformat(moved["starts_on"])
        child.enrolments.append((first, moved["site_id"], moved["enrolment_id"]))
        autumn.transferred.append(application_id)
        if len(autumn.transferred) == sample.expected()["transfers"]:
            return


def _taken(garden: sample.Garden, age: int) -> list[dict[str, Any]]:
    """Return private groups with places to spare: one more free place there changes no figure."""
    return [
        group
        for group in garden.groups
        if garden.form == "private"
        and group["language"] == "ru"
        and group["age_from"] >= 4
        and group["age_from"] <= age <= group["age_to"]
    ]


def _age(birth_date: str) -> int:
    year, month, day = (int(part) for part in birth_date.split("-"))
    return 2026 - year - ((month, day) > (9, 1))


def _leave(stage: Stage, summer: Summer, autumn: Autumn) -> None:
    """A family moves away: the child's last day is the 11th."""
    told = sample.expected()["leaver"]
    family = sample.by_number()[told["number"]]
    voucher_id = summer.vouchers[family.application_id]
    body = {"reason": "withdrawal", "last_day": told["last_day"]}
    good(stage.family(family.account).put(f"/v1/vouchers/{voucher_id}/closure", body))
    autumn.left += 1


def records_of(
    tablet: Tablet, children: list[Child], day: date, *, together: bool = False
) -> list[tuple[Child, Record]]:
    """Return what a tablet signs on a working day, as it happened; together: all in one second."""
    number = WORKING_DAYS.index(day)
    happened: list[tuple[datetime, Child, str, str | None]] = []
    for child in children:
        code = mark(child.ordinal, number)
        if code != PRESENT:
            happened.append((_clock(day, 9, 30), child, "absence", code))
            continue
        minute = 0 if together else (child.ordinal * 7 + number * 3) % 50
        happened.append((_clock(day, 8, minute), child, "in", None))
        left = _clock(day, 17, 5 + (child.ordinal * 5 + number) % 50)
        happened.append((left, child, "out", None))
    return [
        (child, tablet.sign(child.at(day)[1], kind, moment, reason=reason))
        for moment, child, kind, reason in sorted(happened, key=lambda one: one[0])
    ]


def is_spoken_for(child: Child) -> bool:
    """Tell whether a child's family looks at the timesheet; a few never do."""
    return child.ordinal % 7 != 5


def _clock(day: date, hour: int, minute: int) -> datetime:
    return at(day.isoformat(), f"{hour:02d}:{minute:02d}")


def _send(stage: Stage, autumn: Autumn, tablets: dict[str, Tablet], days: list[date]) -> None:
    """Each tablet sends what it gathered; the first house sends each day by itself."""
    rosters: dict[str, dict[date, list[Child]]] = {}
    for child in autumn.children.values():
        for day in days:
            site_id, _ = child.at(day)
            rosters.setdefault(site_id, {}).setdefault(day, []).append(child)
            autumn.marked[mark(child.ordinal, WORKING_DAYS.index(day))] += 1
    daily = min(rosters)

    def send(site_id: str) -> list[Any]:
        tablet = tablets[site_id]
        parts: list[list[Record]] = [[]]
        for day in days:
            together = (site_id, day) == (autumn.together, TOGETHER_ON)
            made = records_of(tablet, rosters[site_id].get(day, []), day, together=together)
            for child, record in made:
                if record["kind"] == "out" and is_spoken_for(child):
                    name = Signed(site_id, record["kid"], record["counter"], digest(record))
                    autumn.signed.setdefault(site_id, name)
                if len(parts[-1]) == MOST_RECORDS:
                    parts.append([])
                parts[-1].append(record)
            if day == BURSTS[0][0]:
                autumn.once[site_id] = [record for _, record in made]
            if site_id == daily:
                parts.append([])
        now = stage.control.now()
        return [good(tablet.upload(stage.api, part, now)) for part in parts if part]

    label = f"attendance up to {days[-1]:%d.%m}"
    for receipts in stage.each(label, sorted(rosters), send):
        for receipt in receipts:
            autumn.uploads += 1
            _count(autumn, receipt)


def _count(autumn: Autumn, receipt: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    for outcome in receipt["outcomes"]:
        found[outcome["outcome"]] += 1
        if outcome["outcome"] == "refused":
            autumn.refused[outcome["code"]] += 1
    autumn.sent += len(receipt["outcomes"])
    autumn.outcomes.update(found)
    return found


def _some_house(autumn: Autumn, tablets: dict[str, Tablet], day: date, nth: int) -> str:
    sites = sorted({child.at(day)[0] for child in autumn.children.values()} & tablets.keys())
    return sites[nth]


def _send_a_day_twice(stage: Stage, autumn: Autumn, tablets: dict[str, Tablet]) -> None:
    """T1: a tablet lost the answer and sends a full day again, cut otherwise."""
    site_id = _some_house(autumn, tablets, BURSTS[0][0], 1)
    records = autumn.once[site_id]
    now = stage.control.now()
    half = len(records) // 2
    first = _count(autumn, good(tablets[site_id].upload(stage.api, records[:half], now)))
    again = _count(autumn, good(tablets[site_id].upload(stage.api, records, now)))
    if (first["had"], again["had"]) == (half, len(records)):
        autumn.caught["T1"] = f"{half + len(records)} records were had already"


def _copy_a_key(
    stage: Stage, autumn: Autumn, tablets: dict[str, Tablet], copies: dict[str, Tablet]
) -> None:
    """T2: somebody copied a tablet's key and marks children from a second machine.

    copies: of the keys, from before the tablets signed what they sent.
    """
    day = BURSTS[0][0]
    site_id = _some_house(autumn, tablets, day, 2)
    autumn.copied = (site_id, tablets[site_id].device_id)
    copy = copies[site_id]
    children = [c for c in autumn.children.values() if c.at(day)[0] == site_id][:10]
    ghosts = [copy.sign(child.at(day)[1], "in", _clock(day, 7, 40), way="qr") for child in children]
    told = good(copy.upload(stage.api, ghosts, stage.control.now()))
    _count(autumn, told)
    codes = {outcome["code"] for outcome in told["outcomes"]}
    if codes == {"fork"}:
        autumn.caught["T2"] = f"{len(ghosts)} records refused as a fork of the chain"


def _mark_a_child_twice(stage: Stage, autumn: Autumn, tablets: dict[str, Tablet]) -> None:
    """T3: the old kindergarten goes on marking a child that moved on the 17th."""
    day = date(2026, 9, 17)
    child = autumn.children[autumn.transferred[0]]
    _, old_site, old_enrolment = min(child.enrolments)
    tablet = tablets[old_site]
    record = tablet.sign(old_enrolment, "in", _clock(day, 8, 15))
    told = good(tablet.upload(stage.api, [record], stage.control.now()))
    _count(autumn, told)
    if told["outcomes"][0]["code"] == "not-enrolled-that-day":
        autumn.caught["T3"] = "the old kindergarten's mark was refused: not enrolled that day"


def _partner(stage: Stage, autumn: Autumn, upto: date) -> None:
    """The partner's system hands in its timesheet as far as it has it."""
    lines = (sample.FOLDER / PARTNER_FILE).read_text("utf-8").splitlines()
    past = [line for line in lines if _is_past(line, upto)]
    path = stage.control.data / PARTNER_FILE
    path.write_text("\r\n".join([lines[0], *past]) + "\r\n", "utf-8")
    whole = upto == BURSTS[-1][0]
    if whole:
        path = sample.FOLDER / PARTNER_FILE
    heads = {
        group_site: stage.head(garden.organisation_id)
        for group_site, garden in _partner_sites().items()
    }
    with progress(f"importing {path.name}") as bar:
        autumn.partner = attendance.run(
            path,
            stage.api,
            key=stage.control.data / "recorder.json",
            heads=heads.get,
            system=names.SYSTEM,
            at_once=3,
            now=stage.control.now,
            on_progress=bar.at,
        )


def _is_past(line: str, upto: date) -> bool:
    try:
        day, month, year = line.split(",")[2].split(".")
        return date(int(year), int(month), int(day)) <= upto
    except ValueError:
        return False


def _partner_sites() -> dict[str, sample.Garden]:
    """Return site code → kindergarten, of those in the partner's file."""
    lines = (sample.FOLDER / PARTNER_FILE).read_text("utf-8").splitlines()[1:]
    codes = {line.split(",")[0] for line in lines}
    return {code: sample.gardens()[names.site(code)] for code in sorted(codes)}


def _collect_flags(stage: Stage, autumn: Autumn) -> None:
    """The auditor looks at what is wrong with tablets."""
    auditor = stage.officer("auditor")

    def look(garden: sample.Garden) -> Counter[str]:
        found = good(auditor.get("/v1/attendance/devices", site_id=garden.site_id))
        return Counter(flag["kind"] for device in found["items"] for flag in device["flags"])

    for flags in stage.each("tablets checked", list(sample.gardens().values()), look):
        autumn.flags.update(flags)


def _prove_absences(stage: Stage, summer: Summer, autumn: Autumn) -> None:
    """Heads file the numbers of certificates and requests."""
    stage.jump(at("2026-10-01", "08:30"))
    papers: list[tuple[str, str, date, str]] = []
    for child in autumn.children.values():
        for number, day in enumerate(WORKING_DAYS):
            code = mark(child.ordinal, number)
            if code in ("S", "F"):
                papers.append((child.at(day)[0], child.child_id, day, code))
    for site_id, child_id, day, code in _partner_absences(stage):
        papers.append((site_id, child_id, day, code))

    def file(paper: tuple[str, str, date, str]) -> None:
        site_id, child_id, day, code = paper
        head = stage.head(sample.gardens()[site_id].organisation_id)
        path = f"/v1/attendance/sites/{site_id}/months/{MONTH}/children/{child_id}/proofs/{day}"
        good(head.put(path, {"reason": code, "proof": f"№ {day:%d%m}/{code}1"}))

    stage.each("certificates and requests filed", papers, file)
    autumn.proofs = len(papers)


def _partner_absences(stage: Stage) -> list[tuple[str, str, date, str]]:
    found: list[tuple[str, str, date, str]] = []
    for garden in _partner_sites().values():
        head = stage.head(garden.organisation_id)
        for sheet in pages(head, f"/v1/attendance/sites/{garden.site_id}/months/{MONTH}"):
            for day in sheet["lines"]:
                if day["code"] in ("S", "F"):
                    on = date.fromisoformat(day["on"])
                    found.append((garden.site_id, sheet["child_id"], on, day["code"]))
    return found
