"""Money is integer tiyn. Worked examples: domain sheet §7."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.money import (
    NothingToShare,
    Tiyn,
    cumulative,
    daily_share,
    half_up,
    prorate,
    shown_tenge,
    tenge,
)
from chalicelib.kernel.refusals import Malformed

RATE = tenge(65_000)


@pytest.mark.parametrize(
    ("payable", "accrual"), [(20, 61_905), (21, 65_000), (4, 12_381), (13, 40_238), (15, 46_429)]
)
def test_the_worked_example_to_the_tenge(payable: int, accrual: int) -> None:
    assert prorate(RATE, payable, of=21) == tenge(accrual)


def test_the_provider_of_the_worked_example_gets_179524() -> None:
    assert sum(prorate(RATE, days, of=21) for days in (20, 21, 4, 13)) == tenge(179_524)


def test_a_club_lesson_with_a_coefficient_is_paid_as_the_sheet_says() -> None:
    cap = tenge(18_000)

    assert half_up(daily_share(cap, of=12) * 9) == tenge(13_500)
    assert half_up(daily_share(cap, of=12, coefficients=[1500]) * 9) == tenge(20_250)


@pytest.mark.parametrize(
    ("exact", "rounded"), [(0, 0), (49, 0), (50, 100), (149, 100), (150, 200), (151, 200)]
)
def test_half_a_tenge_goes_up(exact: int, rounded: int) -> None:
    assert half_up(Fraction(exact)) == rounded


def test_just_below_half_stays_down_whatever_the_denominator() -> None:
    assert half_up(Fraction(50) - Fraction(1, 10**30)) == 0


@pytest.mark.parametrize(("part", "of"), [(-1, 21), (22, 21)])
def test_nobody_earns_more_than_a_month_or_less_than_nothing(part: int, of: int) -> None:
    with pytest.raises(Malformed):
        prorate(RATE, part, of=of)


def test_a_month_without_working_days_shares_nothing() -> None:
    with pytest.raises(NothingToShare):
        prorate(RATE, 0, of=0)


def test_a_part_is_what_the_rounded_running_total_grows_by() -> None:
    third = Fraction(100, 3)

    assert cumulative([third] * 3) == [0, 100, 0]
    assert cumulative([Fraction(60), Fraction(60), Fraction(190)]) == [100, 0, 200]
    assert cumulative([Fraction(49), Fraction(1)]) == [0, 100]
    assert cumulative([]) == []


shares = st.lists(st.fractions(min_value=0, max_value=10_000_000, max_denominator=31), max_size=31)


@given(shares)
def test_any_prefix_of_a_months_parts_sums_to_its_own_rounded_whole(
    exact: list[Fraction],
) -> None:
    parts = cumulative(exact)

    for n in range(len(exact) + 1):
        assert sum(parts[:n]) == half_up(sum(exact[:n], Fraction(0)))
    assert all(part >= 0 and part % 100 == 0 for part in parts)


@given(st.integers(0, 10_000_000), st.integers(1, 31), st.data())
def test_more_days_never_earn_less(rate: int, of: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, of - 1))

    assert prorate(Tiyn(rate), part, of=of) <= prorate(Tiyn(rate), part + 1, of=of)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (6_190_500, "61 905"),
        (100_000_000, "1 000 000"),
        (50, "0,50"),
        (-6_190_505, "-61 905,05"),
        (-1, "-0,01"),
    ],
)
def test_people_read_whole_tenge(amount: int, shown: str) -> None:
    assert shown_tenge(Tiyn(amount)).replace("\N{NO-BREAK SPACE}", " ") == shown
