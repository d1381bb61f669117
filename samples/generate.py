"""Write an invented city: `python -m samples.generate taldykorgan --seed 2026 --out FOLDER`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from samples import city, families, planted
from samples.attendance import Partner, partner_rows
from samples.draws import Draws
from samples.expected import expected
from samples.families import Application
from samples.files import csv_bytes, xlsx_bytes
from samples.numbers import Numbers
from samples.planted import Planted, Spoiled

FIRST_FILE = 1900    # applications in the CSV file; the rest are in the XLSX one

PROVIDERS = {
    "bin": "БИН", "organisation_code": "Код организации", "organisation": "Наименование организации", "form": "Форма собственности",
    "account": "ИИК", "bank": "БИК", "login": "Учётная запись руководителя", "site": "Код объекта",
    "site_name": "Наименование объекта", "area": "Город", "address": "Адрес",
    "locality": "Местность", "group": "Код группы", "group_name": "Группа",
    "academic_year": "Учебный год", "age_from": "Возраст с",
    "age_to": "Возраст по", "language": "Язык обучения", "kind": "Вид группы",
    "hours": "Режим, часов", "places": "Количество мест", "listed_on": "В Перечне с",
    "act": "Основание включения",
}
APPLICATIONS_RU = {
    "number": "Номер заявления", "asked_at": "Дата и время подачи", "area": "Город",
    "iin": "ИИН ребёнка", "surname": "Фамилия ребёнка", "given": "Имя ребёнка",
    "patronymic": "Отчество ребёнка", "birth_date": "Дата рождения", "sex": "Пол",
    "address": "Адрес проживания", "parent_iin": "ИИН представителя",
    "parent_surname": "Фамилия представителя", "parent_given": "Имя представителя",
    "parent_patronymic": "Отчество представителя", "telephone": "Телефон",
    "second": "Второй контакт", "account": "Учётная запись", "notices": "Язык уведомлений",
    "language": "Язык обучения", "kind": "Вид группы", "status": "Льгота",
    "wishes": "Желаемые группы", "twins": "Близнецы",
}
APPLICATIONS_KK = {
    "number": "Өтініш нөмірі", "asked_at": "Берілген күні мен уақыты", "area": "Қала",
    "iin": "Баланың ЖСН", "surname": "Баланың тегі", "given": "Баланың аты",
    "patronymic": "Баланың әкесінің аты", "birth_date": "Туған күні", "sex": "Жынысы",
    "address": "Мекенжайы", "parent_iin": "Өкілдің ЖСН", "parent_surname": "Өкілдің тегі",
    "parent_given": "Өкілдің аты", "parent_patronymic": "Өкілдің әкесінің аты",
    "telephone": "Телефоны", "second": "Екінші байланыс", "account": "Тіркелгі",
    "notices": "Хабарлама тілі", "language": "Оқыту тілі", "kind": "Топ түрі",
    "status": "Мәртебе", "wishes": "Қалаған топтар", "twins": "Егіздер",
}
ATTENDANCE = {
    "site": "Код объекта", "number": "Номер заявления", "day": "Дата", "in": "Приход",
    "out": "Уход", "mark": "Отметка",
}

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

    providers = _with(
        [_provider_row(o, s, g) for o in organisations for s in o.sites for g in s.groups],
        planted.in_providers(sum(1 for o in organisations for _ in o.groups)),
        "providers.csv",
        trouble,
    )
    ru = _with(
        [_application_row(a, "ru") for a in first],
        planted.in_first_file(first),
        "applications-1.csv",
        trouble,
    )
    kk = _with(
        [_application_row(a, "kk") for a in second],
        planted.in_second_file(first, second),
        "applications-2.xlsx",
        trouble,
    )
    attendance = _partner_rows(partner, trouble)
    trouble += planted.on_tablets()
    return {
        "providers.csv": csv_bytes(_table(PROVIDERS, providers), encoding="utf-8-sig"),
        "applications-1.csv": csv_bytes(_table(APPLICATIONS_RU, ru), encoding="cp1251"),
        "applications-2.xlsx": xlsx_bytes("Кезек", _table(APPLICATIONS_KK, kk)),
        "attendance-2026-09.csv": csv_bytes(_table(ATTENDANCE, attendance), separator=","),
        "planted.json": _json([asdict(one) for one in trouble]),
        "expected.json": _json(expected(organisations, queue, trouble, partner)),
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
    child = a.named.kk if kk else a.named.ru
    parent = a.parent.named.kk if kk else a.parent.named.ru
    return {
        "number": a.number,
        "asked_at": a.asked_at.strftime("%d.%m.%Y %H:%M:%S"),
        "area": "Талдықорған" if kk else "Талдыкорган",
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


def _with(
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


def _table(headings: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
    return [list(headings.values()), *([row[name] for name in headings] for row in rows)]


def _json(content: object) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files of a sample into a folder."""
    parser = argparse.ArgumentParser(prog="python -m samples.generate", description=__doc__)
    parser.add_argument("city", choices=["taldykorgan"])
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, default=Path("samples/taldykorgan"))
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, content in taldykorgan(asked.seed).items():
        (asked.out / name).write_bytes(content)
        print(f"{asked.out / name}  {len(content):,} bytes")


if __name__ == "__main__":
    main()
