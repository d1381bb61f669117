"""Headings of the files that akimats have, by the name that the generator gives a cell."""

from __future__ import annotations

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

# What a club's row has beside a kindergarten's.
CLUBS = PROVIDERS | {
    "direction": "Направление", "activity": "Вид занятий", "lat": "Широта", "lon": "Долгота",
    "sen": "Условия для ООП", "sen_group": "Малая группа ООП", "teachers": "Педагоги",
}
del CLUBS["kind"]
CLUBS |= {"hours": "Длительность, минут"}
TIMETABLES = {
    "group": "Код группы", "weekday": "День недели", "starts": "Начало", "minutes": "Длительность, минут",
}
INTAKE = {
    name: heading for name, heading in APPLICATIONS_RU.items()
    if name not in ("language", "kind", "wishes", "twins")
} | {"direction": "Направление"}

# Exports of platforms that close. Invented on the pattern of the real ones; docs/migration.md.
DAMUBALA = {
    "number": "№ записи", "state": "Статус", "voucher_kind": "Вид ваучера", "asked_at": "Дата и время заявки",
    "area": "Город", "direction": "Направление", "status": "Категория", "iin": "ИИН ребёнка",
    "surname": "Фамилия ребёнка", "given": "Имя ребёнка", "patronymic": "Отчество ребёнка",
    "birth_date": "Дата рождения", "sex": "Пол", "address": "Адрес проживания",
    "parent_iin": "ИИН родителя", "parent_surname": "Фамилия родителя", "parent_given": "Имя родителя",
    "parent_patronymic": "Отчество родителя", "telephone": "Телефон", "second": "Дополнительный телефон",
    "account": "Учётная запись", "notices": "Язык уведомлений", "club": "Код кружка",
    "group": "Код группы", "starts_on": "Зачислен с", "month": "Месяц", "limit": "Лимит месяца, тг",
    "used": "Использовано, тг", "place": "Место в очереди",
}
ARTSPORT = {
    "number": "Жазба нөмірі", "state": "Күйі", "voucher_kind": "Ваучер түрі", "direction": "Бағыты",
    "club": "Үйірме коды", "group": "Топ коды", "iin": "Баланың ЖСН", "surname": "Баланың тегі",
    "given": "Баланың аты", "patronymic": "Баланың әкесінің аты", "birth_date": "Туған күні",
    "sex": "Жынысы", "address": "Мекенжайы", "status": "Санаты", "parent_iin": "Ата-ананың ЖСН",
    "parent_surname": "Ата-ананың тегі", "parent_given": "Ата-ананың аты",
    "parent_patronymic": "Ата-ананың әкесінің аты", "telephone": "Телефоны", "second": "Екінші байланыс",
    "account": "Тіркелгі", "notices": "Хабарлама тілі", "area": "Қала",
    "asked_at": "Өтінім күні мен уақыты", "starts_on": "Қабылданған күні", "month": "Ай",
    "limit": "Айлық лимит, тг", "used": "Пайдаланылды, тг", "place": "Кезектегі орны",
}
