"""The engine against others who know what it should say: the textbook, a library, every outcome.

And against what the definition promises about change: a place more, a child less, a better place in
the line. What holds for batch-free cities before trading is claimed for these alone.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matching.games import HospitalResident

from chalicelib.queue.rules.matching import NONE, Market, match
from chalicelib.queue.rules.trading import trade
from chalicelib.queue.rules.vacancies import Vacancies
from tests.queue.markets import blocks, markets, rank
from tests.queue.textbook import lists_of, standing, textbook

ROOT = Path(__file__).resolve().parents[2]

# --- the same as others say ---------------------------------------------------------------------


@settings(max_examples=400)
@given(markets(most=30, groups=7))
def test_p0_the_engine_says_what_the_textbook_says(market: Market) -> None:
    assert list(match(market).seat) == textbook(market)


@settings(max_examples=200)
@given(markets(most=20, groups=5, tails=False, reserve=True))
def test_with_a_reserve_too_the_engine_says_what_the_textbook_says(market: Market) -> None:
    assert list(match(market).seat) == textbook(market)


@settings(max_examples=150)
@given(markets(most=24, groups=6))
def test_p1_the_engine_says_what_the_library_matching_says(market: Market) -> None:
    open_groups = {group for group, most in enumerate(market.places) if most}
    lists = [[g for g in listed if g in open_groups] for listed in lists_of(market)]
    named = {group for listed in lists for group in listed}
    assume(named)
    game = HospitalResident.create_from_dictionaries(
        {child: listed for child, listed in enumerate(lists) if listed},
        {g: [c for c in standing(market, g) if g in lists[c]] for g in named},
        {g: market.places[g] for g in named},
    )

    theirs = {
        child.name: group.name
        for group, inside in game.solve(optimal="resident").items()
        for child in inside
    }

    seat = match(market).seat
    assert {child: group for child, group in enumerate(seat) if group != NONE} == theirs


@settings(max_examples=200)
@given(markets(most=6, groups=3, movers=False))
def test_p0_where_only_the_line_counts_it_is_serial_dictatorship(market: Market) -> None:
    market.siblings = {}
    free = list(market.places)
    for child, listed in enumerate(lists_of(market)):
        got = next((group for group in listed if free[group]), NONE)
        if got != NONE:
            free[got] -= 1

        assert match(market).seat[child] == got


# --- what changes when something changes --------------------------------------------------------


@given(markets(most=24, groups=6), st.data())
def test_a_place_more_serves_one_child_more_at_most_and_moves_the_chain_alone(
    market: Market, data: st.DataObject
) -> None:
    group = data.draw(st.integers(0, len(market.places) - 1))
    before = match(market)
    going_on = Vacancies(market, before)
    places = list(market.places)
    places[group] += 1
    market.places = places

    moves = going_on.fill(group)
    after = match(market).seat

    served_before = {child for child, held in enumerate(before.seat) if held != NONE}
    served_after = {child for child, held in enumerate(after) if held != NONE}
    assert served_before <= served_after
    assert len(served_after - served_before) <= 1
    moved = {child for child, was in enumerate(before.seat) if after[child] != was}
    assert moved == {child for child, _, _ in moves}
    assert list(going_on.free) == [
        most - list(after).count(number) for number, most in enumerate(places)
    ]


@given(markets(most=18, groups=5), st.data())
def test_a_child_who_leaves_the_line_makes_nobody_else_worse_off(
    market: Market, data: st.DataObject
) -> None:
    waiting = [child for child, own in enumerate(market.own) if own == NONE]
    assume(waiting)
    leaver = data.draw(st.sampled_from(waiting))
    before = match(market).seat

    after = match(_without(market, leaver)).seat

    for child in range(len(market)):
        if child != leaver:
            assert rank(market, child, after[child]) <= rank(market, child, before[child])


@given(markets(most=14, groups=4, siblings=False, tails=False), st.data())
def test_a_better_place_in_the_line_never_hurts_its_owner(
    market: Market, data: st.DataObject
) -> None:
    """Balinski and Sönmez (1999): the outcome respects improvements."""
    waiting = [child for child, own in enumerate(market.own) if own == NONE]
    assume(len(waiting) > 1)
    later = data.draw(st.sampled_from(waiting[1:]))
    order = list(range(len(market)))
    order[later - 1], order[later] = later, later - 1
    swapped = Market(market.places)
    lists = lists_of(market)
    for child in order:
        own = market.own[child]
        swapped.add([g for g in lists[child] if g != own], own=own)

    before, after = match(market).seat[later], match(swapped).seat[later - 1]

    assert rank(market, later, after) <= rank(market, later, before)


@given(markets(most=20, groups=5))
def test_nobody_who_could_have_a_place_is_left_out_for_somebody_without_one(
    market: Market,
) -> None:
    """The rural hospitals theorem (Roth 1986): whoever is served, is served in every outcome
    without envy and waste; the engine's own order of asking cannot matter."""
    seat = match(market).seat
    mirrored = _asked_backwards(market)

    assert {c for c, g in enumerate(seat) if g != NONE} == {
        c for c, g in enumerate(mirrored) if g != NONE
    }


def _asked_backwards(market: Market) -> list[int]:
    """Return the outcome when the last of the line ask first, one after another."""
    lists = lists_of(market)
    rows = [standing(market, group) for group in range(len(market.places))]
    held: list[list[int]] = [[] for _ in rows]
    asked = [0] * len(lists)
    stack = list(range(len(lists)))
    while stack:
        child = stack.pop()
        if asked[child] == len(lists[child]):
            continue
        group = lists[child][asked[child]]
        asked[child] += 1
        held[group] = sorted([*held[group], child], key=rows[group].index)
        stack += held[group][market.places[group] :]
        del held[group][market.places[group] :]
    seat = [NONE] * len(lists)
    for group, inside in enumerate(held):
        for child in inside:
            seat[child] = group
    return seat


def _without(market: Market, leaver: int) -> Market:
    told = Market(market.places, shared=market.shared, siblings=market.siblings)
    start = 0
    for child, end in enumerate(market.ends):
        own = market.own[child]
        listed = [g for g in market.wishes[start:end] if g != own]
        if child == leaver:
            told.add([])
        else:
            told.add(listed, own=own, tail=market.tails[child])
        start = end
    return told


# --- twins --------------------------------------------------------------------------------------


@given(markets(most=16, groups=4, movers=False, siblings=False, batches=True))
def test_twins_get_the_first_group_of_their_lists_with_room_for_all_at_their_turn(
    market: Market,
) -> None:
    """Where only the line counts the rule can be read off: one after another, batches at the turn
    of their last member, in the first group of their lists that has room for all of them."""
    lists = lists_of(market)
    ends = [0, *market.ends]
    last = {max(batch): sorted(batch) for batch in market.batches}
    members = {child for batch in market.batches for child in batch}
    free = list(market.places)
    expected = [NONE] * len(market)
    for child in range(len(market)):
        unit = last.get(child, [] if child in members else [child])
        if not unit:
            continue
        if len(unit) == 1:
            wished = lists[child]
        else:
            own = [g for c in unit for g in market.wishes[ends[c] : ends[c + 1]]]
            fitting = set.intersection(*(set(lists[c]) for c in unit))
            wished = [g for g in [*own, *lists[unit[0]]] if g in fitting]
        got = next((group for group in wished if free[group] >= len(unit)), NONE)
        if got != NONE:
            free[got] -= len(unit)
            for one in unit:
                expected[one] = got

    assert list(match(market).seat) == expected


def test_twins_leave_the_place_that_a_holder_may_come_back_to() -> None:
    # Holder 0 goes to place 1; 3 has a sibling there and sends it back; the twins came in between.
    market = Market([2, 1], batches=[(1, 2)], siblings={3: frozenset([1])})
    market.add([1], own=0)
    market.add([0])
    market.add([0])
    market.add([1])

    assert list(match(market).seat) == [0, NONE, NONE, 1]


# --- trading ------------------------------------------------------------------------------------


def test_of_two_who_hold_a_place_of_one_group_the_first_of_the_line_trades() -> None:
    market = Market([2, 1])
    market.add([1], own=0)
    market.add([1], own=0)
    market.add([0], own=1)
    seat = array("i", [0, 0, 1])

    assert trade(market, seat) == [[0, 2]]
    assert list(seat) == [1, 0, 0]


def test_who_waited_has_a_place_by_the_queue_and_nothing_to_trade() -> None:
    # 0 and 2 would like each other's place, but 1 stands before 2 and wants that of 0, too.
    market = Market([1, 1], siblings={2: frozenset([1])})
    market.add([1], own=0)
    market.add([0])
    market.add([0, 1])
    seat = array("i", match(market).seat)
    assert list(seat) == [0, NONE, 1]

    assert trade(market, seat) == []


@settings(max_examples=150)
@given(st.data())
def test_no_ring_of_holders_could_do_better_among_themselves(data: st.DataObject) -> None:
    """The core of the trading phase, by every ring there is (Shapley and Scarf 1974)."""
    groups = data.draw(st.integers(2, 4))
    market = Market([0] * groups)
    places = [0] * groups
    for _ in range(data.draw(st.integers(2, 6))):
        own = data.draw(st.integers(0, groups - 1))
        places[own] += 1
        listed = data.draw(st.lists(st.integers(0, groups - 1), unique=True))
        market.add([g for g in listed if g != own], own=own)
    market.places = places
    seat = array("i", market.own)

    trade(market, seat)

    for ring in _rings(len(market)):
        given_to = [market.own[other] for other in (*ring[1:], ring[0])]
        gains = [
            rank(market, child, got) - rank(market, child, seat[child])
            for child, got in zip(ring, given_to, strict=True)
        ]
        # All of them strictly better off with their own places alone: then the outcome was wrong.
        assert not all(gain < 0 for gain in gains)


@settings(max_examples=100)
@given(st.data())
def test_nobody_gains_in_a_trade_by_another_list(data: st.DataObject) -> None:
    groups = data.draw(st.integers(2, 4))
    homes = data.draw(st.lists(st.integers(0, groups - 1), min_size=2, max_size=6))
    listed = [[g for g in data.draw(st.permutations(range(groups))) if g != home] for home in homes]
    liar = data.draw(st.integers(0, len(homes) - 1))
    lie = [g for g in data.draw(st.permutations(range(groups))) if g != homes[liar]]
    truth, told = (Market([homes.count(g) for g in range(groups)]) for _ in range(2))
    for child, home in enumerate(homes):
        truth.add(listed[child], own=home)
        told.add(lie if child == liar else listed[child], own=home)
    honest, lied = array("i", homes), array("i", homes)

    trade(truth, honest)
    trade(told, lied)

    assert rank(truth, liar, honest[liar]) <= rank(truth, liar, lied[liar])


@given(markets(most=24, groups=5))
def test_after_trading_only_traders_may_be_envied_and_no_place_is_lost(market: Market) -> None:
    """The named exception: a place that was traded went by the ring and not by the line."""
    seat = array("i", match(market).seat)
    moved = {child for ring in trade(market, seat) for child in ring}

    for child, group in blocks(market, seat):
        inside = [other for other, held in enumerate(seat) if held == group]
        assert len(inside) == market.places[group]
        weaker = [o for o in inside if market.right(o, group) > market.right(child, group)]
        assert set(weaker) <= moved


def _rings(count: int) -> Iterator[Sequence[int]]:
    for size in range(2, count + 1):
        for ring in itertools.permutations(range(count), size):
            if ring[0] == min(ring):
                yield ring


# --- the same everywhere ------------------------------------------------------------------------

_DECIDE = """
import hashlib, random
from bench.iteration import _city
from chalicelib.queue.rules import plan_iteration
seekers, places, order = _city()
random.seed({seed})
random.shuffle(seekers)
random.shuffle(places)
plan = plan_iteration(seekers, places, order, {{}})
print(hashlib.sha256(repr(plan).encode()).hexdigest())
"""


def test_processes_with_other_hashes_and_orders_of_input_decide_the_same_to_the_byte() -> None:
    told = set()
    for seed in ("1", "2", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        made = subprocess.run(
            [sys.executable, "-c", _DECIDE.format(seed=seed)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        told.add(made.stdout)

    assert len(told) == 1
