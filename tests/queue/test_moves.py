"""Why a place moved: for every ticket the causes add up to the difference, whatever happened."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.queue.rules import moves as moving
from chalicelib.queue.rules.moves import Moves, Stood, discreet, moves, needed, since

GENERAL = "general"


def line(*tickets: str, tier: str = GENERAL, cohort: int = 2023) -> dict[str, Stood]:
    return {ticket: Stood(tier, cohort, n) for n, ticket in enumerate(tickets, 1)}


@st.composite
def standings(draw: st.DrawFn) -> dict[str, Stood]:
    """A queue at some checkpoint: whoever, since whenever, drawn or not, in whichever line."""
    tickets = [f"t{n:02d}" for n in range(12)]
    there = draw(st.lists(st.sampled_from(tickets), unique=True))
    stood: dict[str, Stood] = {}
    # Mostly the instant is the ticket's own number; sometimes somebody gets another.
    instants = {t: draw(st.sampled_from([t, t, t, *tickets])) for t in there}
    block = draw(st.sampled_from(["", "", *tickets]))
    counts: dict[tuple[str, int], int] = {}
    first: dict[tuple[str, int], int] = {}
    for ticket in sorted(there, key=lambda t: (instants[t], t)):
        in_line = draw(st.sampled_from(["a", "a", "b"])), draw(st.sampled_from([2022, 2022, 2023]))
        counts[in_line] = counts.get(in_line, 0) + 1
        place, drawn = counts[in_line], instants[ticket] != block
        if not drawn:
            place = first.setdefault(in_line, place)
        stood[ticket] = Stood(*in_line, place, instants[ticket], drawn)
    return stood


@given(standings(), standings())
def test_causes_add_up_to_the_difference_for_everybody(
    before: dict[str, Stood], now: dict[str, Stood]
) -> None:
    gone, came = needed(before, now)

    told = moves(
        before, now, gone=dict.fromkeys(gone, "voucher"), came=dict.fromkeys(came, "restored")
    )

    assert told.keys() == before.keys() & now.keys()
    for ticket, one in told.items():
        assert (one.before, one.now) == (before[ticket].place, now[ticket].place)
        assert sum(count for _, count in one.causes) == one.now - one.before
        assert all(count for _, count in one.causes)
        assert one.unexplained == 0  # whoever changed sides did so for a reason
        assert sum(count for _, count in discreet(one.causes)) == one.now - one.before


@given(standings(), standings())
def test_what_has_no_cause_is_counted_and_the_sum_still_exact(
    before: dict[str, Stood], now: dict[str, Stood]
) -> None:
    for one in moves(before, now, gone={}, came={}).values():
        assert sum(count for _, count in one.causes) == one.now - one.before


@given(st.lists(standings(), min_size=2, max_size=6), st.data())
def test_sums_over_several_checkpoints_add_up_whatever_lies_between(
    history: list[dict[str, Stood]], data: st.DataObject
) -> None:
    sums: list[dict[str, tuple[int, moving.Causes]]] = [dict.fromkeys(history[0], (0, ()))]
    for number, (before, now) in enumerate(itertools.pairwise(history), 1):
        gone, came = needed(before, now)
        told = moves(
            before, now, gone=dict.fromkeys(gone, "ended"), came=dict.fromkeys(came, "right")
        )
        sums.append(
            {
                ticket: (
                    (sums[-1][ticket][0], moving.added(sums[-1][ticket][1], told[ticket].causes))
                    if ticket in told
                    else (number, ())
                )
                for ticket in now
            }
        )
    first = data.draw(st.integers(0, len(history) - 1))
    last = data.draw(st.integers(first, len(history) - 1))

    for ticket in history[first].keys() & history[last].keys():
        entered, then = sums[first][ticket]
        again, today = sums[last][ticket]
        whole = since(
            history[first][ticket].place,
            history[last][ticket].place,
            then=then,
            today=today,
            unbroken=entered == again,
        )
        assert whole.before + sum(count for _, count in whole.causes) == whole.now
        assert whole.unexplained == 0
        assert ("own-away" in dict(whole.causes)) <= (entered != again)


def test_each_way_to_move_has_its_cause() -> None:
    before = line("served", "left", "stays", "fell", "lost", "last")
    now = line("right", "restored", "stays", "last", "fell", "new") | {
        "lost": Stood("other", 2023, 1),
        "fell": Stood(GENERAL, 2023, 5, "later"),
    }
    before["right"] = Stood("third", 2023, 1)

    told = moves(
        before,
        now,
        gone={"served": "voucher", "left": "withdrawn"},
        came={"restored": "restored"},
    )

    assert told["stays"] == Moves(
        3, 3, (("restored", 1), ("right", 1), ("voucher", -1), ("withdrawn", -1))
    )
    assert dict(told["last"].causes) == {
        "restored": 1,
        "right": 1,
        "voucher": -1,
        "withdrawn": -1,
        "fell-back": -1,
        "category-left": -1,
    }
    assert dict(told["fell"].causes)["own-instant"] == 1
    assert told["lost"] == Moves(5, 1, (("own-category", -4),))
    assert told["right"] == Moves(1, 1)


def test_a_draw_is_the_cause_for_whoever_was_drawn_and_moves_nobody_else() -> None:
    before = {
        "first": Stood(GENERAL, 2023, 1, "08:00"),
        "x": Stood(GENERAL, 2023, 2, "09:00", False),
        "y": Stood(GENERAL, 2023, 2, "09:00", False),
        "z": Stood(GENERAL, 2023, 2, "09:00", False),
        "behind": Stood(GENERAL, 2023, 5, "10:00"),
    }
    now = {
        "z": Stood(GENERAL, 2023, 1, "09:00"),
        "x": Stood(GENERAL, 2023, 2, "09:00"),
        "y": Stood(GENERAL, 2023, 3, "09:00"),
        "behind": Stood(GENERAL, 2023, 4, "10:00"),
    }

    told = moves(before, now, gone={"first": "voucher"}, came={})

    assert told["y"] == Moves(2, 3, (("drawn", 1),))
    assert told["z"] == Moves(2, 1, (("drawn", -1),))
    assert told["behind"] == Moves(5, 4, (("voucher", -1),))


def test_before_the_draw_those_of_an_intake_move_with_whoever_stands_before_them() -> None:
    before = line("a", "b") | {t: Stood(GENERAL, 2023, 3, "9", False) for t in ("x", "y")}
    now = line("b") | {t: Stood(GENERAL, 2023, 2, "9", False) for t in ("x", "y", "new")}

    told = moves(before, now, gone={"a": "withdrawn"}, came={})

    assert told["x"] == told["y"] == Moves(3, 2, (("withdrawn", -1),))


def test_a_new_year_names_categories_anew_and_moves_only_who_changed_the_cohort() -> None:
    before = {
        "stays": Stood(GENERAL, 2022, 2, category=14),
        "served": Stood(GENERAL, 2022, 1, category=14),
        "older": Stood(GENERAL, 2021, 4, category=13),
    }
    now = {
        "older": Stood(GENERAL, 2022, 1, category=13),
        "stays": Stood(GENERAL, 2022, 2, category=13),
    }

    told = moves(before, now, gone={"served": "voucher"}, came={})

    assert told["stays"] == Moves(2, 2, (("cohort", 1), ("voucher", -1)))
    assert told["older"] == Moves(4, 1, (("own-cohort", -3),), 13)


def test_who_comes_behind_everybody_needs_no_cause() -> None:
    before, now = line("a"), line("a", "new")

    assert needed(before, now) == ([], [])
    assert moves(before, now, gone={}, came={}) == {"a": Moves(1, 1)}


def test_an_order_that_changed_by_itself_is_not_explained_away() -> None:
    told = moves(line("a", "b"), line("b", "a"), gone={}, came={})

    assert told["a"] == Moves(1, 2, (("unexplained", 1),))
    assert (told["a"].unexplained, told["b"].unexplained) == (1, 1)


@pytest.mark.parametrize("way", ["corrected", "fell-back"])
def test_many_who_changed_their_instant_are_counted_by_what_is_left_over(way: str) -> None:
    many = [f"m{n:03d}" for n in range(300)]
    ends: tuple[list[str], list[str]] = ([*many, "stays"], ["stays", *many])
    then, today = ends if way == "fell-back" else ends[::-1]
    before = line(*then)
    now = {t: Stood(GENERAL, 2023, s.place, "x" * (t != "stays")) for t, s in line(*today).items()}

    told = moves(before, now, gone={}, came={})

    assert dict(told["stays"].causes) == {way: -300 if way == "fell-back" else 300}


def test_a_small_category_is_not_told_why_others_left_or_came() -> None:
    causes: Any = (
        ("category-left", -1), ("ended", -1), ("restored", 1), ("right", 2), ("voucher", -2),
    )  # fmt: skip

    assert discreet(causes) == (("entered", 3), ("left", -2), ("voucher", -2))
