"""The pupils of an invented Karaganda and their parents, stream by stream.

A pupil comes one of four ways: with a voucher from a closing platform, from that platform's queue,
by the intake window of September, or straight to a public club. Whoever has a status is sure of a
voucher: status goes before time, and there is money for all of them. Children of the window
without a status are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from samples import names
from samples.clubs import city
from samples.clubs.city import DIRECTIONS, DRAWN, MOVED, PUPILS, SEN, SURE, TARGET, Club, Group
from samples.draws import Draws
from samples.names import Named
from samples.numbers import Numbers
from samples.rows import Parent

# Who waits and is not favoured: children of the window beyond the drawn vouchers, and children of
# the queue of a platform that closes in October, when the money is spent.
UNDRAWN = {"sport": 117, "creative": 100, "education": 80}
LATE = {"sport": 60, "creative": 0, "education": 0}
NEW_TARGET = {"sport": 20, "creative": 20, "education": 15}
# Of those who come late: children who had a voucher of the other platform in another direction,
# gave it back in September and ask again. Whoever had one within the year is in the last category.
HAD_BEFORE = {"creative": 5, "education": 5}
QUEUED = {"sport": 0, "creative": 100, "education": 60}    # of the stream that is sure

LATE_STREAM = "late"
VOUCHER, QUEUE, WINDOW, COUNTER = "voucher", "queue", "window", "counter"
DAMUBALA, ARTSPORT = "damubala", "artsport"

WINDOW_OPENS = datetime(2026, 9, 7, 9, 0, 0)
WINDOW_CLOSES = datetime(2026, 9, 13, 18, 0, 0)

_STATUSES = (
    ("orphan", 10), ("disability", 22), ("parent-disability", 18), ("tsa", 50),
    ("large-family", 130), ("breadwinner-lost", 28), ("protected", 8),
    ("single-parent", 40), ("rural-remote", 34),
)
_NONE = ("", 660)
_STREETS = (
    "ул. Ермекова", "ул. Гоголя", "пр. Бухар жырау", "мкр. Степной-3", "мкр. Гульдер-1", "ул. Муканова",
    "мкр. Орбита", "ул. Карбышева", "ул. Ерубаева",
)


@dataclass(frozen=True, slots=True)
class Pupil:
    """One child. way: how it comes; platform: the register it stands in; group: where it learns.

    ordinal: its place in stream and direction; number: what the file calls it. group is empty for
    children of the draw and for those who wait: their families choose what is free.
    """

    number: str
    stream: str
    direction: str
    ordinal: int
    way: str
    platform: str
    asked_at: datetime
    iin: str
    named: Named
    birth_date: date
    sex: str
    address: str
    parent: Parent
    status: str
    group: str


def build(draws: Draws, numbers: Numbers, clubs: Sequence[Club]) -> list[Pupil]:
    """Return all pupils: those of registers first, then those of the window and the counter."""
    made: list[Pupil] = []
    for direction in DIRECTIONS:
        for stream in (TARGET, MOVED, SEN, SURE, DRAWN):
            seats = _seats(clubs, stream, direction)
            count = PUPILS[stream][direction] + (UNDRAWN[direction] if stream == DRAWN else 0)
            for ordinal in range(count):
                group = seats[ordinal] if stream != DRAWN else None
                made.append(
                    _pupil(draws, numbers, len(made), stream, direction, ordinal, count, group)
                )
        for ordinal in range(LATE[direction]):
            count = LATE[direction]
            made.append(
                _pupil(draws, numbers, len(made), LATE_STREAM, direction, ordinal, count, None)
            )
    return made


def of_register(pupils: Sequence[Pupil], platform: str) -> list[Pupil]:
    """Return the pupils in a platform's register, vouchers and queue, by number."""
    return sorted((p for p in pupils if p.platform == platform), key=lambda p: p.number)


def had_before(pupils: Sequence[Pupil], clubs: Sequence[Club]) -> list[Pupil]:
    """Return children who come late as the other platform's register has them, with a voucher.

    They learn where there is room for those who switch.
    """
    again = [p for p in pupils if p.stream == LATE_STREAM and not p.status]
    made: list[Pupil] = []
    for direction, count in HAD_BEFORE.items():
        group = city.open_group(list(clubs), direction).code
        for pupil in again[len(made) : len(made) + count]:
            place = len(made) + 1
            made.append(
                replace(
                    pupil,
                    number=f"DB-{800_000 + place:06d}",
                    direction=direction,
                    way=VOUCHER,
                    platform=DAMUBALA,
                    asked_at=datetime(2025, 11, 3, 10, 0) + timedelta(days=place),
                    group=group,
                )
            )
    return made


def spelt_alike(pupil: Pupil) -> Pupil:
    """Return a pupil whose name all registers spell the Russian way: otherwise told, it is another.
    """
    parent = pupil.parent
    return replace(
        pupil,
        named=Named(pupil.named.ru, pupil.named.ru),
        parent=replace(parent, named=Named(parent.named.ru, parent.named.ru)),
    )


def of_window(pupils: Sequence[Pupil]) -> list[Pupil]:
    """Return the pupils of the intake window in the order of their applications."""
    return sorted((p for p in pupils if p.way == WINDOW), key=lambda p: p.number)


def _seats(clubs: Sequence[Club], stream: str, direction: str) -> list[Group]:
    return [
        group
        for group in city.groups(list(clubs))
        if group.stream == stream and group.direction == direction
        for _ in range(group.seats)
    ]


def _way(stream: str, direction: str, ordinal: int, count: int) -> str:
    if stream == MOVED:
        return VOUCHER
    if stream == TARGET:
        return VOUCHER if ordinal < count - NEW_TARGET[direction] else COUNTER
    if stream == SURE:
        return QUEUE if ordinal < QUEUED[direction] else WINDOW
    return QUEUE if stream == LATE_STREAM else WINDOW


def _pupil(
    draws: Draws,
    numbers: Numbers,
    place: int,
    stream: str,
    direction: str,
    ordinal: int,
    count: int,
    group: Group | None,
) -> Pupil:
    way = _way(stream, direction, ordinal, count)
    platform = ""
    if way in (VOUCHER, QUEUE):
        platform = ARTSPORT if direction == "sport" else DAMUBALA
    family, sex = names.family(draws), draws.one("fm")
    status = _status(draws, stream, way)
    ages = group.ages if group else (7, 12)
    street = "с. Доскей" if status == "rural-remote" else draws.one(_STREETS)
    prefix = {DAMUBALA: "DB", ARTSPORT: "AS", "": "KRG"}[platform]
    return Pupil(
        number=f"{prefix}-{place + 1:06d}",
        stream=stream,
        direction=direction,
        ordinal=ordinal,
        way=way,
        platform=platform,
        asked_at=_asked_at(draws, way, place),
        iin=numbers.iin(),
        named=names.child(draws, family, sex),
        birth_date=_birth_date(draws, ages),
        sex=sex,
        address=f"{street}, {draws.number(1, 220)}, кв. {draws.number(1, 96)}",
        parent=Parent(
            numbers.iin(),
            names.parent(draws, family),
            numbers.telephone(place),
            numbers.telephone(500000 + place) if draws.chance(300) else "",
            f"krg-{place + 1:06d}",
            "kk" if draws.chance(600) else "ru",
        ),
        status=status,
        group=group.code if group else "",
    )


def _status(draws: Draws, stream: str, way: str) -> str:
    if stream == SEN:
        return "sen"
    if stream == DRAWN:
        return ""
    if stream == SURE and way == WINDOW:
        return draws.weighted(_STATUSES)
    return draws.weighted((*_STATUSES, _NONE))


def _asked_at(draws: Draws, way: str, place: int) -> datetime:
    """Return when the family asked: on a platform over the year before, or within the window."""
    if way == WINDOW:
        seconds = int((WINDOW_CLOSES - WINDOW_OPENS).total_seconds()) - 3600
        return WINDOW_OPENS + timedelta(seconds=draws.number(60, seconds))
    day = datetime(2025, 10, 6, 9, 0) if way == VOUCHER else datetime(2026, 5, 4, 9, 0)
    return day + timedelta(minutes=draws.number(0, 60 * 24 * 70), seconds=place % 60)


def _birth_date(draws: Draws, ages: tuple[int, int]) -> date:
    """Return a birth date that makes an age within the bounds on 1 September 2026.

    And until the end of the year: whoever turned a year older may still come.
    """
    age = draws.number(*ages)
    first = date(2026 - age - 1, 9, 2)
    return first + timedelta(days=draws.number(130, 360))


def enrolled(pupils: Sequence[Pupil]) -> Iterator[Pupil]:
    """Yield those whose place does not hang on the draw."""
    return (p for p in pupils if p.stream in (TARGET, MOVED, SEN, SURE))
