"""Forecasts: from a queue's own past, a band that holds, and an honest "not known"."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import Month
from chalicelib.queue.rules import FirstForecast, History, Outlook, Scores
from chalicelib.queue.rules.forecast import FARTHEST, Pace, after, scored

JUNE = date(2026, 6, 15)


def paces(*advances: int, upto: str = "2026-05") -> tuple[Pace, ...]:
    """Full months one after the other, the last one named."""
    month, found = Month.parse(upto), []
    for advance in reversed(advances):
        found.append(Pace(str(month), advance, 30))
        month = month.before()
    return tuple(reversed(found))


def test_a_steady_queue_is_foretold_to_the_month() -> None:
    outlook = Outlook(paces(*[10] * 24), JUNE)

    said = outlook.forecast(25)

    assert (said.early, said.month, said.late) == ("2026-08", "2026-08", "2026-08")
    assert (said.unknown, said.months) == (None, 24)
    assert outlook.forecast(1).month == "2026-06"


def test_with_less_than_a_year_the_band_is_a_month_wider_on_each_side() -> None:
    said = Outlook(paces(10, 10, 10, 10), JUNE).forecast(25)

    assert (said.early, said.month, said.late) == ("2026-07", "2026-08", "2026-09")


def test_a_year_of_history_knows_its_summer() -> None:
    # Places are given in July and August; in the other months hardly any.
    year = [0, 0, 0, 0, 0, 0, 60, 40, 0, 0, 0, 0]
    outlook = Outlook(paces(*year, *year, upto="2025-12"), date(2026, 1, 10))

    said = outlook.forecast(50)

    assert said.month == "2026-07"
    assert said.early is not None and "2026-06" <= said.early <= "2026-07"
    assert outlook.forecast(150).month == "2027-07"


@pytest.mark.parametrize(
    ("history", "need", "until", "money_until", "unknown"),
    [
        ((), 1, None, None, "too-little-history"),
        ((10, 10), 1, None, None, "too-little-history"),
        ((0, 0, 0, 0), 1, None, None, "no-advance"),
        ((5, -9, 2, 1), 1, None, None, "no-advance"),
        ((1, 1, 1, 1), 100, None, None, "too-far"),
        ((10, 10, 10), 100, "2026-12", None, "too-old-before"),
        ((10, 10, 10), 100, None, "2026-12", "next-budget"),
        ((10, 10, 10), 10, "2026-12", "2026-12", None),
    ],
)
def test_what_is_not_known_is_not_guessed(
    history: tuple[int, ...],
    need: int,
    until: str | None,
    money_until: str | None,
    unknown: str | None,
) -> None:
    said = Outlook(paces(*history), JUNE).forecast(need, until=until, money_until=money_until)

    assert said.unknown == unknown
    assert (said.month is None) == (unknown is not None)


def test_a_month_of_which_little_was_seen_does_not_count() -> None:
    seen = (*paces(10, 10, 10), Pace("2026-06", 500, 15))
    thin = tuple(Pace(p.month, p.advance, 5) for p in paces(10, 10, 10))

    assert Outlook(seen, JUNE).months == 3  # the month under way never does
    assert Outlook(thin, JUNE).months == 0


@given(
    st.lists(st.integers(-20, 60), min_size=3, max_size=30),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_the_band_holds_the_month_and_more_ahead_is_never_sooner(
    advances: list[int], need: int, more: int
) -> None:
    outlook = Outlook(paces(*advances), JUNE)
    near, far = outlook.forecast(need), outlook.forecast(need + more)

    for said in (near, far):
        if said.month is not None:
            assert said.early is not None and said.late is not None
            assert "2026-06" <= said.early <= said.month <= said.late
    if near.month is not None and far.month is not None:
        assert (near.early or "") <= (far.early or "")
        assert near.month <= far.month
    if near.unknown == "too-far":
        assert far.unknown == "too-far"


@given(st.integers(-1000, 1000), st.integers(0, 200))
def test_a_long_stretch_is_shared_among_its_months_without_a_remainder(
    advance: int, days: int
) -> None:
    since = date(2026, 1, 20)

    history = after(History(), {"line": advance}, since=since, on=since + timedelta(days=days))

    parts = history.paces["line"]
    assert sum(pace.advance for pace in parts) == advance
    assert sum(pace.days for pace in parts) == days
    assert [pace.month for pace in parts] == sorted({pace.month for pace in parts})


def test_a_skipped_checkpoint_makes_the_same_past_where_the_pace_is_even() -> None:
    start = date(2026, 1, 1)
    daily = History()
    for day in range(90):
        on = start + timedelta(days=day)
        daily = after(daily, {"line": 1}, since=on, on=on + timedelta(days=1))
    skipped = after(History(), {"line": 90}, since=start, on=start + timedelta(days=90))

    assert daily.paces == skipped.paces


def test_forecasts_are_held_against_what_came_and_shown_by_fives() -> None:
    first = FirstForecast("2026-01", "2026-04", "2026-03", "2026-06")
    history = History()

    history = scored(history, [(first, "2026-04")] * 4)
    assert (history.scores, history.shown) == (Scores(within=4), Scores())
    history = scored(history, [(first, "2026-06"), (first, "2026-02")])
    assert history.scores == Scores(within=5, before=1, months_off=4)
    assert history.shown == Scores()  # one that came sooner would be seen
    history = scored(history, [(first, "2026-09")] * 5 + [(first, "2026-01")] * 4)
    assert history.shown == history.scores == Scores(5, 5, 5, 4 + 25 + 12)
    assert history.shown.scored == 15


@given(st.lists(st.lists(st.sampled_from(["2026-01", "2026-04", "2026-09"]), max_size=9)))
def test_no_difference_of_two_days_tells_of_fewer_than_five(days: list[list[str]]) -> None:
    first = FirstForecast("2026-01", "2026-04", "2026-03", "2026-06")
    history = History()
    for months in days:
        before = history.shown
        history = scored(history, [(first, month) for month in months])
        grown = (
            history.shown.within - before.within,
            history.shown.before - before.before,
            history.shown.after - before.after,
        )
        assert all(one == 0 or one >= 5 for one in grown)


def test_farther_than_counted_is_said_to_be_too_far_and_never_a_month() -> None:
    said = Outlook(paces(*[1] * 36), JUNE).forecast(FARTHEST + 1)

    assert (said.unknown, said.late) == ("too-far", None)
