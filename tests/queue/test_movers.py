"""Holders who ask to move, brothers and sisters, reserves, swaps: the whole iteration by places."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.queue import rules
from chalicelib.queue.rules import Order, Outcome, Place, Plan, Seeker
from chalicelib.queue.rules.transfers import steps
from tests.queue.test_rules import ORDER, TIERS, YEARS, a_place, a_seeker, by_name, fits

MOVING = replace(ORDER, movers=True, swaps=True)
GROUPS = [f"group-{n}" for n in range(5)]
City = tuple[list[Seeker], list[Place], dict[int, int], Order]


def a_mover(name: str, own: str, *wishes: str, **said: object) -> Seeker:
    told = {
        "own": f"group-{own}",
        "preferences": tuple(f"group-{wish}" for wish in wishes),
        "voucher_id": f"voucher-{name}",
        "since": f"20250601T000000Z-{name:0>7}",
    }
    return a_seeker(name, **{**told, **said})


def moves(plan: Plan) -> list[tuple[str, str, str | None, int | None]]:
    return [
        (o.ticket.removeprefix("ticket-"), o.reason, o.group_id, o.ring)
        for o in plan.outcomes
        if o.from_group
    ]


# --- what is decided for holders ----------------------------------------------------------------


def test_a_holder_moves_before_all_who_wait_and_its_seat_is_given_in_the_same_run() -> None:
    queue = [a_seeker("1", tier="extraordinary", preferences=("group-a",)), a_mover("2", "b", "a")]

    plan = rules.plan_iteration(queue, [a_place("a", 1), a_place("b", 0)], MOVING, {})

    assert moves(plan) == [("2", "moved", "group-a", None)]
    assert by_name(plan)["2"].from_group == "group-b"
    assert by_name(plan)["2"].voucher_id == "voucher-2"
    assert by_name(plan)["1"].group_id == "group-b"
    assert (plan.vouchers, plan.moves) == (1, 1)


def test_nobody_loses_a_place_by_asking_to_move_and_is_told_why_it_stays() -> None:
    queue = [a_mover("1", "a", "b", "c"), a_seeker("2")]

    plan = rules.plan_iteration(queue, [a_place("a", 0), a_place("b", 0)], MOVING, {})

    stays = by_name(plan)["1"]
    assert (stays.reason, stays.group_id, stays.from_group) == ("stays", "group-a", "group-a")
    assert [(p.group_id, p.why) for p in stays.passed] == [
        ("group-b", "full"),
        ("group-c", "closed"),
    ]
    assert not stays.gets and not stays.moves
    assert by_name(plan)["2"].group_id is None


def test_holders_stand_in_the_order_in_which_they_were_served_once() -> None:
    queue = [
        a_mover("1", "b", "a", since="20250801T000000Z-0000001"),
        a_mover("2", "c", "a", since="20250701T000000Z-0000009", tier="general"),
    ]

    plan = rules.plan_iteration(
        queue, [a_place("a", 1), a_place("b", 0), a_place("c", 0)], MOVING, {}
    )

    assert moves(plan) == [
        ("2", "moved", "group-a", None),
        ("1", "stays", "group-b", None),
    ]
    assert [o.position for o in plan.outcomes] == [1, 2]


def test_who_frees_a_seat_goes_before_who_takes_it() -> None:
    queue = [a_mover("1", "a", "b"), a_mover("2", "b", "c"), a_mover("3", "c", "d")]

    plan = rules.plan_iteration(
        queue, [a_place("a", 0), a_place("b", 0), a_place("c", 0), a_place("d", 1)], MOVING, {}
    )

    assert [name for name, *_ in moves(plan)] == ["3", "2", "1"]


def test_two_who_want_each_others_place_are_a_ring_whoever_else_moves() -> None:
    queue = [a_mover("1", "a", "b"), a_mover("2", "b", "a"), a_mover("3", "a", "c")]

    plan = rules.plan_iteration(
        queue, [a_place("a", 0), a_place("b", 0), a_place("c", 0)], MOVING, {}
    )

    assert moves(plan) == [
        ("1", "moved", "group-b", 1),
        ("2", "moved", "group-a", 1),
        ("3", "stays", "group-a", None),
    ]


def test_a_swap_that_the_queue_stands_in_the_way_of_is_made_by_trading_alone() -> None:
    # 3 has a sibling in b: while 2 is away from its own place 3 may ask for it.
    queue = [
        a_mover("1", "a", "b"),
        a_mover("2", "b", "a"),
        a_seeker("3", preferences=("group-b",), siblings=("group-b",)),
    ]
    places = [a_place("a", 0), a_place("b", 0)]
    order = replace(MOVING, siblings_first=True)

    without = rules.plan_iteration(queue, places, replace(order, swaps=False), {})
    traded = rules.plan_iteration(queue, places, order, {})

    assert {reason for _, reason, *_ in moves(without)} == {"stays"}
    assert moves(traded) == [("1", "swapped", "group-b", 1), ("2", "swapped", "group-a", 1)]
    assert by_name(traded)["3"] == by_name(without)["3"]


def test_a_place_somebody_waits_for_outside_the_run_is_not_given_when_a_holder_leaves_it() -> None:
    queue = [a_mover("1", "b", "a"), a_mover("2", "b", "a"), a_seeker("3"), a_seeker("4")]
    places = [a_place("a", 2), a_place("b", 0, awaited=1)]

    plan = rules.plan_iteration(queue, places, MOVING, {})

    assert [group for *_, group, _ in moves(plan)] == ["group-a", "group-a"]
    assert [by_name(plan)[n].group_id for n in "34"] == ["group-b", None]


def test_a_group_that_is_closed_gives_the_seats_that_are_left_to_nobody() -> None:
    queue = [a_mover("1", "z", "a"), a_mover("2", "a", "z"), a_seeker("3")]

    plan = rules.plan_iteration(queue, [a_place("a", 1)], MOVING, {})

    assert moves(plan) == [("1", "moved", "group-a", None), ("2", "stays", "group-a", None)]
    assert [(p.group_id, p.why) for p in by_name(plan)["2"].passed] == [("group-z", "closed")]
    assert by_name(plan)["3"].group_id is None


def test_a_wish_that_does_not_fit_moves_nobody() -> None:
    queue = [a_mover("1", "a", "ru", "old", "own")]
    places = [a_place("a", 0), a_place("ru", 1, language="ru"), a_place("old", 1, age_from=6)]

    (outcome,) = rules.plan_iteration(queue, places, MOVING, {}).outcomes

    assert [p.why for p in outcome.passed] == ["language", "age", "closed"]


def test_who_asks_to_move_takes_no_turn_of_one_to_three() -> None:
    queue = [a_mover("1", "b", "a", tier="first-priority"), a_seeker("2"), a_seeker("3")]

    plan = rules.plan_iteration(queue, [a_place("a", 3), a_place("b", 0)], MOVING, {2020: 1})

    assert plan.carry == {2020: 3}
    assert by_name(plan)["1"].turn is None


def test_where_the_rules_move_nobody_a_holder_is_no_input() -> None:
    with pytest.raises(ValueError, match="move nobody"):
        rules.plan_iteration([a_mover("1", "b", "a")], [a_place("a", 1)], ORDER, {})


# --- siblings and reserves ----------------------------------------------------------------------


def test_a_sibling_goes_before_the_line_only_where_the_pack_says_so() -> None:
    queue = [
        a_seeker("1", preferences=("group-a",)),
        a_seeker("2", preferences=("group-a",), siblings=("group-a", "group-x")),
    ]
    places = [a_place("a", 1), a_place("b", 1)]

    by_line = by_name(rules.plan_iteration(queue, places, ORDER, {}))
    first = by_name(rules.plan_iteration(queue, places, replace(ORDER, siblings_first=True), {}))

    assert [by_line[n].group_id for n in "12"] == ["group-a", "group-b"]
    assert [first[n].group_id for n in "12"] == ["group-b", "group-a"]
    # Who is told that the group is full hears of the last who got in.
    assert first["1"].passed[0].last_ticket == "ticket-2"


@pytest.mark.parametrize(("free", "kept"), [(0, 0), (1, 0), (2, 1), (5, 1), (6, 2), (10, 3)])
def test_a_quarter_of_a_groups_free_places_is_kept_half_a_place_rounded_up(
    free: int, kept: int
) -> None:
    order = replace(ORDER, reading="reserve", reserve_per_mille=250)
    early = [a_seeker(f"{n}") for n in range(free)]
    late = [a_seeker(f"{n}", tier="first-priority") for n in range(100, 100 + free)]

    plan = rules.plan_iteration([*early, *late], [a_place("a", free)], order, {})

    assert Counter(o.tier for o in plan.outcomes if o.gets)["first-priority"] == kept
    assert plan.carry == {}
    assert {o.turn for o in plan.outcomes} <= {None}


def test_what_the_reserve_leaves_goes_to_the_line_and_the_extraordinary_right_stays_first() -> None:
    order = replace(ORDER, reading="reserve", reserve_per_mille=500)
    queue = [a_seeker(f"{n}") for n in range(4)]
    queue += [a_seeker("9", tier="extraordinary", ordered_at="2025-08-01T00:00:00.000000Z")]

    plan = rules.plan_iteration(queue, [a_place("a", 4)], order, {})

    assert [n for n, o in by_name(plan).items() if o.gets] == ["9", "0", "1", "2"]


# --- against the law, written plainly -----------------------------------------------------------


def cities(*, batches: bool = False) -> st.SearchStrategy[City]:
    """Draw cities by a number each: drawing every child by itself takes longer than the law."""
    return st.integers(0, 2**64).map(lambda seed: a_city(random.Random(seed), batches=batches))


def a_city(draw: random.Random, *, batches: bool) -> City:
    """Return a city with holders who ask to move, siblings, and any reading."""

    def anybody() -> dict[str, object]:
        cohort = draw.choice(YEARS)
        return {
            "tier": draw.choice(TIERS),
            "cohort": cohort,
            "age": 2025 - cohort,
            "ordered_at": f"2025-07-01T09:00:{draw.randint(0, 9):02d}.000000Z",
            "language": draw.choice(["kk", "kk", "kk", "ru"]),
            "preferences": tuple(draw.sample([*GROUPS, "group-x"], draw.randint(0, 4))),
            "siblings": tuple(draw.sample(GROUPS, draw.randint(0, 1))),
        }

    queue = []
    for n in range(draw.randint(0, 8)):
        own = draw.choice([*GROUPS, *GROUPS, "group-x"]).removeprefix("group-")
        since = f"20250601T000000Z-{draw.randint(0, 5):07d}"
        queue.append(a_mover(f"{n:02d}", own, **{**anybody(), "since": since}))
    for n in range(20, 20 + draw.randint(0, 12)):
        batch = draw.choice([None, None, "b1", "b2"]) if batches else None
        queue.append(a_seeker(f"{n}", batch_id=batch, **anybody()))
    held = Counter(seeker.own for seeker in queue)
    places = [
        Place(
            group_id=group_id,
            age_from=draw.randint(2, 5),
            age_to=6,
            language=draw.choice(["kk", "kk", "ru"]),
            kind="general",
            free=draw.randint(0, 3),
            awaited=min(held[group_id], draw.choice([0, 0, 1, 2])),
        )
        for group_id in GROUPS
    ]
    order = replace(
        MOVING,
        swaps=draw.random() < 0.5,
        siblings_first=draw.random() < 0.5,
        reading=draw.choice(["interleave", "reserve"]),
        reserve_per_mille=draw.choice([250, 500, 1000]),
    )
    return queue, places, {year: draw.randint(0, 3) for year in YEARS}, order


class Law:
    """The same law, as slowly and plainly as can be: who gets which group, by ticket."""

    def __init__(self, city: City) -> None:
        queue, places, carry, self.order = city
        self.by_id = {place.group_id: place for place in places}
        movers = sorted((s for s in queue if s.own), key=lambda s: (s.since, s.ticket))
        self.line = [*movers, *self.merged([s for s in queue if not s.own], carry)]
        self.capacity = Counter({place.group_id: place.free for place in places})
        self.capacity.update(seeker.own for seeker in movers if seeker.own)
        self.nameless = [(p.group_id, n) for p in places for n in range(p.awaited)]
        self.seat: dict[str, str | None] = {s.ticket: None for s in self.line}

    def merged(self, queue: list[Seeker], carry: dict[int, int]) -> list[Seeker]:
        line: list[Seeker] = []
        for year in YEARS:
            of = {
                tier: sorted(
                    (s for s in queue if (s.cohort, s.tier) == (year, tier)),
                    key=lambda s: (s.ordered_at, s.ticket),
                )
                for tier in TIERS
            }
            line += of["extraordinary"]
            first, general = of["first-priority"], of["general"]
            if self.order.reading == "reserve":
                line += sorted(first + general, key=lambda s: (s.ordered_at, s.ticket))
                continue
            turn = carry.get(year, 0)
            while first or general:
                whose = first if turn % 4 == 0 else general
                if whose:
                    line.append(whose.pop(0))
                turn += 1
        return line

    def list_of(self, seeker: Seeker) -> list[str]:
        able = [g for g in self.by_id if fits(self.by_id[g], seeker)]
        wished = [g for g in seeker.preferences if g in able and g != seeker.own]
        if seeker.own:
            return [*wished, seeker.own]
        rest = sorted(set(able) - set(wished), key=lambda g: (-self.by_id[g].free, g))
        return wished + rest

    def right(self, seeker: Seeker, group: str) -> tuple[int, int]:
        place = self.line.index(seeker)
        if seeker.own == group:
            return 0, place
        if self.order.siblings_first and group in seeker.siblings:
            return 1, place
        return 2, place

    def chosen(self, group: str, asking: list[Seeker]) -> list[Seeker]:
        """Return whom a group keeps of those who ask; who waits outside the run asks always."""
        asking = sorted(asking, key=lambda s: self.right(s, group))
        own = [s for s in asking if s.own == group]
        others = [s for s in asking if s.own != group]
        room = self.capacity[group] - len(own)
        kept: list[Seeker] = []
        if self.order.reading == "reserve" and group in self.by_id:
            share = (self.by_id[group].free * self.order.reserve_per_mille + 500) // 1000
            liked = [s for s in others if s.tier == "first-priority"]
            kept = liked[: min(share, self.by_id[group].free)]
        rest: list[Seeker | None] = [s for s in others if s not in kept]
        nameless = sum(1 for name, _ in self.nameless if name == group)
        # They come behind brothers and sisters, and before the line.
        ahead = sum(1 for s in rest if s is not None and self.right(s, group)[0] < 2)
        rest[ahead:ahead] = [None] * nameless
        rest = rest[: max(0, room - len(kept))]
        return [*own, *kept, *(s for s in rest if s is not None)]

    def settle(self) -> dict[str, str | None]:
        asked = {s.ticket: 0 for s in self.line}
        held: dict[str, list[Seeker]] = {}
        while True:
            free = [s for s in self.line if all(s not in inside for inside in held.values())]
            asking = [s for s in free if asked[s.ticket] < len(self.list_of(s))]
            if not asking:
                break
            for seeker in asking:
                group = self.list_of(seeker)[asked[seeker.ticket]]
                asked[seeker.ticket] += 1
                held.setdefault(group, []).append(seeker)
            held = {group: self.chosen(group, inside) for group, inside in held.items()}
        for group, inside in held.items():
            for seeker in inside:
                self.seat[seeker.ticket] = group
        if self.order.swaps:
            self.trade()
        return self.seat

    def trade(self) -> None:
        left = [s for s in self.line if s.own]
        while left:
            points = {s.ticket: self.dearest(s, left) for s in left}
            settled = [s for s in left if points[s.ticket] is None]
            if settled:
                left = [s for s in left if s not in settled]
                continue
            path = [left[0]]
            while (then := points[path[-1].ticket]) not in path:
                assert then is not None
                path.append(then)
            ring = path[path.index(then) :]
            seats = [self.seat[s.ticket] for s in [*ring[1:], ring[0]]]
            for seeker, group in zip(ring, seats, strict=True):
                self.seat[seeker.ticket] = group
            left = [s for s in left if s not in ring]

    def dearest(self, seeker: Seeker, left: list[Seeker]) -> Seeker | None:
        """Return who of the traders sits, first in line, in the group it wants most."""
        listed = self.list_of(seeker)
        for group in listed[: listed.index(self.seat[seeker.ticket] or "")]:
            inside = [s for s in left if self.seat[s.ticket] == group]
            if inside:
                return inside[0]
        return None


def seats(plan: Plan) -> dict[str, str | None]:
    return {outcome.ticket: outcome.group_id for outcome in plan.outcomes}


@settings(max_examples=400, deadline=None)
@given(cities())
def test_the_iteration_decides_as_the_law_written_plainly_does(city: City) -> None:
    assert seats(rules.plan_iteration(*city[:2], city[3], city[2])) == Law(city).settle()


@settings(max_examples=100, deadline=None)
@given(cities(batches=True), st.randoms(use_true_random=False))
def test_the_outcome_does_not_depend_on_the_order_of_input(
    city: City, chance: random.Random
) -> None:
    queue, places, carry, order = city
    once = rules.plan_iteration(queue, places, order, carry)
    chance.shuffle(queue)
    chance.shuffle(places)

    assert rules.plan_iteration(queue, places, order, carry) == once


@settings(max_examples=200, deadline=None)
@given(cities(batches=True))
def test_nobody_loses_a_place_twins_stay_together_and_no_seat_is_given_twice(city: City) -> None:
    queue, places, carry, order = city
    plan = rules.plan_iteration(queue, places, order, carry)
    by_ticket = {seeker.ticket: seeker for seeker in queue}

    for outcome in plan.outcomes:
        seeker = by_ticket[outcome.ticket]
        assert outcome.from_group == seeker.own
        assert outcome.gets == (seeker.own is None and outcome.group_id is not None)
        if seeker.own is not None:
            assert outcome.group_id in (seeker.own, *seeker.preferences)
            assert outcome.moves == (outcome.reason in ("moved", "swapped"))
    for batch in ("b1", "b2"):
        assert len({o.group_id for o in plan.outcomes if o.batch_id == batch}) <= 1
    inside = Counter(outcome.group_id for outcome in plan.outcomes if outcome.group_id)
    own = Counter(seeker.own for seeker in queue if seeker.own)
    for place in places:
        assert inside[place.group_id] <= place.free + own[place.group_id]
    assert plan.vouchers == sum(o.gets for o in plan.outcomes)
    # What is carried follows from those who waited alone.
    turns = [(o.cohort, o.turn) for o in plan.outcomes if o.gets]
    assert plan.carry == rules.next_turns(carry, turns, order)


@settings(max_examples=200, deadline=None)
@given(cities(batches=True))
def test_the_moves_can_be_made_one_step_after_another(city: City) -> None:
    queue, places, carry, order = city
    outcomes = rules.plan_iteration(queue, places, order, carry).outcomes
    free = {place.group_id: place.free for place in places}
    units: list[list[Outcome]] = []
    done = 0
    while done < len(outcomes):
        more, reached = rules.next_units(outcomes[done:], 2)
        units += more
        done += reached

    assert [o for unit in units for o in unit] == [o for o in outcomes if o.gets or o.moves]
    for unit in units:
        for outcome in unit:
            if len(unit) > 1 and outcome.moves:
                continue
            assert free[outcome.group_id or ""] > 0, (outcome, units)
            free[outcome.group_id or ""] -= 1
            if outcome.moves and outcome.from_group in free:
                free[outcome.from_group] += 1
        if len(unit) > 1 and unit[0].moves:
            assert all(o.ring == unit[0].ring is not None for o in unit)
            for one, then in zip(unit, [*unit[1:], unit[0]], strict=True):
                assert one.group_id == then.from_group


@settings(max_examples=100, deadline=None)
@given(cities())
def test_trading_makes_nobody_worse_off_and_touches_nobody_who_waits(city: City) -> None:
    queue, places, carry, order = city
    without = rules.plan_iteration(queue, places, replace(order, swaps=False), carry)
    traded = rules.plan_iteration(queue, places, replace(order, swaps=True), carry)
    before, after = seats(without), seats(traded)

    for seeker in queue:
        if seeker.own is None:
            assert after[seeker.ticket] == before[seeker.ticket]
            continue
        listed = [*(g for g in seeker.preferences if g != seeker.own), seeker.own]
        assert listed.index(after[seeker.ticket] or "") <= listed.index(before[seeker.ticket] or "")


# --- the order of moves -------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14), st.integers(0, 3))
def test_steps_reach_every_move_once_and_only_through_free_seats(
    asked: list[tuple[int, int]], spare: int
) -> None:
    moves_asked = [(f"g{a}", f"g{b}") for a, b in asked if a != b]
    came = Counter(to for _, to in moves_asked)
    left = Counter(of for of, _ in moves_asked)
    free = {group: max(0, came[group] - left[group]) for group in came}
    free["g0"] = free.get("g0", 0) + spare

    made = steps(moves_asked, free)

    assert sorted(n for step in made for n in step) == list(range(len(moves_asked)))
    for step in made:
        if len(step) == 1:
            of, to = moves_asked[step[0]]
            assert free.get(to, 0) > 0
            free[to] -= 1
            free[of] = free.get(of, 0) + 1
        else:
            for one, then in zip(step, [*step[1:], step[0]], strict=True):
                assert moves_asked[one][1] == moves_asked[then][0]


def test_moves_that_do_not_fit_are_no_steps() -> None:
    with pytest.raises(ValueError, match="more come"):
        steps([("a", "b")], {})
