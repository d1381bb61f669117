"""Why a place moved: for every ticket the causes add up to the difference, whatever happened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.queue.rules.moves import Moves, Stood, moves


def line(*tickets: str, category: int = 1) -> dict[str, Stood]:
    return {ticket: Stood(category, 2023, n) for n, ticket in enumerate(tickets, 1)}


@given(st.data())
def test_causes_add_up_to_the_difference_for_everybody(data: st.DataObject) -> None:
    tickets = [f"t{n:02d}" for n in range(12)]
    times = st.sampled_from([f"t{n:02d}" for n in range(14)])

    def standing() -> dict[str, Stood]:
        there = data.draw(st.lists(st.sampled_from(tickets), unique=True))
        # Mostly the instant is the ticket's own number; sometimes somebody gets another.
        instants = {t: data.draw(st.sampled_from([t, t, t, data.draw(times)])) for t in there}
        counts: dict[int, int] = {}
        stood = {}
        for ticket in sorted(there, key=lambda t: (instants[t], t)):
            category = data.draw(st.integers(1, 2))
            counts[category] = counts.get(category, 0) + 1
            cohort = data.draw(st.sampled_from([2022, 2022, 2023]))
            stood[ticket] = Stood(category, cohort, counts[category], instants[ticket])
        return stood

    before, now = standing(), standing()
    told = moves(
        before,
        now,
        gone={t: "voucher" for t in before if t not in now},
        came={t: "restored" for t in now if t not in before},
    )

    assert told.keys() == before.keys() & now.keys()
    for ticket, one in told.items():
        assert (one.before, one.now) == (before[ticket].place, now[ticket].place)
        assert sum(count for _, count in one.causes) == one.now - one.before
        assert all(count for _, count in one.causes)


def test_each_way_to_move_has_its_cause() -> None:
    before = line("served", "left", "stays", "fell", "lost", "last")
    now = line("right", "restored", "stays", "last", "fell", "new") | {
        "lost": Stood(2, 2023, 1),
        "fell": Stood(1, 2023, 5, "later"),
    }
    before["right"] = Stood(3, 2023, 1)

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
    assert (
        told["fell"].causes[0] == ("category-left", 0) or dict(told["fell"].causes)["own-instant"]
    )
    assert told["lost"] == Moves(5, 1, (("own-category", -4),))
    assert told["right"] == Moves(1, 1, ())


def test_a_draw_and_a_new_year_are_causes_of_their_own() -> None:
    before = {"drawn": Stood(1, 2023, 0), "older": Stood(2, 2022, 4)}
    now = {"drawn": Stood(1, 2023, 7), "older": Stood(1, 2023, 1)}

    told = moves(before, now, gone={}, came={})

    assert told["drawn"].causes == (("drawn", 7),)
    assert told["older"].causes == (("own-cohort", -3),)


def test_who_comes_behind_everybody_needs_no_cause() -> None:
    assert moves(line("a"), line("a", "new"), gone={}, came={}) == {"a": Moves(1, 1, ())}


def test_an_order_that_changed_by_itself_is_not_explained_away() -> None:
    with pytest.raises(ValueError, match="moved without a cause"):
        moves(line("a", "b"), line("b", "a"), gone={}, came={})
