"""Write an invented city: `python -m samples.generate taldykorgan | karaganda [--seed 2026]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from samples import city, families, planted
from samples.attendance import Partner, partner_rows
from samples.clubs.files import karaganda
from samples.draws import Draws
from samples.expected import expected
from samples.families import Application
from samples.files import csv_bytes, xlsx_bytes
from samples.headings import APPLICATIONS_KK, APPLICATIONS_RU, ATTENDANCE, PROVIDERS
from samples.numbers import Numbers
from samples.rows import Planted, family_cells, json_bytes, table, with_spoiled

FIRST_FILE = 1900    # applications in the CSV file; the rest are in the XLSX one

_FORMS = {"public": "государственная", "private": "частная", "sole-trader": "ИП"}
_STATUS_RU = {
    "": "", "large-family": "многодетная семья", "teacher": "ребёнок педагога", "sen": "ООП",
    "disability-representative": "родитель с инвалидностью", "military": "военнослужащие",
    "special-service": "спецгосорганы", "no-parental-care": "без попечения родителей",
    "orphan": "сирота",
}
_STATUS_KK = {
    "": "", "large-family": "көпбалалы отбасы", "teacher": "педагогтің баласы", "sen": "ЕБҚ",
    "disability-representative": "мүгедектігі бар ата-ана", "military": "әскери қызметші",
    "special-service": "арнаулы мемлекеттік орган", "no-parental-care": "ата-ана қамқорлығынсыз",
    "orphan": "жетім",
}
_KIND_RU = {"general": "общая", "correctional": "коррекционная", "sanatorium": "санаторная"}
_KIND_KK = {"general": "жалпы", "correctional": "түзету", "sanatorium": "санаторий"}


def taldykorgan(seed: int) -> dict[str, bytes]:
    """Return the files of the sample by name."""
    draws = Draws(seed)
    numbers = Numbers(draws.apart("numbers"))
    organisations = city.build(draws.apart("city"), numbers)
    queue = families.build(draws.apart("families"), numbers, organisations)
    mixed = _apart(draws.apart("files"), queue)
    first, second = mixed
    partner = partner_rows(draws.apart("partner"), organisations, queue)
    trouble: list[Planted] = []

    providers = with_spoiled(
        [_provider_row(o, s, g) for o in organisations for s in o.sites for g in s.groups],
        planted.in_providers(sum(1 for o in organisations for _ in o.groups)),
        "providers.csv",
        trouble,
    )
    ru = with_spoiled(
        [_application_row(a, "ru") for a in first],
        planted.in_first_file(first),
        "applications-1.csv",
        trouble,
    )
    kk = with_spoiled(
        [_application_row(a, "kk") for a in second],
        planted.in_second_file(first, second),
        "applications-2.xlsx",
        trouble,
    )
    attendance = _partner_rows(partner, trouble)
    trouble += planted.on_tablets()
    return {
        "providers.csv": csv_bytes(table(PROVIDERS, providers), encoding="utf-8-sig"),
        "applications-1.csv": csv_bytes(table(APPLICATIONS_RU, ru), encoding="cp1251"),
        "applications-2.xlsx": xlsx_bytes("Кезек", table(APPLICATIONS_KK, kk)),
        "attendance-2026-09.csv": csv_bytes(table(ATTENDANCE, attendance), separator=","),
        "planted.json": json_bytes([asdict(one) for one in trouble]),
        "expected.json": json_bytes(expected(organisations, queue, trouble, partner)),
    }


def _apart(
    draws: Draws, queue: Sequence[Application]
) -> tuple[list[Application], list[Application]]:
    """Share the queue between the two files; families with Kazakh notices are in the second."""
    whole = [a for a in queue if not a.twins and a.parent.language == "kk"]
    chosen = {a.number for a in draws.some(whole, len(queue) - FIRST_FILE)}
    first = [a for a in queue if a.number not in chosen]
    return first, [a for a in queue if a.number in chosen]


def _provider_row(o: city.Organisation, s: city.Site, g: city.Group) -> dict[str, str]:
    return {
        "bin": o.bin,
        "organisation_code": o.code,
        "organisation": o.name,
        "form": _FORMS[o.form],
        "account": o.account,
        "bank": o.bank,
        "login": o.head,
        "site": s.code,
        "site_name": s.name,
        "area": "Талдыкорган",
        "address": s.address,
        "locality": "село" if s.locality == "rural" else "город",
        "group": g.code,
        "group_name": g.name,
        "academic_year": f"{city.ACADEMIC_YEAR}-{city.ACADEMIC_YEAR + 1}",
        "age_from": str(g.cell.ages[0]),
        "age_to": str(g.cell.ages[1]),
        "language": "казахский" if g.cell.language == "kk" else "русский",
        "kind": _KIND_RU[g.cell.kind],
        "hours": g.hours.replace(".", ","),
        "places": str(g.capacity),
        "listed_on": "01.06.2026" if s.form != "mini-centre" else "15.06.2026",
        "act": "Приказ управления № 214-Ө" if s.form != "mini-centre" else "Приказ управления № 7-Ө",
    }


def _application_row(a: Application, language: str) -> dict[str, str]:
    kk = language == "kk"
    return {
        **family_cells(a, kk=kk),
        "area": "Талдықорған" if kk else "Талдыкорган",
        "language": {"kk": "қазақ", "ru": "орыс"}[a.cell.language]
        if kk
        else {"kk": "казахский", "ru": "русский"}[a.cell.language],
        "kind": (_KIND_KK if kk else _KIND_RU)[a.cell.kind],
        "status": (_STATUS_KK if kk else _STATUS_RU)[a.status],
        "wishes": ", ".join(a.wishes),
        "twins": a.twins,
    }


def _partner_rows(partner: Partner, trouble: list[Planted]) -> list[dict[str, str]]:
    rows = []
    for row in partner.rows:
        rows.append(dict(row.cells))
        if row.planted is not None:
            row.planted.file, row.planted.line = "attendance-2026-09.csv", len(rows) + 1
            trouble.append(row.planted)
    return rows


CITIES = {"taldykorgan": taldykorgan, "karaganda": karaganda}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files of a sample into a folder."""
    parser = argparse.ArgumentParser(prog="python -m samples.generate", description=__doc__)
    parser.add_argument("city", choices=sorted(CITIES))
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, help="samples/CITY when left out")
    asked = parser.parse_args(arguments)
    out = asked.out or Path("samples") / asked.city
    out.mkdir(parents=True, exist_ok=True)
    for name, content in CITIES[asked.city](asked.seed).items():
        (out / name).write_bytes(content)
        print(f"{out / name}  {len(content):,} bytes")


if __name__ == "__main__":
    main()
