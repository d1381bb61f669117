"""A cell becomes a value, or a refusal that names its column and never the value."""

from __future__ import annotations

from datetime import date

import pytest

from infra.imports import names, vocabulary
from infra.imports.cells import CellRefused, Row
from infra.imports.report import Refused, as_csv


def a_row(**cells: str) -> Row:
    return Row("applications", cells)


@pytest.mark.parametrize("text", ["07.02.2023", "7.2.2023", "2023-02-07"])
def test_days_are_written_day_month_year(text: str):
    assert a_row(birth_date=text).day("birth_date") == date(2023, 2, 7)


@pytest.mark.parametrize("text", ["31.02.2023", "2022/13/01", "07.02.23", "07-02-2023", "вчера"])
def test_a_day_that_cannot_be_is_refused(text: str):
    with pytest.raises(CellRefused) as refused:
        a_row(birth_date=text).day("birth_date")
    assert (refused.value.field, refused.value.code) == ("birth_date", "import/bad-date")


@pytest.mark.parametrize("text", ["2 500", "2\u202f500", "2500", "2500,0", "2500.00"])
def test_numbers_may_have_spaces_and_an_empty_fraction(text: str):
    assert a_row(places=text).number("places", least=1, most=9999) == 2500


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "import/out-of-bounds"),
        ("-5", "import/out-of-bounds"),
        ("двадцать", "import/not-a-number"),
        ("2,5", "import/not-a-number"),
        ("", "import/missing"),
    ],
)
def test_a_wrong_number_is_refused(text: str, code: str):
    with pytest.raises(CellRefused) as refused:
        a_row(places=text).number("places", least=1, most=40)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("991231500006", None),
        ("991231500007", "kernel/bad-iin"),
        ("99123150000А", "kernel/bad-iin"),
        ("99123150000", "kernel/bad-iin"),
        ("٩٩١٢٣١٥٠٠٠٠٦", "kernel/bad-iin"),
    ],
)
def test_an_iin_is_checked_to_its_last_digit(text: str, code: str | None):
    if code is None:
        assert a_row(iin=text).iin("iin") == text
        return
    with pytest.raises(CellRefused) as refused:
        a_row(iin=text).iin("iin")
    assert refused.value.code == code
    assert text not in str(refused.value.facts)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+7 709 000 00 01", "+77090000001"), ("8 (709) 000-00-01", "+77090000001"), ("", None)],
)
def test_telephones_are_read_as_people_write_them(text: str, number: str | None):
    assert a_row(telephone=text).telephone("telephone") == number


def test_words_are_known_in_russian_and_kazakh():
    assert a_row(language="Казахский").word("language") == "kk"
    assert a_row(language="қазақ").word("language") == "kk"
    assert a_row(status="ребенок педагога").word("status") == "teacher"
    with pytest.raises(CellRefused):
        a_row(status="космонавт").word("status")


def test_headings_are_found_in_any_order_case_and_language():
    columns = vocabulary.columns("applications", ["Туған күні", "ИИН РЕБЕНКА", "заметки"])

    assert columns == {"birth_date": 0, "iin": 1}


def test_ids_derive_from_public_codes_and_repeat():
    assert names.group("TDK-01-1") == names.group("TDK-01-1")
    assert names.group("TDK-01-1") != names.site("TDK-01-1")
    assert names.application("7", system="indigo") != names.application("7")


def test_a_refusal_is_said_in_three_languages_and_opens_safely_in_a_spreadsheet():
    refused = Refused("a.csv", 7, "=Мест", "import/out-of-bounds", {"least": 1, "most": 40})

    assert "от 1 до 40" in refused.reason("ru")
    assert len({refused.reason(language) for language in ("kk", "ru", "en")}) == 3
    assert "'=Мест" in as_csv([refused]).decode("utf-8-sig")
