"""Deferred acceptance, trading and vacancies against their definitions, on all small cities."""

from __future__ import annotations

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.queue.rules.matching import NONE, Market, match
from chalicelib.queue.rules.trading import trade
from chalicelib.queue.rules.vacancies import Vacancies
from tests.queue.markets import blocks, in_group, markets, outcomes, rank


@settings(max_examples=300, deadline=None)
@given(markets(most=5, groups=3))
def test_p0_of_all_outcomes_without_envy_and_waste_it_is_the_best_for_every_child(
    market: Market,
) -> None:
    found = match(market).seat
    stable = [seat for seat in outcomes(market) if not any(blocks(market, seat))]

    assert tuple(found) in stable
    for other in stable:
        for child in range(len(market)):
            assert rank(market, child, found[child]) <= rank(market, child, other[child])


@given(markets(most=40, groups=8))
def test_p0_nobody_has_justified_envy_and_no_place_is_wasted(market: Market) -> None:
    assert list(blocks(market, match(market).seat)) == []


@given(markets(most=20, groups=6, batches=True, reserve=True))
def test_nobody_loses_a_place_by_asking_to_move_whatever_batches_and_reserves(
    market: Market,
) -> None:
    matching = match(market)
    for child, own in enumerate(market.own):
        if own != NONE:
            assert rank(market, child, matching.seat[child]) <= rank(market, child, own)
    for group, most in enumerate(market.places):
        inside = in_group(matching, group)
        assert len(inside) == len(set(inside)) <= most
        assert {child for child, held in enumerate(matching.seat) if held == group} == set(inside)


@given(markets(most=14, groups=5, batches=True))
def test_a_batch_gets_places_together_or_none(market: Market) -> None:
    seat = match(market).seat
    for batch in market.batches:
        held = {seat[child] for child in batch}
        assert len(held) == 1
        assert held == {NONE} or all(held <= set(market.list_of(child)) for child in batch)


@given(markets(most=12, groups=4, movers=False, siblings=False, tails=False, reserve=True))
def test_a_reserve_is_filled_by_those_it_is_for_and_else_by_all(market: Market) -> None:
    matching = match(market)
    for group, kept in enumerate(market.reserve):
        inside = in_group(matching, group)
        favoured = [child for child in inside if market.favoured[child]]
        envious = [
            child
            for child in range(len(market))
            if rank(market, child, group) < rank(market, child, matching.seat[child])
        ]
        assert not envious or len(inside) == market.places[group]
        if any(market.favoured[child] for child in envious):
            assert len(favoured) >= min(kept, market.places[group])
        # Outside the reserve all stand in one line.
        line = sorted(set(inside) - set(sorted(favoured)[:kept]))
        assert all(line == [] or child > line[-1] for child in envious)


@given(markets(most=20, groups=6), st.data())
def test_p7_freed_places_are_filled_as_a_whole_run_would(
    market: Market, data: st.DataObject
) -> None:
    going_on = Vacancies(market, match(market))
    places = list(market.places)
    market.places = places
    for group in data.draw(st.lists(st.integers(0, len(places) - 1), max_size=4)):
        places[group] += 1

        moves = going_on.fill(group)

        assert going_on.seat == match(market).seat
        for child, left, to in moves:
            assert rank(market, child, to) < rank(market, child, left)


@given(markets(most=16, groups=5), st.data())
def test_one_place_more_makes_nobody_worse_off(market: Market, data: st.DataObject) -> None:
    before = match(market).seat
    places = list(market.places)
    places[data.draw(st.integers(0, len(places) - 1))] += 1
    market.places = places

    after = match(market).seat

    for child in range(len(market)):
        assert rank(market, child, after[child]) <= rank(market, child, before[child])


@settings(max_examples=60, deadline=None)
@given(markets(most=7, groups=4, tails=False), st.data())
def test_p0_nobody_gains_by_another_list(market: Market, data: st.DataObject) -> None:
    if not len(market):
        return
    liar = data.draw(st.integers(0, len(market) - 1))
    truth = match(market).seat[liar]
    lie = data.draw(st.lists(st.integers(0, len(market.places) - 1), unique=True))
    told = Market(market.places, siblings=market.siblings)
    for child in range(len(market)):
        own = market.own[child]
        listed = lie if child == liar else market.list_of(child)
        told.add([group for group in listed if group != own], own=own)

    assert rank(market, liar, match(told).seat[liar]) >= rank(market, liar, truth)


@given(markets(most=24, groups=5))
def test_trading_makes_no_trader_worse_off_and_nobody_else_moves(market: Market) -> None:
    before = match(market).seat
    seat = array("i", before)

    rings = trade(market, seat)

    moved = {child for ring in rings for child in ring}
    assert sorted(seat) == sorted(before)
    for child in range(len(market)):
        if child in moved:
            assert market.own[child] != NONE
            assert rank(market, child, seat[child]) < rank(market, child, before[child])
        else:
            assert seat[child] == before[child]
    assert trade(market, seat) == [], "what could be traded was traded"


def test_two_who_stand_in_each_others_way_swap_by_trading_alone() -> None:
    # The first of those who wait asks for place 1, so holder 0 would come back: nobody moves.
    market = Market([1, 1])
    market.add([1], own=0)
    market.add([0], own=1)
    market.siblings = {2: frozenset([1])}
    market.add([1])

    seat = match(market).seat

    assert list(seat) == [0, 1, NONE]
    assert trade(market, seat) == [[0, 1]]
    assert list(seat) == [1, 0, NONE]


def test_a_chain_of_moves_is_decided_at_once() -> None:
    market = Market([1, 1, 2])
    market.add([1], own=0)
    market.add([2], own=1)
    market.add([0])

    assert list(match(market).seat) == [1, 2, 0]
    assert in_group(match(market), 2) == [1]


def test_a_longer_ring_moves_as_one() -> None:
    market = Market([1, 1, 1])
    for child in range(3):
        market.add([(child + 1) % 3], own=child)
    seat = array("i", [0, 1, 2])

    assert trade(market, seat) == [[0, 1, 2]]
    assert list(seat) == [1, 2, 0]


def test_a_freed_place_can_untie_a_ring() -> None:
    # 2 has a sibling in place 1 and asks for it: as long as 2 has nothing better, 0 and 1 stay.
    market = Market([1, 1, 0], siblings={2: frozenset([1])})
    market.add([1], own=0)
    market.add([0], own=1)
    market.add([2, 1])
    going_on = Vacancies(market, match(market))
    assert list(going_on.seat) == [0, 1, NONE]

    moves = going_on.fill(2)

    assert sorted(moves) == [(0, 0, 1), (1, 1, 0), (2, NONE, 2)]
    assert list(going_on.seat) == [1, 0, 2]


def test_a_batch_shrinks_a_reserve_and_a_holder_still_comes_back() -> None:
    # Two are in by the reserve of group 0, the twins take what its holder left, 5 sends it back.
    market = Market([4, 1], reserve=[3, 0], batches=[(3, 4)], siblings={5: frozenset([1])})
    market.add([1], own=0)
    market.add([0], favoured=True)
    market.add([0], favoured=True)
    market.add([0])
    market.add([0])
    market.add([1])

    matching = match(market)

    assert list(matching.seat) == [0, 0, NONE, 0, 0, 1]
    assert in_group(matching, 0) == [0, 1, 3, 4]
