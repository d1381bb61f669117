"""Who may rate, and what may be shown without showing who said it."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy.actions import load_pack
from chalicelib.ratings import rules
from chalicelib.ratings.rules import Quarter, Rating, SiteAnswer

RULE = load_pack("preschool", "taldykorgan").at(date(2026, 3, 2)).rating
CODES = [criterion.code for criterion in RULE.criteria]


def scores(**said: int) -> dict[str, int]:
    return {**dict.fromkeys(CODES, 4), **said}


def a_rating(n: int, **said: int) -> Rating:
    return Rating("2026-Q1", n, scores(**said), "2026-03-02T04:00:00.000000Z", "pack@1", "x")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_quarter_is_three_months(text: str, first: date, last: date) -> None:
    quarter = Quarter.parse(text)

    assert (quarter.first, quarter.last, str(quarter)) == (first, last, text)
    assert Quarter.containing(first) == Quarter.containing(last) == quarter


@pytest.mark.parametrize(
    "text", ["2026-Q5", "2026-Q0", "2026-q1", "2026Q1", "1999-Q1", "2026-Q1\n"]
)
def test_what_is_not_a_quarter_is_refused(text: str) -> None:
    with pytest.raises(rules.BadQuarter):
        Quarter.parse(text)


@given(st.dates(date(2001, 1, 1), date(2900, 1, 1)))
def test_quarters_follow_each_other_without_a_gap(day: date) -> None:
    quarter = Quarter.containing(day)

    assert quarter.first <= day <= quarter.last
    assert quarter.next().before() == quarter
    assert (quarter.next().first - quarter.last).days == 1


@pytest.mark.parametrize(
    ("today", "open_"),
    [
        (date(2026, 1, 1), True),
        (date(2026, 3, 31), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
        (date(2025, 12, 31), False),
    ],
)
def test_a_quarter_is_rated_while_it_runs_and_in_the_next(today: date, open_: bool) -> None:
    quarter = Quarter.parse("2026-Q1")

    if open_:
        rules.check_quarter(quarter, today)
    else:
        with pytest.raises(rules.QuarterClosed):
            rules.check_quarter(quarter, today)


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ({"care": 0}, {"missing": [], "unknown": [], "outside": ["care"]}),
        ({"care": 6}, {"missing": [], "unknown": [], "outside": ["care"]}),
        ({"mood": 3}, {"missing": [], "unknown": ["mood"], "outside": []}),
    ],
)
def test_scores_are_one_to_five_for_each_criterion(
    said: dict[str, int], facts: dict[str, list[str]]
) -> None:
    with pytest.raises(rules.BadScores) as refused:
        rules.check_scores(scores(**said), RULE)

    assert facts.items() <= refused.value.facts.items()


def test_a_criterion_that_was_left_out_is_named() -> None:
    with pytest.raises(rules.BadScores) as refused:
        rules.check_scores({code: 5 for code in CODES if code != "food"}, RULE)

    assert refused.value.facts["missing"] == ["food"]


@pytest.mark.parametrize(
    ("attended", "ok"),
    [((10,), True), ((9,), False), ((9, 9), False), ((0, 12), True), ((), False)],
)
def test_one_child_must_have_attended_long_enough(attended: tuple[int, ...], ok: bool) -> None:
    if ok:
        rules.check_days(attended, RULE)
        return
    with pytest.raises(rules.NotEnoughDays) as refused:
        rules.check_days(attended, RULE)
    assert refused.value.facts == {"days": max(attended, default=0), "needed": 10}


@pytest.mark.parametrize(("n", "shown"), [(0, 0), (4, 0), (5, 5), (9, 5), (10, 10)])
def test_ratings_are_shown_five_at_a_time(n: int, shown: int) -> None:
    summary = rules.summarise("2026-Q1", [a_rating(i) for i in range(n)], RULE, None)

    assert summary.answers == shown
    assert (summary.overall_hundredths is None) is (shown == 0)
    assert len(summary.means) == (len(CODES) if shown else 0)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=23))
def test_a_difference_of_two_views_never_holds_fewer_than_five_answers_b15(
    given_scores: list[int],
) -> None:
    ratings = [a_rating(i, care=score) for i, score in enumerate(given_scores)]
    views = [rules.published(ratings[:n], RULE) for n in range(len(ratings) + 1)]

    for before, after in pairwise(views):
        assert len(after) - len(before) in (0, 5)
        assert after[: len(before)] == before


def test_means_are_hundredths_half_up_and_the_order_of_reading_does_not_matter() -> None:
    ratings = [a_rating(i, care=score) for i, score in enumerate([5, 4, 4, 5, 4])]

    summary = rules.summarise("2026-Q1", ratings, RULE, None)
    turned = rules.summarise("2026-Q1", ratings[::-1], RULE, None)

    assert summary == turned
    assert {m.criterion: m.mean_hundredths for m in summary.means}["care"] == 440
    assert summary.overall_hundredths == 407  # 122 points in 30 scores


def test_the_provider_answers_only_to_what_is_shown() -> None:
    answer = SiteAnswer("2026-Q1", "Рақмет!", "2026-03-02T04:00:00.000000Z", "x")

    rules.check_answerable([a_rating(i) for i in range(5)], RULE)
    with pytest.raises(rules.NotShown):
        rules.check_answerable([a_rating(i) for i in range(4)], RULE)
    assert rules.summarise("2026-Q1", [], RULE, answer).site_answer == "Рақмет!"
