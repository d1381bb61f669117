"""The files of an invented Karaganda."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from samples import headings
from samples.clubs import city, plan, planted, pupils
from samples.clubs.city import Club, Group
from samples.clubs.expected import CAP_TIYN, RATE_TIYN, RURAL_PER_MILLE, expected
from samples.clubs.pupils import ARTSPORT, DAMUBALA, QUEUE, VOUCHER, Pupil
from samples.draws import Draws
from samples.files import csv_bytes, xlsx_bytes
from samples.numbers import Numbers
from samples.rows import Planted, family_cells, json_bytes, table, with_spoiled

DIRECTION_RU = {"sport": "спорт", "creative": "творчество", "education": "образование"}
DIRECTION_KK = {"sport": "спорт", "creative": "шығармашылық", "education": "білім беру"}
_FORMS = {"public": "государственная", "private": "частная", "other": "ИП"}
STATUS_RU = {
    "": "", "orphan": "сирота", "disability": "ребёнок с инвалидностью", "sen": "ООП",
    "parent-disability": "родитель с инвалидностью", "tsa": "АСП",
    "large-family": "многодетная семья", "breadwinner-lost": "потеря кормильца",
    "protected": "трудная жизненная ситуация",
    "single-parent": "одинокий родитель", "rural-remote": "село",
}
STATUS_KK = {
    "": "", "orphan": "жетім", "disability": "мүгедектігі бар бала", "sen": "ЕБҚ",
    "parent-disability": "мүгедектігі бар ата-ана", "tsa": "АӘК",
    "large-family": "көпбалалы отбасы", "breadwinner-lost": "асыраушысынан айырылған",
    "protected": "өмірлік қиын жағдай",
    "single-parent": "жалғызбасты ата-ана", "rural-remote": "ауыл",
}
_ACTIVITIES = {code: word for known in city.ACTIVITIES.values() for code, word, _ in known}
SEPTEMBER_LESSONS = 4    # what Damubala's pupils used in the month in which they come
WEEKDAYS = ("", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")


@dataclass(frozen=True, slots=True)
class Karaganda:
    """The invented city: its clubs, its children, and what October will bring."""

    clubs: list[Club]
    children: list[Pupil]
    month: plan.Plan


def build(seed: int) -> Karaganda:
    """Return the city that a seed makes."""
    draws = Draws(f"karaganda/{seed}")
    numbers = Numbers(draws.apart("numbers"))
    clubs = city.build(draws.apart("city"), numbers)
    children = pupils.build(draws.apart("pupils"), numbers, clubs)
    return Karaganda(clubs, children, plan.build(clubs, children))


def karaganda(seed: int) -> dict[str, bytes]:
    """Return the files of the sample by name."""
    made = build(seed)
    clubs, children, month = made.clubs, made.children, made.month
    before = pupils.had_before(children, clubs)
    again = {pupil.iin for pupil in before}
    first = pupils.of_register([*children, *before], DAMUBALA)
    second = [
        pupils.spelt_alike(p) if p.iin in again else p
        for p in pupils.of_register(children, ARTSPORT)
    ]
    window = pupils.of_window(children)
    groups = {group.code: group for group in city.groups(clubs)}
    homes = {group.code: club for club in clubs for group in club.groups}
    trouble: list[Planted] = []

    listed = with_spoiled(
        [_club_row(c, g) for c in clubs for g in c.groups],
        planted.in_clubs(len(groups)),
        "clubs.csv",
        trouble,
    )
    damubala = with_spoiled(
        _register(first, groups, homes, kk=False),
        planted.in_damubala(first, groups),
        "damubala.csv",
        trouble,
    )
    artsport = with_spoiled(
        _register(second, groups, homes, kk=True),
        planted.in_artsport(second, first, groups),
        "artsport.xlsx",
        trouble,
    )
    intake = with_spoiled(
        [_intake_row(p) for p in window],
        planted.in_intake(window, first[43]),
        "intake-2026-09.csv",
        trouble,
    )
    trouble += planted.in_october()
    weekly = [
        {"group": g.code, "weekday": WEEKDAYS[day], "starts": g.starts, "minutes": str(city.MINUTES)}
        for g in groups.values()
        for day in g.weekdays
    ]
    return {
        "clubs.csv": csv_bytes(table(headings.CLUBS, listed), encoding="utf-8-sig"),
        "timetables.csv": csv_bytes(table(headings.TIMETABLES, weekly), separator=","),
        "damubala.csv": csv_bytes(table(headings.DAMUBALA, damubala), encoding="cp1251"),
        "artsport.xlsx": xlsx_bytes("Тізілім", table(headings.ARTSPORT, artsport)),
        "intake-2026-09.csv": csv_bytes(table(headings.INTAKE, intake)),
        "target-2026-09.csv": csv_bytes(
            table(
                headings.INTAKE | {"group": headings.DAMUBALA["group"]},
                [_intake_row(p) | {"group": p.group} for p in children if p.way == pupils.COUNTER],
            )
        ),
        "planted.json": json_bytes([asdict(one) for one in trouble]),
        "expected.json": json_bytes(expected(clubs, children, month, trouble)),
    }


def _club_row(c: Club, g: Group) -> dict[str, str]:
    return {
        "bin": c.bin,
        "organisation_code": c.code,
        "organisation": c.organisation,
        "form": _FORMS[c.form],
        "account": c.account,
        "bank": c.bank,
        "login": c.head,
        "site": c.code,
        "site_name": c.name,
        "area": "Караганда",
        "address": c.address,
        "locality": "село" if city.rural(c) else "город",
        "group": g.code,
        "group_name": g.name,
        "academic_year": f"{city.ACADEMIC_YEAR}-{city.ACADEMIC_YEAR + 1}",
        "age_from": str(g.ages[0]),
        "age_to": str(g.ages[1]),
        "language": "казахский" if g.language == "kk" else "русский",
        "hours": str(city.MINUTES),
        "places": str(g.capacity),
        "listed_on": "01.08.2026",
        "act": "Приказ управления № 88-Ө",
        "direction": DIRECTION_RU[c.direction],
        "activity": _ACTIVITIES[g.activity],
        "lat": f"{c.lat_e6 / 1_000_000:.6f}",
        "lon": f"{c.lon_e6 / 1_000_000:.6f}",
        "sen": "да" if c.sen_conditions else "нет",
        "sen_group": "да" if g.sen else "нет",
        "teachers": "; ".join(
            f"{given} {surname}, {education}, {years}" for given, surname, education, years in c.teachers
        ),
    }


def _register(
    children: list[Pupil], groups: dict[str, Group], homes: dict[str, Club], *, kk: bool
) -> list[dict[str, str]]:
    waiting = sorted((p for p in children if p.way == QUEUE), key=lambda p: (p.asked_at, p.number))
    places = {p.number: n for n, p in enumerate(waiting, start=1)}
    made = []
    for p in children:
        voucher = p.way == VOUCHER
        group = groups[p.group] if voucher else None
        target = group is not None and homes[group.code].public
        rural = group is not None and city.rural(homes[group.code])
        cap = CAP_TIYN * (RURAL_PER_MILLE if rural else 1000) // 1000
        lessons = 0
        if group is not None:
            late = p.platform == ARTSPORT
            lessons = plan.used_before(group) if late else SEPTEMBER_LESSONS
        used = lessons * RATE_TIYN * (RURAL_PER_MILLE if rural else 1000) // 1000
        made.append(family_cells(p, kk=kk) | {
            "state": (("белсенді" if kk else "действует") if voucher
                      else ("кезекте" if kk else "в очереди")),
            "voucher_kind": _kind(target, kk) if voucher else "",
            "area": "Қарағанды" if kk else "Караганда",
            "direction": (DIRECTION_KK if kk else DIRECTION_RU)[p.direction],
            "status": (STATUS_KK if kk else STATUS_RU)[p.status],
            "club": homes[group.code].code if group else "",
            "group": group.code if group else "",
            "starts_on": p.asked_at.strftime("%d.%m.%Y") if voucher else "",
            "month": ("10.2026" if p.platform == ARTSPORT else "09.2026") if voucher else "",
            "limit": str(cap // 100) if voucher else "",
            "used": str(used // 100) if voucher else "",
            "place": "" if voucher else str(places[p.number]),
        })
    return made


def _kind(target: bool, kk: bool) -> str:
    if kk:
        return "нысаналы" if target else "әмбебап"
    return "целевой" if target else "универсальный"


def _intake_row(p: Pupil) -> dict[str, str]:
    return family_cells(p, kk=False) | {
        "area": "Караганда",
        "status": STATUS_RU[p.status],
        "direction": DIRECTION_RU[p.direction],
    }
