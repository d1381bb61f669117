"""The 12 digits of a person or an organisation. Vectors: domain sheet §12."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.iin import BadBin, BadIin, check_digit, checked_bin, checked_iin


@pytest.mark.parametrize(
    "number",
    ["061211600012", "991231500006", "991231600002", "991231500707", "991231600301"],
)
def test_published_and_invented_numbers_pass(number: str) -> None:
    assert checked_iin(number) == number


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("991231500007", "check-digit"),
        *[(f"99123150077{x}", "check-digit") for x in range(10)],
        ("991331500006", "date"),
        ("990230500006", "date"),
        ("990000500006", "date"),
        ("991231700006", "century"),
        ("991231000006", "century"),
        ("99123150000", "form"),
        ("9912315000060", "form"),
        ("99123150000А", "form"),
        ("991231500006\n", "form"),
        ("٩٩١٢٣١٥٠٠٠٠٦", "form"),
        ("", "form"),
    ],
)
def test_a_wrong_number_is_refused_by_the_first_check_it_fails(number: str, problem: str) -> None:
    with pytest.raises(BadIin) as refused:
        checked_iin(number)

    assert refused.value == BadIin(problem=problem)


def test_no_digit_completes_a_number_whose_second_pass_gives_ten() -> None:
    assert check_digit("99123150077") is None


def test_29_february_is_possible_because_the_century_is_not_known() -> None:
    eleven = "00022950001"

    assert checked_iin(f"{eleven}{check_digit(eleven)}")


@given(st.text(alphabet=string.printable, max_size=14))
def test_a_refusal_never_repeats_the_number(text: str) -> None:
    try:
        checked_iin(text)
    except BadIin as refused:
        assert set(refused.facts) == {"problem"}


@given(
    st.integers(0, 99_999_999_999).map(lambda n: f"{n:011d}"), st.integers(0, 9), st.integers(1, 9)
)
def test_an_error_in_one_of_the_first_ten_digits_never_keeps_the_first_pass(
    eleven: str, place: int, by: int
) -> None:
    def first_pass(digits: str) -> int:
        return sum(int(d) * w for d, w in zip(digits, range(1, 12), strict=True)) % 11

    wrong = eleven[:place] + str((int(eleven[place]) + by) % 10) + eleven[place + 1 :]

    assert first_pass(wrong) != first_pass(eleven)


@pytest.mark.parametrize("eleven", ["15014000001", "99123150000", "20126000012"])
def test_a_bin_is_an_organisations_or_a_sole_traders(eleven: str) -> None:
    number = f"{eleven}{check_digit(eleven)}"

    assert checked_bin(number) == number


@pytest.mark.parametrize(
    ("number", "problem"),
    [("151340000012", "date"), ("15014000001", "form"), ("150140000010", "check-digit")],
)
def test_a_wrong_bin_is_refused(number: str, problem: str) -> None:
    if problem == "check-digit":
        number = f"{number[:11]}{((check_digit(number[:11]) or 0) + 1) % 10}"

    with pytest.raises(BadBin) as refused:
        checked_bin(number)

    assert refused.value == BadBin(problem=problem)
