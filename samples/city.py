"""The kindergartens of an invented Taldykorgan, built so that the figures come out by themselves.

Each child fits exactly one cell (ages × language × kind), and every group lies in one cell. So
whatever the order of the queue, a cell gives min(waiting, places) vouchers: how many wait in the
end and how many places stay free follow from the table below, not from a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from samples.draws import Draws
from samples.numbers import Numbers

PROGRAMME = "preschool"
AREA = "taldykorgan"
ACADEMIC_YEAR = 2026


@dataclass(frozen=True, slots=True)
class Cell:
    """Children and groups that fit each other, and nobody else.

    groups: capacities. In a cell with places to spare all groups are private.
    """

    name: str
    ages: tuple[int, int]
    language: str
    kind: str
    waiting: int
    groups: tuple[int, ...]

    @property
    def places(self) -> int:
        return sum(self.groups)

    @property
    def placed(self) -> int:
        return min(self.waiting, self.places)

    @property
    def spare(self) -> int:
        return self.places - self.placed

    @property
    def unplaced(self) -> int:
        return self.waiting - self.placed


CELLS = (
    Cell("2-kk", (2, 2), "kk", "general", 520, (15,) * 22),
    Cell("3-kk", (3, 3), "kk", "general", 560, (22,) * 20),
    Cell("4-kk", (4, 4), "kk", "general", 430, (20,) * 19),
    Cell("5-kk", (5, 6), "kk", "general", 330, (20,) * 15),
    Cell("2-ru", (2, 2), "ru", "general", 180, (15,) * 9),
    Cell("3-ru", (3, 3), "ru", "general", 170, (21,) * 6 + (20,) * 2),
    # Places to spare: the wrong age or language …
    Cell("4-ru", (4, 4), "ru", "general", 110, (25,) * 7),
    Cell("5-ru", (5, 6), "ru", "general", 140, (25,) * 9 + (10,)),
    # … or the wrong kind.
    Cell("correctional-kk", (3, 6), "kk", "correctional", 14, (12, 12)),
    Cell("correctional-ru", (3, 6), "ru", "correctional", 11, (10, 10)),
    Cell("sanatorium-kk", (2, 6), "kk", "sanatorium", 20, (15, 15)),
    Cell("sanatorium-ru", (2, 6), "ru", "sanatorium", 15, (15, 10)),
)
SPECIAL = tuple(cell for cell in CELLS if cell.kind != "general")
SPARE = tuple(cell for cell in CELLS if cell.kind == "general" and cell.spare)
SHORT = tuple(cell for cell in CELLS if cell.kind == "general" and not cell.spare)

PUBLIC, PRIVATE, MINI = 16, 48, 8

# The three private kindergartens of the special kinds; their timesheets come from a partner system.
_SPECIAL_SITES = (("correctional-kk",), ("correctional-ru",), ("sanatorium-kk", "sanatorium-ru"))

_NAMES = (
    "Балбөбек", "Ақбота", "Айгөлек", "Балауса", "Бәйтерек", "Гүлдер", "Еркемай", "Жұлдыз", "Қарлығаш",
    "Күншуақ", "Нұр бала", "Сәби", "Таңшолпан", "Тұлпар", "Шаттық", "Ертөстік", "Алтын бесік",
    "Бал бала", "Ботақан", "Дәурен", "Көгершін", "Қызғалдақ", "Мерей", "Самал", "Толағай",
    "Солнышко", "Теремок", "Росинка", "Ромашка", "Золотой ключик", "Светлячок", "Аленький цветочек",
    "Радуга", "Капелька", "Жемчужинка", "Непоседы",
)
_STREETS = (
    "ул. Акын Сара", "ул. Балапанова", "ул. Гаухар ана", "ул. Жансугурова", "ул. Каблиса жырау",
    "ул. Кабанбай батыра", "ул. Медеу", "ул. Толебаева", "пр. Назарбаева", "ул. Шевченко",
    "мкр. Каратал", "мкр. Жетысу", "мкр. Самал", "мкр. Мушелтой",
)
_VILLAGES = ("с. Отенай", "с. Еркин")


@dataclass(frozen=True, slots=True)
class Group:
    """One group: code as the files name it."""

    code: str
    name: str
    cell: Cell
    capacity: int
    hours: str


@dataclass(slots=True)
class Site:
    """One kindergarten at one address."""

    code: str
    name: str
    address: str
    locality: str
    form: str
    groups: list[Group] = field(default_factory=list)


@dataclass(slots=True)
class Organisation:
    """One payee with its sites."""

    code: str
    bin: str
    name: str
    form: str
    account: str
    bank: str
    head: str
    sites: list[Site] = field(default_factory=list)

    @property
    def groups(self) -> Iterator[Group]:
        return (group for site in self.sites for group in site.groups)


def cell_named(name: str) -> Cell:
    """Return a cell."""
    return next(cell for cell in CELLS if cell.name == name)


def build(draws: Draws, numbers: Numbers) -> list[Organisation]:
    """Return the 72 organisations: public ones first, then private, then mini-centres."""
    short = draws.mixed([(cell, size) for cell in SHORT for size in cell.groups])
    spare = draws.mixed([(cell, size) for cell in SPARE for size in cell.groups])
    mini = [want for want in short if want[0].name in ("3-kk", "4-kk")][:MINI]
    rest = list(short)
    for want in mini:
        rest.remove(want)
    ordinary = PRIVATE - len(_SPECIAL_SITES)
    public, private = rest[: 3 * PUBLIC], draws.mixed(rest[3 * PUBLIC :] + spare)
    holdings: list[tuple[str, list[tuple[Cell, int]]]] = [
        ("public", public[3 * n : 3 * n + 3]) for n in range(PUBLIC)
    ]
    holdings += [("private", private[n::ordinary]) for n in range(ordinary)]
    holdings += [
        ("private", [(c, size) for name in names for c in [cell_named(name)] for size in c.groups])
        for names in _SPECIAL_SITES
    ]
    holdings += [("mini-centre", [want]) for want in mini]
    return [
        _organisation(draws, numbers, number, form, wants)
        for number, (form, wants) in enumerate(holdings, start=1)
    ]


def _organisation(
    draws: Draws, numbers: Numbers, number: int, form: str, wants: list[tuple[Cell, int]]
) -> Organisation:
    name = f"«{_NAMES[(number - 1) % len(_NAMES)]}»"
    if number > len(_NAMES):
        name = f"{name} {number}"
    kind = {"public": "ГККП", "private": "ТОО", "mini-centre": "ИП"}[form]
    trader = form == "mini-centre"
    made = Organisation(
        code=f"TDK-{number:02d}",
        bin=numbers.iin() if trader else numbers.bin(),
        name=f"{kind} {name}",
        form="sole-trader" if trader else form,
        account=numbers.account(),
        bank="INVNKZKA",
        head=f"head-{number:02d}",
    )
    special = any(cell.kind != "general" for cell, _ in wants)
    # Every fourth public organisation has a second house.
    houses = 2 if form == "public" and number % 4 == 0 else 1
    for house in range(houses):
        rural = not special and draws.chance(80)
        place = draws.one(_VILLAGES) if rural else draws.one(_STREETS)
        site = Site(
            code=f"TDK-{number:02d}{'AB'[house] if houses > 1 else ''}",
            name=f"{'Мини-орталық' if trader else 'Балабақша'} {name}"
            + (f", {house + 1}-ғимарат" if houses > 1 else ""),
            address=f"{place}, {draws.number(1, 180)}",
            locality="rural" if rural else "urban",
            form=form,
        )
        for place_in_site, (cell, size) in enumerate(wants[house::houses], start=1):
            hours = "9" if trader or (cell.kind == "general" and draws.chance(200)) else "10.5"
            site.groups.append(
                Group(f"{site.code}-{place_in_site}", f"{place_in_site}-топ", cell, size, hours)
            )
        made.sites.append(site)
    return made
