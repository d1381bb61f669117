"""Rows of the sample's files, and the trouble that is planted among them.

A planted row stands beside the good ones and never in place of one, so that it changes no figure
once it was refused. `planted.json` is the list; the demo names each entry when it was caught.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from samples.names import Named


@dataclass(frozen=True, slots=True)
class Parent:
    """Who applies; account: the sign-in on the portal that the row comes from."""

    iin: str
    named: Named
    telephone: str
    second: str
    account: str
    language: str


@dataclass(slots=True)
class Planted:
    """One piece of trouble. caught: "import", "attendance", "billing"; code: the refusal or flag.

    file and line: where it stands, both empty for trouble that a tablet makes; line is filled in
    when the file is put together. about: the application or site that it touches.
    """

    id: str
    kind: str
    caught: str
    codes: tuple[str, ...]
    about: str = ""
    file: str = ""
    line: int = 0
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A spoiled row: the cells that differ from a good one's, and behind which row it stands."""

    planted: Planted
    cells: Mapping[str, str]
    model: int
    after: int


class Asking(Protocol):
    """Whoever stands in a row with child and parent."""

    @property
    def number(self) -> str: ...
    @property
    def asked_at(self) -> datetime: ...
    @property
    def iin(self) -> str: ...
    @property
    def named(self) -> Named: ...
    @property
    def birth_date(self) -> date: ...
    @property
    def sex(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def parent(self) -> Parent: ...


def family_cells(a: Asking, *, kk: bool) -> dict[str, str]:
    """Return the cells of a child and its parent, spelt the Kazakh or the Russian way."""
    child = a.named.kk if kk else a.named.ru
    parent = a.parent.named.kk if kk else a.parent.named.ru
    return {
        "number": a.number,
        "asked_at": a.asked_at.strftime("%d.%m.%Y %H:%M:%S"),
        "iin": a.iin,
        "surname": child.surname,
        "given": child.given,
        "patronymic": child.patronymic,
        "birth_date": a.birth_date.strftime("%d.%m.%Y"),
        "sex": {"f": "қыз", "m": "ұл"}[a.sex] if kk else {"f": "женский", "m": "мужской"}[a.sex],
        "address": a.address,
        "parent_iin": a.parent.iin,
        "parent_surname": parent.surname,
        "parent_given": parent.given,
        "parent_patronymic": parent.patronymic,
        "telephone": a.parent.telephone,
        "second": a.parent.second,
        "account": a.parent.account,
        "notices": {"kk": "қазақша", "ru": "орысша"}[a.parent.language]
        if kk
        else {"kk": "казахский", "ru": "русский"}[a.parent.language],
    }


def with_spoiled(
    rows: list[dict[str, str]], spoiled: Sequence[Spoiled], file: str, trouble: list[Planted]
) -> list[dict[str, str]]:
    """Return the rows with the spoiled ones among them, and note on which line each stands."""
    behind: dict[int, list[Spoiled]] = {}
    for one in spoiled:
        behind.setdefault(one.after, []).append(one)
    made: list[dict[str, str]] = []
    for place, row in enumerate(rows):
        made.append(row)
        for one in behind.get(place, []):
            made.append({**rows[one.model], **one.cells})
            one.planted.file, one.planted.line = file, len(made) + 1
            trouble.append(one.planted)
    return made


def table(headings: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Return the heading row and the rows in the order of the headings."""
    return [list(headings.values()), *([row[name] for name in headings] for row in rows)]


def json_bytes(content: object) -> bytes:
    """Return JSON as it is committed."""
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
