"""The invented Karaganda as the demo needs it: families and clubs from its files, the month's plan.

Who moves, taps or keeps silent is the story itself and comes from the generator; what there is
to know about clubs and children is read from the files, as anybody would.
"""

from __future__ import annotations

import csv
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.imports import names, running, sheets
from infra.imports.applications import Applications
from infra.imports.cells import Row
from infra.imports.providers import Providers
from infra.imports.registers import Register
from infra.imports.running import Gathering
from infra.imports.sending import Request
from infra.local import issuer
from infra.local.places import project_root
from samples.clubs import city, files, pupils
from samples.clubs.city import Group
from samples.clubs.files import Karaganda
from samples.clubs.pupils import Pupil

FOLDER = project_root() / "samples" / "karaganda"
SEED = 2026
CLUBS, INTAKE, TARGET = "clubs.csv", "intake-2026-09.csv", "target-2026-09.csv"
REGISTERS = {"damubala": "damubala.csv", "artsport": "artsport.xlsx"}
DIRECTIONS = city.DIRECTIONS
# Statuses that the family card knows; the others are shown on paper.
PAPER = frozenset({"sen", "protected"})


@dataclass(frozen=True, slots=True)
class Family:
    """A family as its file has it. body: what an import of the row would send."""

    number: str
    account: str
    direction: str
    statuses: tuple[str, ...]
    child_iin: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class House:
    """One club with its payee and groups, by id; code: as the files name it."""

    code: str
    site_id: str
    organisation_id: str
    name: str
    direction: str
    form: str
    locality: str
    groups: tuple[dict[str, Any], ...]


@functools.lru_cache(maxsize=1)
def expected() -> dict[str, Any]:
    """Return the figures that follow from the sample's construction."""
    found: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    return found


@functools.lru_cache(maxsize=1)
def planted() -> list[dict[str, Any]]:
    """Return the planted trouble."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "planted.json").read_text("utf-8"))
    return found


@functools.lru_cache(maxsize=1)
def karaganda() -> Karaganda:
    """Return the city with its plan of October."""
    return files.build(SEED)


@functools.lru_cache(maxsize=1)
def children() -> dict[str, Pupil]:
    """Return number → pupil."""
    return {pupil.number: pupil for pupil in karaganda().children}


@functools.lru_cache(maxsize=1)
def groups() -> dict[str, Group]:
    """Return code → group of the plan."""
    return {group.code: group for group in city.groups(karaganda().clubs)}


@functools.lru_cache(maxsize=1)
def houses() -> dict[str, House]:
    """Return code → club, of the good rows."""
    sheet = sheets.read(FOLDER / CLUBS)
    gathering = Providers(system=names.SYSTEM, digest=sheet.digest, programme="clubs")
    by_site = {names.site(club.code): club.code for club in karaganda().clubs}
    found = {}
    for request in _requests("providers", CLUBS, gathering):
        site_id, body = request.path.rsplit("/", 1)[-1], request.body
        code = by_site[site_id]
        found[code] = House(
            code,
            site_id,
            body["organisation"]["organisation_id"],
            body["name"],
            body["direction"],
            body["form"],
            body["locality"],
            tuple(body["groups"]),
        )
    return found


def house_of(group: str) -> House:
    """Return the club of a group, by the group's code."""
    return houses()[group.rsplit("-", 1)[0]]


@functools.lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """Return number → family, of good rows of every file."""
    found: dict[str, Family] = {}
    for platform, name in REGISTERS.items():
        register = Register(
            platform=platform,
            clubs_from=names.SYSTEM,
            digest="0" * 64,
            programme="clubs",
            area="karaganda",
            issuer=issuer.NAME,
        )
        for request in _requests("register", name, register):
            number = request.body["source"]["number"]
            found[number] = _family(request, register.standings[request.lines[0]].direction)
    for name in (INTAKE, TARGET):
        gathering = Applications(
            system=names.SYSTEM, digest="0" * 64, programme="clubs", issuer=issuer.NAME
        )
        for request in _requests("applications", name, gathering):
            found[request.body["source"]["number"]] = _family(request, request.body["kind"])
    return {number: found[number] for number in children()}


def spoiled() -> dict[str, Family]:
    """Return id of the planted trouble → family, of the window's spoiled rows."""
    lines = {one["line"]: one["id"] for one in planted() if one["file"] == INTAKE}
    gathering = Applications(
        system=names.SYSTEM, digest="0" * 64, programme="clubs", issuer=issuer.NAME
    )
    return {
        lines[request.lines[0]]: _family(request, request.body["kind"])
        for request in _requests("applications", INTAKE, gathering)
        if request.lines[0] in lines
    }


def registered() -> dict[str, list[str]]:
    """Return child's IIN → statuses on the family card, as the city's register has them."""
    return {
        family.child_iin: known
        for family in families().values()
        if (known := [s for s in family.statuses if s not in PAPER])
    }


def teachers() -> dict[str, list[dict[str, Any]]]:
    """Return club's code → those who teach there, as the akimat's file has them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(CLUBS, ";"):
        if row["Код объекта"] in houses():
            found[row["Код объекта"]] = [_teacher(text) for text in row["Педагоги"].split("; ")]
    return found


def timetables() -> dict[str, list[dict[str, Any]]]:
    """Return group's code → its weekly lessons."""
    days = files.WEEKDAYS
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _rows("timetables.csv", ","):
        found.setdefault(row["Код группы"], []).append(
            {
                "weekday": days.index(row["День недели"]),
                "starts": row["Начало"],
                "minutes": int(row["Длительность, минут"]),
            }
        )
    return found


def of_way(way: str) -> list[Pupil]:
    """Return the pupils that come one way: voucher, queue, window, counter."""
    return [pupil for pupil in karaganda().children if pupil.way == way]


def drawn(number: str) -> bool:
    """Tell whether a child's voucher hangs on the draw."""
    return children()[number].stream == city.DRAWN


def _family(request: Request, direction: str) -> Family:
    body = request.body
    return Family(
        body["source"]["number"],
        body["sign_in"]["subject"],
        direction,
        tuple(body["statuses"]),
        body["child"]["iin"],
        body,
    )


def _requests(kind: str, name: str, gathering: Gathering) -> list[Request]:
    sheet = sheets.read(FOLDER / name)
    running.read_rows(kind, sheet, gathering, running.Result(name, sheet.digest))
    return list(gathering.requests())


def _rows(name: str, separator: str) -> list[dict[str, str]]:
    text = Path(FOLDER / name).read_text("utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter=separator))


def _teacher(text: str) -> dict[str, Any]:
    name, education, years = text.rsplit(", ", 2)
    return {"name": name, "education": education, "experience_years": int(years)}


__all__ = ["Row", "children", "expected", "families", "houses", "karaganda", "pupils"]
