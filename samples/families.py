"""The 2,500 children who wait, their parents, and what the parents asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from samples import names
from samples.city import CELLS, Cell, Group, Organisation
from samples.draws import Draws
from samples.names import Named
from samples.numbers import Numbers
from samples.rows import Parent

FIRST_ASKED = datetime(2025, 1, 6, 8, 0, 0)
LAST_ASKED = datetime(2026, 7, 15, 18, 0, 0)
TWIN_PAIRS = 24

_STATUSES = (
    ("", 780), ("large-family", 110), ("disability-representative", 18), ("teacher", 30),
    ("sen", 22), ("military", 18), ("special-service", 8), ("no-parental-care", 6), ("orphan", 8),
)
_STREETS = (
    "ул. Абая", "ул. Акын Сара", "ул. Гаухар ана", "ул. Жансугурова", "ул. Медеу", "ул. Тауелсиздик",
    "мкр. Каратал", "мкр. Жетысу", "мкр. Самал",
)


@dataclass(frozen=True, slots=True)
class Application:
    """One child in the queue. twins: the pair's number, empty for others."""

    number: str
    asked_at: datetime
    iin: str
    named: Named
    birth_date: date
    sex: str
    address: str
    parent: Parent
    cell: Cell
    status: str
    wishes: tuple[str, ...]
    twins: str


def build(draws: Draws, numbers: Numbers, city: Sequence[Organisation]) -> list[Application]:
    """Return the applications in the order of their numbers, which is that of their time."""
    groups: dict[str, list[Group]] = {cell.name: [] for cell in CELLS}
    for organisation in city:
        for group in organisation.groups:
            groups[group.cell.name].append(group)
    seconds = int((LAST_ASKED - FIRST_ASKED).total_seconds())
    wanted = draws.mixed([cell for cell in CELLS for _ in range(cell.waiting)])
    moments = sorted({draws.number(0, seconds) for _ in range(len(wanted) + 200)})
    moments = sorted(draws.some(moments, len(wanted)))
    made: list[Application] = []
    queue = list(zip(wanted, moments, strict=True))
    twins = _twins(queue)
    for place, (cell, moment) in enumerate(queue):
        earlier = made[twins[place]] if place in twins else None
        made.append(_application(draws, numbers, place, cell, moment, groups[cell.name], earlier))
    for first in twins.values():
        made[first] = replace(made[first], twins=_pair(made[first].number))
    return made


def _pair(number_of_first: str) -> str:
    return f"T-{number_of_first[4:]}"


def _twins(queue: list[tuple[Cell, int]]) -> dict[int, int]:
    """Return second twin → first twin: neighbours in the queue of one general cell.

    Pairs come early in the queue, so that two places together are still to be had.
    """
    pairs: dict[int, int] = {}
    for place in range(10, len(queue) // 2):
        if len(pairs) == TWIN_PAIRS:
            break
        same = queue[place - 1][0] is queue[place][0] and queue[place][0].kind == "general"
        if same and place - 1 not in pairs:
            pairs[place] = place - 1
    return pairs


def _application(
    draws: Draws,
    numbers: Numbers,
    place: int,
    cell: Cell,
    moment: int,
    groups: Sequence[Group],
    twin: Application | None,
) -> Application:
    number = f"TDK-{place + 1:06d}"
    if twin is not None:
        sex = draws.one("fm")
        family = _family_of(twin)
        child = names.child(draws, family, sex)
        while child.ru.given == twin.named.ru.given:
            child = names.child(draws, family, sex)
        return Application(
            number,
            twin.asked_at + timedelta(seconds=40),
            numbers.iin(),
            child,
            twin.birth_date,
            sex,
            twin.address,
            twin.parent,
            cell,
            twin.status,
            twin.wishes,
            _pair(twin.number),
        )
    family = names.family(draws)
    sex = draws.one("fm")
    statuses = _STATUSES if cell.kind != "correctional" else (("sen", 1),)
    return Application(
        number,
        FIRST_ASKED + timedelta(seconds=moment),
        numbers.iin(),
        names.child(draws, family, sex),
        _birth_date(draws, cell),
        sex,
        f"{draws.one(_STREETS)}, {draws.number(1, 220)}, кв. {draws.number(1, 96)}",
        Parent(
            numbers.iin(),
            names.parent(draws, family),
            numbers.telephone(place),
            numbers.telephone(500000 + place) if draws.chance(450) else "",
            f"portal-{place + 1:06d}",
            "kk" if cell.language == "kk" or draws.chance(250) else "ru",
        ),
        cell,
        draws.weighted(statuses),
        _wishes(draws, groups),
        "",
    )


def _family_of(twin: Application) -> names.Family:
    return next(
        names.Family(root, father)
        for root in names._ROOTS
        for father in names.FATHERS
        if twin.named.kk.surname.startswith(root[0])
        and (not twin.named.kk.patronymic or twin.named.kk.patronymic.startswith(father[0]))
    )


def _birth_date(draws: Draws, cell: Cell) -> date:
    """Return a birth date that makes the age of the cell on 1 September 2026.

    The youngest are two full years old by 10 July 2026, before the first iteration.
    """
    age = draws.number(*cell.ages)
    first = date(2026 - age - 1, 9, 2)
    last = date(2026 - age, 9, 1) if age > 2 else date(2024, 7, 10)
    return first + timedelta(days=draws.number(0, (last - first).days))


def _wishes(draws: Draws, groups: Sequence[Group]) -> tuple[str, ...]:
    """Return up to three groups; the first ones of the list are the popular ones."""
    count = draws.weighted(((0, 2), (1, 3), (2, 3), (3, 2)))
    popular = list(groups[: max(2, len(groups) // 3)])
    chosen = draws.some(popular if draws.chance(600) else list(groups), count)
    return tuple(group.code for group in chosen)
