"""Ages, cohorts and the 18 categories."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import OutOfAge, UnknownTier, completed_months

TODAY = date(2026, 11, 23)
PRESCHOOL = [pack for pack in list_packs() if pack.programme == "preschool"]
RULES = load_pack("preschool", "taldykorgan").at(TODAY)
COHORTS = RULES.cohorts
TIERS = ("extraordinary", "first-priority", "general")


@pytest.mark.parametrize(
    ("on", "year"),
    [
        ("2026-06-30", 2025),
        ("2026-07-01", 2026),
        ("2026-08-31", 2026),
        ("2026-09-01", 2026),
        ("2026-12-31", 2026),
        ("2027-01-01", 2026),
        ("2027-06-30", 2026),
        ("2027-07-01", 2027),
    ],
)
def test_from_july_places_belong_to_the_new_academic_year(on, year):
    assert RULES.academic_year.year_of(date.fromisoformat(on)) == year


@pytest.mark.parametrize(
    ("on", "turnover"),
    [
        ("2026-06-30", False),
        ("2026-07-01", True),
        ("2026-08-31", True),
        ("2026-09-01", False),
    ],
)
def test_the_turnover_lasts_from_july_to_august(on, turnover):
    assert RULES.academic_year.in_turnover(date.fromisoformat(on)) is turnover


@pytest.mark.parametrize(
    ("birth", "age"),
    [
        ("2020-09-01", 6),
        ("2020-09-02", 5),
        ("2019-09-02", 6),
        ("2019-09-01", 7),
        ("2026-10-01", -1),
    ],
)
def test_age_is_taken_in_completed_years_on_the_first_of_september(birth, age):
    assert RULES.academic_year.age_on(date.fromisoformat(birth), 2026) == age


@pytest.mark.parametrize(
    ("birth", "on", "months"),
    [
        ("2024-02-29", "2025-02-28", 11),
        ("2024-02-29", "2025-03-01", 12),
        ("2024-05-31", "2024-06-30", 0),
        ("2024-05-31", "2024-07-01", 1),
        ("2024-05-23", "2026-11-23", 30),
    ],
)
def test_a_month_is_completed_on_its_day_and_never_early(birth, on, months):
    assert completed_months(date.fromisoformat(birth), date.fromisoformat(on)) == months


@pytest.mark.parametrize("pack", PRESCHOOL, ids=lambda pack: pack.id)
def test_three_tiers_and_six_cohorts_make_18_categories(pack):
    cohorts = pack.at(TODAY).cohorts

    numbers = [
        cohorts.category_number(tier, year, 2026)
        for tier in TIERS
        for year in cohorts.cohorts(2026)
    ]

    assert cohorts.cohorts(2026) == (2020, 2021, 2022, 2023, 2024, 2025)
    assert numbers == list(range(1, 19))
    assert cohorts.categories_max() == 18


def test_a_category_has_a_name_in_three_languages():
    text = COHORTS.category_text("first-priority", 2021, 2026)

    assert text.kk == "Бірінші кезектегі құқық, 2021 жылы туған балалар"
    assert text.ru == "Первоочередное право, дети 2021 года рождения"
    assert text.en == "First-priority right, children born in 2021"
    assert text.in_("kk") == text.kk
    assert text.in_("en") == text.en
    assert text.in_("de") == text.ru


def test_a_tier_or_cohort_that_does_not_exist_has_no_category():
    with pytest.raises(UnknownTier):
        COHORTS.category_number("vip", 2021, 2026)
    with pytest.raises(OutOfAge):
        COHORTS.category_number("general", 2019, 2026)


@pytest.mark.parametrize(
    ("birth", "cohort"),
    [
        ("2020-01-01", 2020),
        ("2022-06-15", 2022),
        ("2025-12-31", 2025),
        ("2019-09-02", 2020),  # still six on 1 September: with the oldest
    ],
)
def test_a_child_queues_with_its_birth_year(birth, cohort):
    assert COHORTS.cohort_of(date.fromisoformat(birth), 2026) == cohort


@pytest.mark.parametrize(
    ("birth", "reason"),
    [
        ("2019-09-01", "too-old"),
        ("2026-01-01", "too-young"),
    ],
)
def test_a_child_out_of_age_has_no_cohort(birth, reason):
    with pytest.raises(OutOfAge) as caught:
        COHORTS.cohort_of(date.fromisoformat(birth), 2026)

    assert caught.value.facts == {"reason": reason, "academic_year": 2026}


def test_the_youngest_cohort_is_known_and_served_last():
    assert COHORTS.youngest_last
    assert COHORTS.is_youngest(2025, 2026)
    assert not COHORTS.is_youngest(2024, 2026)


@pytest.mark.parametrize(
    ("area", "birth", "ok", "reason"),
    [
        ("taldykorgan", "2024-11-23", True, None),
        ("taldykorgan", "2024-11-24", False, "too-young"),
        ("astana", "2025-05-23", True, None),
        ("astana", "2025-05-24", False, "too-young"),
        ("astana", "2019-09-02", True, None),
        ("astana", "2019-09-01", False, "too-old"),
    ],
)
def test_a_child_is_eligible_by_age(area, birth, ok, reason):
    cohorts = load_pack("preschool", area).at(TODAY).cohorts

    answer = cohorts.eligible(date.fromisoformat(birth), TODAY)

    assert bool(answer) is ok
    assert answer == (ok, reason)


def test_packs_differ_in_the_youngest_age():
    ages = {p.area: p.at(TODAY).cohorts.youngest_age_months for p in PRESCHOOL}

    assert ages == {"astana": 18, "taldykorgan": 24}
    assert COHORTS.oldest_age == 6


@given(
    birth=st.dates(date(2017, 1, 1), date(2027, 1, 1)),
    on=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
)
def test_every_eligible_child_has_a_category(birth, on):
    if COHORTS.eligible(birth, on):
        year = RULES.academic_year.year_of(on)

        cohort = COHORTS.cohort_of(birth, year)

        assert 13 <= COHORTS.category_number("general", cohort, year) <= 18
