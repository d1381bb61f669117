"""The trouble that is planted in Karaganda: what, where, and who must catch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samples.clubs.city import MOVED, Group
from samples.clubs.pupils import Pupil
from samples.numbers import spoiled
from samples.rows import Planted, Spoiled


def in_clubs(groups: int) -> list[Spoiled]:
    """Return spoiled rows of the clubs' file; `groups` is the number of its good rows."""

    def bad(id: str, trouble: str, code: str, after: int, **cells: str) -> Spoiled:
        cells = {"group": f"KRG-99-{id[-1]}", **cells}
        return Spoiled(Planted(id, trouble, "import", (code,)), cells, after, after)

    assert groups > 150
    return [
        bad("P1", "wrong-capacity", "import/not-a-number", 11, places="пятнадцать"),
        bad("P2", "bad-check-digit", "kernel/bad-bin", 40, bin=spoiled("890440012343")),
        bad("P3", "wrong-ages", "import/out-of-bounds", 75, age_from="12", age_to="7"),
        bad("P4", "unknown-activity", "import/unknown-word", 101, activity="телепортация"),
        bad("P5", "unknown-direction", "import/unknown-word", 140, direction="магия"),
    ]


def in_damubala(rows: Sequence[Pupil], groups: Mapping[str, Group]) -> list[Spoiled]:
    """Return spoiled rows of the first register; groups: by code."""
    several = next(n for n, p in enumerate(rows) if p.stream == MOVED)
    own = groups[rows[several].group]
    other, third = [
        g for g in groups.values()
        if g.stream == MOVED and g.ages == own.ages and _club(g) != _club(own)
    ][:2]

    def bad(id: str, trouble: str, code: str, model: int, after: int, **cells: str) -> Spoiled:
        cells = {"number": f"DB-9{int(id[1:]):05d}", **cells}
        return Spoiled(
            Planted(id, trouble, "import", (code,), rows[model].number), cells, model, after
        )

    twice, late = "vouchers/held-already", len(rows) - 5
    return [
        bad("D1", "bad-check-digit", "kernel/bad-iin", 20, 60, iin=spoiled(rows[20].iin)),
        bad("D2", "bad-date", "import/bad-date", 21, 130, birth_date="31.02.2015"),
        bad("D3", "unknown-category", "import/unknown-word", 22, 190, status="космонавт"),
        bad("D4", "unknown-club", "vouchers/no-such-group", 23, 260, club="KRG-77", group="KRG-77-1"),
        bad("D5", "more-used-than-the-cap", "import/out-of-bounds", 24, 300, used="99000"),
        # One child in three clubs, as in the published case of seven.
        bad("D6", "one-child-in-several-clubs", twice, several, late, club=_club(other), group=other.code),
        bad("D7", "one-child-in-several-clubs", twice, several, late, club=_club(third), group=third.code),
        bad("D8", "number-used-twice", "import/number-used-twice", 25, 600,
            number=rows[25].number, given="Заур"),
        bad("D9", "missing-value", "import/missing", 26, 700, parent_surname=""),
    ]


def in_artsport(
    rows: Sequence[Pupil], first: Sequence[Pupil], groups: Mapping[str, Group]
) -> list[Spoiled]:
    """Return spoiled rows of the second register; children of the first are here again."""

    def alike(child: Pupil) -> int:
        """Return a row with a club that would take the child by its age."""
        ages = groups[child.group].ages
        return next(n for n, p in enumerate(rows) if p.group and groups[p.group].ages == ages)

    def again(id: str, code: str, child: Pupil, model: int, after: int) -> Spoiled:
        planted = Planted(id, "child-on-two-platforms", "import", (code,), child.number)
        return Spoiled(planted, {
            "number": f"AS-9{int(id[1:]):05d}", "iin": child.iin,
            "surname": child.named.ru.surname, "given": child.named.ru.given,
            "patronymic": child.named.ru.patronymic,
            "birth_date": child.birth_date.strftime("%d.%m.%Y"),
            "sex": "қыз" if child.sex == "f" else "ұл",
            "parent_iin": child.parent.iin, "parent_surname": child.parent.named.ru.surname,
            "parent_given": child.parent.named.ru.given,
            "parent_patronymic": child.parent.named.ru.patronymic,
            "telephone": child.parent.telephone, "second": child.parent.second,
            "account": child.parent.account, "address": child.address,
        }, model, after)

    queued = next(n for n, p in enumerate(rows) if p.way == "queue")
    return [
        again("S1", "vouchers/held-already", first[40], alike(first[40]), 50),
        again("S2", "vouchers/held-already", first[41], alike(first[41]), 170),
        again("S3", "applications/already-applied", first[42], queued, 640),
        Spoiled(
            Planted("S4", "bad-check-digit", "import", ("kernel/bad-iin",), rows[12].number),
            {"number": "AS-900004", "iin": "99123150000А"}, 12, 300,
        ),
        Spoiled(
            Planted("S5", "bad-date", "import", ("import/bad-date",), rows[13].number),
            {"number": "AS-900005", "birth_date": "2015/13/01"}, 13, 420,
        ),
    ]


def _club(group: Group) -> str:
    return group.code.rsplit("-", 1)[0]


def in_intake(rows: Sequence[Pupil], held: Pupil) -> list[Spoiled]:
    """Return spoiled rows of the window; held: a child with a live voucher."""

    def bad(id: str, trouble: str, codes: tuple[str, ...], **cells: str) -> Spoiled:
        cells = {"number": f"KRG-9{int(id[1:]):05d}", "account": f"krg-planted-{id.lower()}", **cells}
        return Spoiled(Planted(id, trouble, "window", codes), cells, 5, 400 + int(id[1:]))

    return [
        bad("I1", "too-young", ("applications/too-young",), iin="991231600002",
            parent_iin="991231500006", given="Алтай", birth_date="20.12.2023"),
        bad("I2", "too-old", ("applications/too-old",), iin="991231500707",
            parent_iin="991231600301", given="Сабит", birth_date="14.03.2005"),
        bad("I3", "one-child-two-vouchers", ("applications/already-applied",),
            iin=held.iin, surname=held.named.ru.surname, given=held.named.ru.given,
            patronymic=held.named.ru.patronymic,
            birth_date=held.birth_date.strftime("%d.%m.%Y"),
            sex="женский" if held.sex == "f" else "мужской",
            parent_iin=held.parent.iin, parent_surname=held.parent.named.ru.surname,
            parent_given=held.parent.named.ru.given, account=held.parent.account),
    ]


def in_october() -> list[Planted]:
    """Return the trouble of the month that no file holds; the demo plays it."""
    return [
        Planted("T1", "timesheet-filed-twice", "attendance", ("had",)),
        Planted("T2", "group-marked-in-one-second", "attendance", ("same-second",)),
        Planted("T3", "marks-on-a-holiday", "attendance", ("outside-timetable",)),
        Planted("T4", "mark-in-a-cancelled-lesson", "attendance", ("lesson-cancelled",)),
        Planted("T5", "mark-outside-the-timetable", "attendance", ("outside-timetable",)),
        Planted("T6", "one-child-in-several-clubs", "attendance", ("not-enrolled-that-day",)),
        Planted("T7", "lesson-marked-on-two-tablets", "attendance", ("counted-once",)),
        Planted("T8", "confirmed-by-somebody-else", "attendance", ("kezek/unknown",)),
        Planted("T9", "second-club-at-once", "vouchers", ("vouchers/held-already",)),
    ]
