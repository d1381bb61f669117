"""A place on a platform that closed, and why it is another here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.applications.rules import InLine, Moved, explain_moves


def one(name: str, category: int = 1, old: int | None = None, of: str = "damubala") -> InLine:
    return InLine(
        application_id=name,
        category=category,
        platform=of if old is not None else None,
        old_place=old,
    )


def moved(there: int, here: int, **causes: int) -> Moved:
    names = (
        "overtaken_by_right",
        "overtaken_by_time",
        "newcomers",
        "overtook_by_right",
        "overtook_by_time",
        "gone",
    )
    return Moved(there=there, here=here, **{name: causes.get(name, 0) for name in names})


@pytest.mark.parametrize(
    ("order", "name", "expected"),
    [
        ([one("a", 1, 1), one("b", 1, 2)], "b", moved(2, 2)),
        # Another right goes first; the child of it went ahead by the same.
        ([one("b", 1, 2), one("a", 2, 1)], "a", moved(1, 2, overtaken_by_right=1)),
        ([one("b", 1, 2), one("a", 2, 1)], "b", moved(2, 1, overtook_by_right=1)),
        # An earlier time in the own category.
        ([one("b", 1, 2), one("a", 1, 1)], "a", moved(1, 2, overtaken_by_time=1)),
        ([one("b", 1, 2), one("a", 1, 1)], "b", moved(2, 1, overtook_by_time=1)),
        # Somebody who applied here, and somebody of another platform.
        (
            [one("n", 1), one("q", 1, 1, "qosymsha"), one("a", 1, 1)],
            "a",
            moved(1, 3, newcomers=2),
        ),
        # The rows before were doubled, or nobody's any more.
        ([one("a", 1, 1), one("d", 1, 4)], "d", moved(4, 2, gone=2)),
    ],
)
def test_each_cause_is_told_apart(order: list[InLine], name: str, expected: Moved) -> None:
    assert explain_moves(order)[name] == expected
    assert expected.balances


def test_whoever_applied_here_moved_nowhere() -> None:
    assert set(explain_moves([one("n"), one("a", 1, 1)])) == {"a"}


@st.composite
def queues(draw: Any) -> list[InLine]:
    """Return a queue of people of two platforms and of none, in any order, with gaps."""
    length = draw(st.integers(0, 40))
    places = {
        platform: draw(st.lists(st.integers(1, 60), min_size=length, max_size=length, unique=True))
        for platform in ("damubala", "artsport")
    }
    queue = []
    for n in range(length):
        platform = draw(st.sampled_from(["damubala", "artsport", None]))
        place = places[platform][n] if platform else None
        queue.append(
            InLine(
                application_id=f"a-{n}",
                category=draw(st.integers(1, 4)),
                platform=platform,
                old_place=place,
            )
        )
    return queue


def counted(order: list[InLine], at: int) -> Moved:
    """Count the same by looking at every pair."""
    me = order[at]
    assert me.old_place is not None
    ahead, behind = order[:at], order[at + 1 :]

    def of_platform(rows: list[InLine], own: bool, before: bool) -> int:
        return sum(
            o.platform == me.platform
            and o.old_place is not None
            and me.old_place is not None
            and (o.old_place < me.old_place) == before
            and (o.category == me.category) == own
            for o in rows
        )

    there = sum(
        o.platform == me.platform and o.old_place is not None and o.old_place < me.old_place
        for o in order
    )
    return Moved(
        there=me.old_place,
        here=at + 1,
        overtaken_by_right=of_platform(ahead, own=False, before=False),
        overtaken_by_time=of_platform(ahead, own=True, before=False),
        newcomers=sum(o.platform != me.platform for o in ahead),
        overtook_by_right=of_platform(behind, own=False, before=True),
        overtook_by_time=of_platform(behind, own=True, before=True),
        gone=me.old_place - 1 - there,
    )


@given(queues())
def test_the_causes_lead_from_the_old_place_to_the_new_one(order: list[InLine]) -> None:
    explained = explain_moves(order)

    for at, row in enumerate(order):
        if row.platform is None:
            assert row.application_id not in explained
            continue
        assert explained[row.application_id] == counted(order, at)
        assert explained[row.application_id].balances
