"""The forty clubs of an invented Karaganda, built so that the figures come out by themselves.

Pupils come in streams, and each group takes one stream of one direction. Who is sure of a voucher
is known beforehand and has a place in a known group; whom the draw favours is not, so the groups
of that stream are all alike: twelve lessons, in town, without anything special in the month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from samples.clubs.october import FOURTEEN, NINE, TWELVE
from samples.draws import Draws
from samples.numbers import Numbers

PROGRAMME = "clubs"
AREA = "karaganda"
ACADEMIC_YEAR = 2026
DIRECTIONS = ("sport", "creative", "education")
MINUTES = 60

# Streams of pupils: with a target voucher in a public club; brought with club and voucher from a
# closing platform; with special needs; sure of a voucher; favoured by the draw.
TARGET, MOVED, SEN, SURE, DRAWN = "target", "moved", "sen", "sure", "drawn"
# Groups without pupils at first: for a suspended club's children, for switching families.
SHELTER, OPEN = "shelter", "open"

PUPILS = {
    TARGET: {"sport": 240, "creative": 250, "education": 190},
    MOVED: {"sport": 423, "creative": 360, "education": 240},
    SEN: {"sport": 10, "creative": 10, "education": 8},
    SURE: {"sport": 120, "creative": 200, "education": 142},
    DRAWN: {"sport": 180, "creative": 150, "education": 120},
}
GROUP_OF = 15
SUSPENDED_GROUPS = 4     # all of one creative club, of the stream that was moved
OPEN_PLACES = 20

PUBLIC = {"sport": 4, "creative": 4, "education": 3}
PRIVATE = {"sport": 12, "creative": 10, "education": 7}
TRADERS = {"sport": 2, "creative": 2, "education": 1}    # … of the private ones

# activity, its name, its least age
ACTIVITIES = {
    "sport": (("football", "Футбол", 6), ("swimming", "Жүзу", 6), ("judo", "Дзюдо", 7),
              ("volleyball", "Волейбол", 8)),
    "creative": (("dombra", "Домбыра", 6), ("dance", "Би", 5), ("drawing", "Бейнелеу", 5),
                 ("vocal", "Вокал", 5)),
    "education": (("robotics", "Робототехника", 7), ("programming", "Бағдарламалау", 9),
                  ("english", "Ағылшын тілі", 5), ("mathematics", "Математика", 6)),
}
_BANDS = ((7, 9), (10, 12), (13, 16))
_WIDE = (7, 12)

_NAMES = (
    "Арман", "Алатау", "Сарыарқа", "Шахтёр", "Жастар", "Дарын", "Тұлпар", "Қыран", "Самұрық", "Болашақ",
    "Нұрлы жол", "Зерде", "Өнер", "Мирас", "Балапан", "Салтанат", "Көктем", "Жігер", "Олимп", "Старт",
    "Импульс", "Планета", "Горизонт", "Вектор", "Радуга", "Гармония", "Синтез", "Альфа", "Кристалл", "Мастер",
    "Палитра", "Лидер", "Логика", "Полёт", "Юность", "Родник", "Маяк", "Компас", "Ритм", "Акцент",
)
_STREETS = (
    "пр. Бухар жырау", "пр. Нуркена Абдирова", "ул. Ермекова", "ул. Гоголя", "ул. Алиханова", "ул. Ерубаева",
    "пр. Строителей", "мкр. Степной-2", "мкр. Гульдер", "ул. Муканова", "мкр. Восток-3", "ул. Сатыбалдина",
)
_VILLAGE = "с. Доскей"
_HOURS = ("14:30", "16:00", "17:30", "19:00")
_LAT_E6, _LON_E6 = 49_804_700, 73_109_400     # the city's middle
_TEACHERS = (
    ("Динара", "Ахметова"), ("Ерлан", "Сейитов"), ("Ольга", "Петрова"), ("Марат", "Есенов"),
    ("Айгуль", "Касымова"), ("Андрей", "Степанов"), ("Сауле", "Базарова"), ("Руслан", "Тулегенов"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """One group. code: as the files name it; weekdays: 1 is Monday; seats: places taken at first."""

    code: str
    name: str
    stream: str
    direction: str
    activity: str
    ages: tuple[int, int]
    language: str
    weekdays: tuple[int, ...]
    starts: str
    seats: int
    capacity: int

    @property
    def sen(self) -> bool:
        return self.stream == SEN


@dataclass(slots=True)
class Club:
    """One club at one address, its payee with it: a payee has one club here."""

    code: str
    bin: str
    organisation: str
    name: str
    direction: str
    form: str
    account: str
    bank: str
    head: str
    address: str
    locality: str
    lat_e6: int
    lon_e6: int
    sen_conditions: bool
    teachers: tuple[tuple[str, str, str, int], ...]
    groups: list[Group] = field(default_factory=list)

    @property
    def public(self) -> bool:
        return self.form == "public"


@dataclass(frozen=True, slots=True)
class _Want:
    """A group to be housed."""

    stream: str
    seats: int
    capacity: int
    weekdays: tuple[int, ...]
    ages: tuple[int, int]


def build(draws: Draws, numbers: Numbers) -> list[Club]:
    """Return the forty clubs: per direction the public ones first."""
    made: list[Club] = []
    for direction in DIRECTIONS:
        public = _wants(draws, direction, (TARGET,))
        houses = [public[n :: PUBLIC[direction]] for n in range(PUBLIC[direction])]
        for wants in houses:
            made.append(_club(draws, numbers, len(made) + 1, direction, "public", wants))
        for place, wants in enumerate(_private(draws, direction)):
            form = "other" if place >= PRIVATE[direction] - TRADERS[direction] else "private"
            made.append(_club(draws, numbers, len(made) + 1, direction, form, wants))
    return made


def suspended(clubs: list[Club]) -> Club:
    """Return the club that is suspended in mid-month."""
    return next(c for c in clubs if c.direction == "creative" and not c.public)


def shelter_of(clubs: list[Club], group: Group) -> Group:
    """Return the group that takes the children of one of the suspended club's groups."""
    return next(
        g
        for g in groups(clubs)
        if (g.stream, g.weekdays, g.ages) == (SHELTER, group.weekdays, group.ages)
    )


def open_group(clubs: list[Club], direction: str) -> Group:
    """Return the group of a direction that takes switching families."""
    return next(g for g in groups(clubs) if g.stream == OPEN and g.direction == direction)


def groups(clubs: list[Club]) -> Iterator[Group]:
    """Yield all groups."""
    return (group for club in clubs for group in club.groups)


def age_of(birth_date: date) -> int:
    """Return completed years on 1 September, as groups count them."""
    passed = (birth_date.month, birth_date.day) <= (9, 1)
    return ACADEMIC_YEAR - birth_date.year - (not passed)


def rural(club: Club) -> bool:
    """Tell whether a club's lessons earn the rural coefficient."""
    return club.locality == "rural"


def _private(draws: Draws, direction: str) -> list[list[_Want]]:
    """Return what each private club of a direction houses.

    The suspended club is the first creative one, and has its four groups only; the last private
    club of education stands in a village and houses moved pupils only.
    """
    count = PRIVATE[direction]
    moved = _wants(draws, direction, (MOVED,))
    others = _wants(draws, direction, (SEN, SURE, DRAWN))
    alone: list[list[_Want]] = []
    last: list[list[_Want]] = []
    if direction == "creative":
        first, moved = moved[:SUSPENDED_GROUPS], moved[SUSPENDED_GROUPS:]
        alone = [first]
        others += [
            _Want(SHELTER, 0, want.seats, want.weekdays, want.ages) for want in first
        ]
    if direction == "education":
        last, moved = [moved[-4:]], moved[:-4]
    others.append(_Want(OPEN, 0, OPEN_PLACES, TWELVE[0], (7, 16)))
    rest = draws.mixed(moved + others)
    houses = count - len(alone) - len(last)
    return alone + [rest[n::houses] for n in range(houses)] + last


def _wants(draws: Draws, direction: str, streams: tuple[str, ...]) -> list[_Want]:
    made = []
    for stream in streams:
        left, number = PUPILS[stream][direction], 0
        while left:
            seats = min(GROUP_OF, left)
            made.append(
                _Want(stream, seats, seats, _weekdays(stream, number), _ages(stream, number))
            )
            left, number = left - seats, number + 1
    return made


def _weekdays(stream: str, number: int) -> tuple[int, ...]:
    """Return the weekdays of a stream's nth group: one in twelve meets too often, one too seldom."""
    if stream in (TARGET, MOVED, SURE):
        # Never among the first four: those of the suspended club.
        if number % 12 == 7:
            return FOURTEEN
        if number % 12 == 10:
            return NINE
    return TWELVE[number % len(TWELVE)]


def _ages(stream: str, number: int) -> tuple[int, int]:
    if stream in (TARGET, MOVED):
        return _BANDS[number % len(_BANDS)]
    return _WIDE if stream != SEN else (7, 14)


def _club(
    draws: Draws, numbers: Numbers, number: int, direction: str, form: str, wants: list[_Want]
) -> Club:
    name = f"«{_NAMES[number - 1]}»"
    village = direction == "education" and form != "public" and all(
        w.stream == MOVED for w in wants
    )
    place = _VILLAGE if village else draws.one(_STREETS)
    kind = {"public": "КГКП", "private": "ТОО", "other": "ИП"}[form]
    made = Club(
        code=f"KRG-{number:02d}",
        bin=numbers.iin() if form == "other" else numbers.bin(),
        organisation=f"{kind} {name}",
        name=f"{_SORTS[direction]} {name}",
        direction=direction,
        form=form,
        account=numbers.account(),
        bank="INVNKZKA",
        head=f"head-{number:02d}",
        address=f"{place}, {draws.number(1, 180)}",
        locality="rural" if village else "urban",
        lat_e6=_LAT_E6 + draws.number(-45_000, 45_000),
        lon_e6=_LON_E6 + draws.number(-70_000, 70_000),
        sen_conditions=any(w.stream == SEN for w in wants) or draws.chance(300),
        teachers=tuple(
            (given, surname, draws.one(("высшее", "среднее специальное")), draws.number(2, 25))
            for given, surname in draws.some(_TEACHERS, draws.number(2, 3))
        ),
    )
    for place_in_club, want in enumerate(wants, start=1):
        fitting = [a for a in ACTIVITIES[direction] if a[2] <= want.ages[0]]
        code, shown, _ = draws.one(fitting)
        made.groups.append(
            Group(
                code=f"{made.code}-{place_in_club}",
                name=f"{shown}, {place_in_club}-топ",
                stream=want.stream,
                direction=direction,
                activity=code,
                ages=want.ages,
                language=draws.weighted((("kk", 6), ("ru", 4))),
                weekdays=want.weekdays,
                starts=_HOURS[place_in_club % len(_HOURS)],
                seats=want.seats,
                capacity=want.capacity,
            )
        )
    return made


_SORTS = {"sport": "Спорт клубы", "creative": "Өнер студиясы", "education": "Білім орталығы"}
