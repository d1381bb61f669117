"""The trouble that is planted in Taldykorgan: what, where, and who must catch it."""

from __future__ import annotations

from collections.abc import Sequence

from samples.families import Application
from samples.numbers import spoiled
from samples.rows import Planted, Spoiled


def in_providers(groups: int) -> list[Spoiled]:
    """Return spoiled rows of the providers' file; `groups` is the number of its good rows."""

    def bad(id: str, trouble: str, code: str, after: int, **cells: str) -> Spoiled:
        after = min(after, groups - 1)
        cells = {"group": f"TDK-99-{id[-1]}", **cells}
        return Spoiled(Planted(id, trouble, "import", (code,)), cells, after, after)

    return [
        bad("P1", "wrong-capacity", "import/out-of-bounds", 8, places="0"),
        bad("P2", "wrong-capacity", "import/not-a-number", 21, places="двадцать"),
        bad("P3", "wrong-capacity", "import/out-of-bounds", 40, places="-5"),
        bad("P4", "wrong-capacity", "import/out-of-bounds", 63, places="2 500"),
        bad("P5", "bad-check-digit", "kernel/bad-bin", 77, bin=spoiled("890440012343")),
        bad("P6", "wrong-ages", "import/out-of-bounds", 90, age_from="6", age_to="3"),
        bad("P7", "unknown-kind", "import/unknown-word", 101, kind="космическая"),
    ]


def in_first_file(rows: Sequence[Application]) -> list[Spoiled]:
    """Return spoiled rows of the applications' CSV file."""
    late = len(rows) - 1

    def bad(
        id: str, trouble: str, codes: tuple[str, ...], model: int, after: int, **cells: str
    ) -> Spoiled:
        cells = {"number": f"TDK-9{int(id[1:]):05d}", "twins": "", **cells}
        about = rows[model].number
        return Spoiled(Planted(id, trouble, "import", codes, about), cells, model, min(after, late))

    held = ("applications/already-applied",)
    return [
        bad("A1", "same-child-in-two-queues", held, 40, 700, area="Астана", wishes=""),
        bad("A2", "same-child-in-two-queues", held, 41, 900, language="русский"),
        bad("A3", "bad-check-digit", ("kernel/bad-iin",), 50, 120, iin=spoiled(rows[50].iin)),
        bad("A4", "bad-check-digit", ("kernel/bad-iin",), 51, 300, iin="99123150000А"),
        bad(
            "A5",
            "bad-check-digit",
            ("kernel/bad-iin",),
            52,
            410,
            iin="991231500006",
            parent_iin=spoiled(rows[52].parent.iin),
        ),
        bad("A6", "unknown-status", ("import/unknown-word",), 53, 520, status="космонавт"),
        bad("A7", "bad-date", ("import/bad-date",), 54, 640, birth_date="31.02.2023"),
        bad(
            "A8",
            "too-old",
            ("applications/too-old",),
            55,
            760,
            iin="991231600002",
            given="Сабит",
            birth_date="14.03.2016",
        ),
        bad(
            "A9",
            "too-young",
            ("applications/too-young",),
            56,
            880,
            iin="991231500707",
            given="Алтай",
            birth_date="20.12.2025",
        ),
        bad("A10", "missing-value", ("import/missing",), 57, 930, parent_surname=""),
        bad(
            "A11",
            "number-used-twice",
            ("import/number-used-twice",),
            58,
            1000,
            number=rows[58].number,
            given="Заур",
        ),
        bad("A12", "unknown-group", ("applications/preference-not-here",), 59, 1100, wishes="TDK-88-1"),
    ]


def in_second_file(first: Sequence[Application], rows: Sequence[Application]) -> list[Spoiled]:
    """Return spoiled rows of the applications' XLSX file; one child of the first is here again."""
    again = first[60]
    return [
        Spoiled(
            Planted(
                "B1",
                "same-child-in-two-queues",
                "import",
                ("children/represented-by-another",),
                again.number,
            ),
            {
                "number": "TDK-900101",
                "iin": again.iin,
                "surname": again.named.ru.surname,
                "given": again.named.ru.given,
                "patronymic": again.named.ru.patronymic,
                "birth_date": again.birth_date.strftime("%d.%m.%Y"),
                "sex": "қыз" if again.sex == "f" else "ұл",
                "twins": "",
            },
            5,
            100,
        ),
        Spoiled(
            Planted("B2", "bad-date", "import", ("import/bad-date",), rows[6].number),
            {"number": "TDK-900102", "birth_date": "2022/13/01", "twins": ""},
            6,
            200,
        ),
        Spoiled(
            Planted("B3", "bad-check-digit", "import", ("kernel/bad-iin",), rows[7].number),
            {"number": "TDK-900103", "iin": spoiled(rows[7].iin), "twins": ""},
            7,
            300,
        ),
    ]


def on_tablets() -> list[Planted]:
    """Return the trouble of September that no file holds; the demo plays it."""
    return [
        Planted("T1", "full-day-sent-twice", "attendance", ("had",)),
        Planted("T2", "copied-key", "attendance", ("fork",)),
        Planted("T3", "child-enrolled-twice", "attendance", ("not-enrolled-that-day",)),
        Planted("T4", "whole-house-in-one-second", "signals", ("one-second",)),
        Planted("T5", "many-families-on-one-telephone", "signals", ("one-device-approvals",)),
    ]
