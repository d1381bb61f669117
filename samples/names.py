"""Invented people: given names and surnames, each in Kazakh and in Russian spelling.

A file in Windows-1251 cannot hold the Kazakh letters, so its people are spelt the Russian way, as
in the exports that akimats really have.
"""

from __future__ import annotations

from dataclasses import dataclass

from samples.draws import Draws

BOYS = (
    ("Әлихан", "Алихан"), ("Нұрислам", "Нурислам"), ("Айсұлтан", "Айсултан"), ("Мансұр", "Мансур"),
    ("Ерасыл", "Ерасыл"), ("Әмір", "Амир"), ("Бекзат", "Бекзат"), ("Дінмұхамед", "Динмухамед"),
    ("Сұлтан", "Султан"), ("Жанібек", "Жанибек"), ("Тимур", "Тимур"), ("Рамазан", "Рамазан"),
    ("Қайсар", "Кайсар"), ("Ислам", "Ислам"), ("Арсен", "Арсен"), ("Еркебұлан", "Еркебулан"),
    ("Артём", "Артём"), ("Максим", "Максим"), ("Данияр", "Данияр"), ("Руслан", "Руслан"),
    ("Олжас", "Олжас"), ("Нұрбол", "Нурбол"), ("Әділ", "Адиль"), ("Мирас", "Мирас"),
)
GIRLS = (
    ("Айша", "Айша"), ("Медина", "Медина"), ("Аяулым", "Аяулым"), ("Інжу", "Инжу"),
    ("Раяна", "Раяна"), ("Әмина", "Амина"), ("Томирис", "Томирис"), ("Айзере", "Айзере"),
    ("Кәусар", "Каусар"), ("Сафия", "Сафия"), ("Жансая", "Жансая"), ("Аружан", "Аружан"),
    ("Дильназ", "Дильназ"), ("Көркем", "Коркем"), ("Зере", "Зере"), ("Мариям", "Мариям"),
    ("София", "София"), ("Ева", "Ева"), ("Алина", "Алина"), ("Аделина", "Аделина"),
    ("Нұрай", "Нурай"), ("Балнұр", "Балнур"), ("Гүлім", "Гулим"), ("Ақниет", "Акниет"),
)
MOTHERS = (
    ("Гүлнар", "Гульнар"), ("Айгүл", "Айгуль"), ("Салтанат", "Салтанат"), ("Әсел", "Асель"),
    ("Динара", "Динара"), ("Мәдина", "Мадина"), ("Жанар", "Жанар"), ("Қарлығаш", "Карлыгаш"),
    ("Ләззат", "Ляззат"), ("Ольга", "Ольга"), ("Наталья", "Наталья"), ("Сәуле", "Сауле"),
)
FATHERS = (
    ("Нұрлан", "Нурлан"), ("Ерлан", "Ерлан"), ("Қанат", "Канат"), ("Бауыржан", "Бауыржан"),
    ("Серік", "Серик"), ("Дәурен", "Даурен"), ("Талғат", "Талгат"), ("Марат", "Марат"),
    ("Асқар", "Аскар"), ("Дмитрий", "Дмитрий"), ("Андрей", "Андрей"), ("Рүстем", "Рустем"),
)
_ROOTS = (
    ("Ахмет", "Ахмет"), ("Оспан", "Оспан"), ("Жұмабай", "Жумабай"), ("Сейіт", "Сейит"),
    ("Төлеген", "Тулеген"), ("Байжан", "Байжан"), ("Қасым", "Касым"), ("Нұрғали", "Нургали"),
    ("Есен", "Есен"), ("Ыбырай", "Ибрай"), ("Мұқан", "Мукан"), ("Сапар", "Сапар"),
    ("Қуаныш", "Куаныш"), ("Тұрсын", "Турсун"), ("Әбіш", "Абиш"), ("Жаныбек", "Жанибек"),
    ("Дәулет", "Даулет"), ("Ермек", "Ермек"), ("Базар", "Базар"), ("Рахым", "Рахим"),
    ("Петр", "Петр"), ("Иван", "Иван"), ("Михаил", "Михайл"), ("Степан", "Степан"),
)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name in one of the two spellings; patronymic may be empty."""

    surname: str
    given: str
    patronymic: str


@dataclass(frozen=True, slots=True)
class Named:
    """One person, spelt both ways."""

    kk: Name
    ru: Name


@dataclass(frozen=True, slots=True)
class Family:
    """A surname's root and the father, whose name makes the patronymic."""

    root: tuple[str, str]
    father: tuple[str, str]


def family(draws: Draws) -> Family:
    """Return a family that does not exist."""
    return Family(draws.one(_ROOTS), draws.one(FATHERS))


def child(draws: Draws, of: Family, sex: str) -> Named:
    """Return a child of the family; one in nine has no patronymic."""
    given = draws.one(BOYS if sex == "m" else GIRLS)
    return _named(of, given, sex, patronymic=not draws.chance(110))


def parent(draws: Draws, of: Family) -> Named:
    """Return the parent who applies: four times of five the mother."""
    if draws.chance(800):
        return _named(of, draws.one(MOTHERS), "f", patronymic=False)
    return _named(of, of.father, "m", patronymic=False)


def _named(of: Family, given: tuple[str, str], sex: str, *, patronymic: bool) -> Named:
    ending = "ов" if sex == "m" else "ова"
    after_kk, after_ru = ("ұлы", "улы") if sex == "m" else ("қызы", "кызы")
    return Named(
        Name(of.root[0] + ending, given[0], of.father[0] + after_kk if patronymic else ""),
        Name(of.root[1] + ending, given[1], of.father[1] + after_ru if patronymic else ""),
    )
