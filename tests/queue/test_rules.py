"""The order of the queue, the iteration, and what a checkpoint shows."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.applications.rules import QueueEntry, draw_number
from chalicelib.kernel.ids import checked_id
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules
from chalicelib.queue.rules import Lane, Order, Outcome, Place, Plan, Seeker

TIERS = ("extraordinary", "first-priority", "general")
YEARS = (2019, 2020, 2021)


def lanes(years: tuple[int, ...]) -> tuple[Lane, ...]:
    """As in preschool: a cohort after the other, in each the two last tiers alternate."""
    return tuple(Lane(year, tiers) for year in years for tiers in (TIERS[:1], TIERS[1:]))


ORDER = Order(
    lanes=lanes(YEARS),
    tiers=TIERS,
    first_count=1,
    then_count=3,
    categories={(t, y): i * 3 + j + 1 for i, t in enumerate(TIERS) for j, y in enumerate(YEARS)},
    waiting_lists_max=5,
)


def a_seeker(name: str, **said: object) -> Seeker:
    told = {
        "application_id": f"application-{name}",
        "ticket": f"ticket-{name}",
        "tier": "general",
        "cohort": 2020,
        "age": 5,
        "ordered_at": f"2025-07-01T09:00:00.{name:0>6}Z",
        "language": "kk",
        "kind": "general",
    }
    return Seeker(**{**told, **said})  # type: ignore[arg-type]


def a_place(name: str, free: int, **said: object) -> Place:
    told = {"age_from": 2, "age_to": 6, "language": "kk", "kind": "general"}
    return Place(group_id=f"group-{name}", free=free, **{**told, **said})  # type: ignore[arg-type]


def names(line_of: list[Seeker], carry: dict[int, int] | None = None) -> list[str]:
    line = rules.merge(line_of, ORDER, carry or {})
    return [line_of[i].ticket.removeprefix("ticket-") for i in line.members]


def by_name(plan: Plan) -> dict[str, Outcome]:
    return {o.ticket.removeprefix("ticket-"): o for o in plan.outcomes}


# --- order --------------------------------------------------------------------------------------


def test_extraordinary_children_stand_first_then_one_first_priority_and_three_general() -> None:
    queue = [a_seeker(f"g{n}") for n in range(7)]
    queue += [a_seeker(f"f{n}", tier="first-priority") for n in range(3)]
    queue += [a_seeker("x", tier="extraordinary", ordered_at="2025-08-01T00:00:00.000000Z")]

    assert names(queue) == ["x", "f0", "g0", "g1", "g2", "f1", "g3", "g4", "g5", "f2", "g6"]


@pytest.mark.parametrize(
    ("turn", "begins"),
    [(0, ["f0", "g0", "g1", "g2", "f1"]), (1, ["g0", "g1", "g2", "f0"]), (3, ["g0", "f0", "g1"])],
)
def test_the_round_goes_on_where_the_last_run_stopped(turn: int, begins: list[str]) -> None:
    queue = [a_seeker(f"g{n}") for n in range(7)]
    queue += [a_seeker(f"f{n}", tier="first-priority") for n in range(3)]

    assert names(queue, {2020: turn})[: len(begins)] == begins


def test_a_turn_without_takers_passes_on_and_the_round_is_not_lost() -> None:
    alone = [a_seeker(f"g{n}") for n in range(5)]

    line = rules.merge(alone, ORDER, {})

    assert line.turns == [1, 2, 3, 1, 2]
    assert rules.next_turns({}, [(2020, 2)], ORDER) == {2020: 3}


def test_older_cohorts_come_first_and_the_youngest_last() -> None:
    queue = [
        a_seeker("1", cohort=2021, tier="extraordinary"),
        a_seeker("2", cohort=2020),
        a_seeker("3", cohort=2019),
    ]

    assert names(queue) == ["3", "2", "1"]


def test_the_same_instant_is_decided_by_the_ticket_and_by_nothing_the_caller_chooses() -> None:
    at = "2025-07-01T09:00:00.000000Z"
    queue = [
        a_seeker("b", ordered_at=at, application_id="aaaaaaaa"),
        a_seeker("a", ordered_at=at, application_id="zzzzzzzz"),
    ]

    assert names(queue) == names(queue[::-1]) == ["a", "b"]


def test_children_advance_a_year_with_the_academic_year() -> None:
    pack = load_pack("preschool", "taldykorgan")
    judged = pack.at(date(2025, 7, 1))

    def seen(birth_year: int, age: int, aged_for: int = 2024) -> Seeker:
        entry = QueueEntry(
            application_id="application",
            child_id="child",
            person_id="person",
            ticket="t",
            tier="general",
            birth_year=birth_year,
            age=age,
            ordered_at="2025-03-01T00:00:00.000000Z",
            language="kk",
            kind="general",
            preferences=(),
            academic_year=aged_for,
        )
        return rules.seeker_of(entry, judged, 2025)

    assert (seen(2021, 3).age, seen(2021, 3).cohort, seen(2021, 3).out_of_age) == (4, 2021, None)
    assert seen(2018, 5).cohort == 2019 and seen(2018, 5).age == 6  # born in December 2018
    assert seen(2018, 6).out_of_age == "too-old"
    assert seen(2025, 0, aged_for=2025).out_of_age == "too-young"


# --- the iteration ------------------------------------------------------------------------------


def test_the_best_preferred_group_with_a_place_is_given() -> None:
    queue = [
        a_seeker("1", preferences=("group-a",)),
        a_seeker("2", preferences=("group-a", "group-b")),
    ]
    places = [a_place("a", 1), a_place("b", 3), a_place("c", 9)]

    told = by_name(rules.plan_iteration(queue, places, ORDER, {}))

    assert (told["1"].group_id, told["1"].preference) == ("group-a", 1)
    assert (told["2"].group_id, told["2"].preference) == ("group-b", 2)
    (passed,) = told["2"].passed
    assert (passed.why, passed.last_ticket, passed.last_category) == ("full", "ticket-1", 8)
    assert told["2"].waiting == ()


def test_without_a_preferred_place_the_emptiest_group_that_fits_and_the_waiting_lists() -> None:
    queue = [a_seeker("1", preferences=("group-a", "group-ru"))]
    places = [
        a_place("a", 0),
        a_place("ru", 9, language="ru"),
        a_place("d", 4),
        a_place("c", 4),
        a_place("old", 20, age_from=6),
    ]

    told = by_name(rules.plan_iteration(queue, places, ORDER, {}))["1"]

    assert (told.group_id, told.reason, told.waiting) == ("group-c", "other-group", ("group-a",))
    assert [(p.group_id, p.why) for p in told.passed] == [
        ("group-a", "full"),
        ("group-ru", "language"),
    ]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"kind": "sanatorium"}, "no-group-of-kind"),
        ({"language": "ru"}, "no-group-in-language"),
        ({"age": 6}, "no-group-for-age"),
        ({}, "no-place-left"),
        ({"out_of_age": "too-old"}, "too-old"),
    ],
)
def test_a_child_without_a_place_is_told_why(asked: dict[str, object], reason: str) -> None:
    places = [a_place("a", 0, age_to=5)]

    (outcome,) = rules.plan_iteration([a_seeker("1", **asked)], places, ORDER, {}).outcomes

    assert (outcome.group_id, outcome.reason) == (None, reason)


def test_twins_are_placed_together_or_not_at_all() -> None:
    twins = [a_seeker("1", batch_id="twins"), a_seeker("2", batch_id="twins")]

    told = rules.plan_iteration([*twins, a_seeker("3")], [a_place("a", 1)], ORDER, {})
    both = rules.plan_iteration(twins, [a_place("a", 2), a_place("b", 1)], ORDER, {})

    assert [by_name(told)[n].reason for n in "123"] == [
        "no-place-together",
        "no-place-together",
        "other-group",
    ]
    assert {o.group_id for o in both.outcomes} == {"group-a"}


def test_a_batch_stands_where_its_last_member_stands() -> None:
    queue = [a_seeker("1", batch_id="b"), a_seeker("2"), a_seeker("3", batch_id="b")]

    told = by_name(rules.plan_iteration(queue, [a_place("a", 2)], ORDER, {}))

    assert told["2"].group_id == "group-a" and told["1"].group_id is None


def test_a_batch_is_told_and_issued_at_the_turn_of_its_last_member() -> None:
    twins = [a_seeker(f"{n}", batch_id="twins", batch_size=2) for n in (1, 3)]

    plan = rules.plan_iteration([*twins, a_seeker("2")], [a_place("a", 3)], ORDER, {})

    assert [o.ticket for o in plan.outcomes] == ["ticket-2", "ticket-1", "ticket-3"]


@pytest.mark.parametrize(
    ("size", "reason"), [(None, "other-group"), (1, "other-group"), (2, "batch-incomplete")]
)
def test_a_batch_waits_for_a_twin_who_is_announced_but_not_for_one_who_left(
    size: int | None, reason: str
) -> None:
    queue = [a_seeker("1", batch_id="b", batch_size=size)]

    (outcome,) = rules.plan_iteration(queue, [a_place("a", 1)], ORDER, {}).outcomes

    assert outcome.reason == reason


def test_twins_who_need_different_groups_are_told_so() -> None:
    queue = [a_seeker("1", batch_id="b"), a_seeker("2", batch_id="b", language="ru")]
    places = [a_place("a", 5), a_place("b", 5, language="ru")]

    told = rules.plan_iteration(queue, places, ORDER, {})

    assert {o.reason for o in told.outcomes} == {"batch-differs"}


# --- properties ---------------------------------------------------------------------------------

GROUPS = [f"group-{n}" for n in range(6)]


@st.composite
def cities(
    draw: st.DrawFn, *, batches: bool = True
) -> tuple[list[Seeker], list[Place], dict[int, int]]:
    count = draw(st.integers(0, 24))
    queue = []
    for n in range(count):
        cohort = draw(st.sampled_from(YEARS))
        queue.append(
            Seeker(
                application_id=f"application-{n}",
                ticket=f"ticket-{n:02d}",
                tier=draw(st.sampled_from(TIERS)),
                cohort=cohort,
                age=2025 - cohort - draw(st.integers(0, 1)),
                ordered_at=f"2025-07-01T09:00:{draw(st.integers(0, 20)):02d}.000000Z",
                language=draw(st.sampled_from(["kk", "kk", "ru"])),
                kind=draw(st.sampled_from(["general", "general", "general", "correctional"])),
                preferences=tuple(
                    draw(st.lists(st.sampled_from([*GROUPS, "group-x"]), max_size=4, unique=True))
                ),
                batch_id=draw(st.sampled_from([None, None, None, "b1", "b2"])) if batches else None,
                out_of_age=draw(st.sampled_from([None] * 9 + ["too-old"])),
            )
        )
    places = []
    for group_id in GROUPS:
        age_from = draw(st.integers(3, 6))
        places.append(
            Place(
                group_id=group_id,
                age_from=age_from,
                age_to=draw(st.integers(age_from, 6)),
                language=draw(st.sampled_from(["kk", "ru"])),
                kind=draw(st.sampled_from(["general", "general", "correctional"])),
                free=draw(st.integers(0, 4)),
            )
        )
    return queue, places, {year: draw(st.integers(0, 3)) for year in YEARS}


def fits(place: Place, seeker: Seeker) -> bool:
    return (
        place.language == seeker.language
        and place.kind == seeker.kind
        and place.age_from <= seeker.age <= place.age_to
    )


def reference(
    queue: list[Seeker], places: list[Place], carry: dict[int, int]
) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    """The same law, written as slowly and plainly as can be."""
    line: list[Seeker] = []
    for year in YEARS:
        of = {
            tier: sorted(
                (s for s in queue if s.cohort == year and s.tier == tier and not s.out_of_age),
                key=lambda s: (s.ordered_at, s.ticket),
            )
            for tier in TIERS
        }
        line += of["extraordinary"]
        wanted = ["first-priority", "general", "general", "general"]
        turn = carry.get(year, 0)
        while of["first-priority"] or of["general"]:
            if of[wanted[turn % 4]]:
                line.append(of[wanted[turn % 4]].pop(0))
            turn += 1
    free = {place.group_id: place.free for place in places}
    at_first = dict(free)
    by_id = {place.group_id: place for place in places}
    got: dict[str, tuple[str | None, tuple[str, ...]]] = {
        s.application_id: (None, ()) for s in queue
    }
    for position, seeker in enumerate(line):
        together = [seeker]
        if seeker.batch_id:
            together = [s for s in line if s.batch_id == seeker.batch_id]
            if any(s.batch_id == seeker.batch_id for s in line[position + 1 :]):
                continue
        if len(together) > rules.BATCH_MOST:
            continue
        able = [
            p.group_id
            for p in places
            if free[p.group_id] >= len(together) and all(fits(p, s) for s in together)
        ]
        wanted = [g for s in together for g in s.preferences if g in able]
        if not able:
            continue
        chosen = wanted[0] if wanted else sorted(able, key=lambda g: (-at_first[g], g))[0]
        free[chosen] -= len(together)
        for s in together:
            waits = (
                ()
                if wanted
                else tuple(g for g in s.preferences if g in by_id and fits(by_id[g], s))
            )
            got[s.application_id] = (chosen, waits)
    return got


def outcome_of(plan: Plan) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    return {o.application_id: (o.group_id, o.waiting) for o in plan.outcomes}


@settings(max_examples=200, deadline=None)
@given(cities())
def test_the_engine_decides_as_the_plain_reference_does(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, carry = city

    assert outcome_of(rules.plan_iteration(queue, places, ORDER, carry)) == reference(*city)


@settings(max_examples=60, deadline=None)
@given(cities(), st.randoms(use_true_random=False))
def test_the_outcome_does_not_depend_on_the_order_of_input(
    city: tuple[list[Seeker], list[Place], dict[int, int]], chance: random.Random
) -> None:
    queue, places, carry = city
    once = rules.plan_iteration(queue, places, ORDER, carry)
    chance.shuffle(queue)
    chance.shuffle(places)

    assert rules.plan_iteration(queue, places, ORDER, carry) == once


@settings(max_examples=60, deadline=None)
@given(cities())
def test_A9_no_seat_is_sold_twice_and_everybody_has_one_outcome(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, carry = city
    plan = rules.plan_iteration(queue, places, ORDER, carry)

    taken = Counter(o.group_id for o in plan.outcomes if o.group_id)

    assert all(taken[place.group_id] <= place.free for place in places)
    assert sorted(o.application_id for o in plan.outcomes) == sorted(
        s.application_id for s in queue
    )
    for batch in ("b1", "b2"):
        assert len({o.group_id for o in plan.outcomes if o.batch_id == batch and o.position}) <= 1


@settings(max_examples=60, deadline=None)
@given(cities(batches=False))
def test_nobody_later_has_a_place_that_an_earlier_child_without_one_would_fit(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, carry = city
    plan = rules.plan_iteration(queue, places, ORDER, carry)
    seekers = {s.application_id: s for s in queue}
    place_of = {p.group_id: p for p in places}
    left = {p.group_id: p.free for p in places}
    for outcome in plan.outcomes:
        if outcome.group_id:
            left[outcome.group_id] -= 1

    for without in (o for o in plan.outcomes if o.group_id is None and o.position):
        child = seekers[without.application_id]
        assert not any(left[p.group_id] and fits(p, child) for p in places)
        for other in plan.outcomes:
            if other.group_id and other.position > without.position:
                assert not fits(place_of[other.group_id], child)


@settings(max_examples=60, deadline=None)
@given(cities())
def test_a_second_run_over_what_is_left_places_nobody_else(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, carry = city
    plan = rules.plan_iteration(queue, places, ORDER, carry)
    taken = Counter(o.group_id for o in plan.outcomes if o.group_id)
    waits = {o.application_id for o in plan.outcomes if o.group_id is None}

    again = rules.plan_iteration(
        [s for s in queue if s.application_id in waits],
        [replace(p, free=p.free - taken[p.group_id]) for p in places],
        ORDER,
        plan.carry,
    )

    assert again.vouchers == 0
    assert again.carry == plan.carry


def a_city(children: int, groups: int, seed: int = 7) -> tuple[list[Seeker], list[Place], Order]:
    chance = random.Random(seed)
    years = tuple(range(2019, 2025))
    order = replace(
        ORDER,
        lanes=lanes(years),
        categories={
            (t, y): i * 6 + j + 1 for i, t in enumerate(TIERS) for j, y in enumerate(years)
        },
    )
    ids = [f"group-{n:05d}" for n in range(groups)]
    queue = []
    for n in range(children):
        cohort = chance.choice(years)
        queue.append(
            a_seeker(
                f"{n:07d}",
                cohort=cohort,
                age=max(1, 2025 - cohort - chance.randrange(2)),
                tier=chance.choices(TIERS, (3, 20, 77))[0],
                language=chance.choice(("kk", "kk", "ru")),
                preferences=tuple(chance.sample(ids, min(5, groups))),
                ordered_at=f"2025-07-{chance.randint(1, 28):02d}T09:00:00.{n % 1000000:06d}Z",
            )
        )
    places = []
    for group_id in ids:
        age = chance.randint(2, 5)
        places.append(
            Place(
                group_id=group_id,
                age_from=age,
                age_to=age + chance.randint(0, 1),
                language=chance.choice(("kk", "kk", "ru")),
                kind="general",
                free=chance.randint(0, 14),
            )
        )
    return queue, places, order


def test_an_area_of_2500_children_and_300_groups_is_decided_in_a_tenth_of_a_second() -> None:
    queue, places, order = a_city(2500, 300)

    spent = []
    for _ in range(3):
        began = time.process_time()
        plan = rules.plan_iteration(queue, places, order, {})
        spent.append(time.process_time() - began)

    assert plan.vouchers > 1000
    assert min(spent) < 0.1


# --- ranks --------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(cities(), st.randoms(use_true_random=False))
def test_the_exact_order_is_each_category_as_it_is_served(
    city: tuple[list[Seeker], list[Place], dict[int, int]], chance: random.Random
) -> None:
    queue, _, carry = city
    ranks = rules.rank(queue, ORDER, carry)
    stands = [
        rules.Stand(
            application_id=one.application_id,
            ticket=one.ticket,
            category=one.category,
            place=one.place,
            drawn=one.drawn,
        )
        for one in ranks
    ]
    chance.shuffle(stands)

    exact = [one.application_id for one in rules.in_exact_order(stands)]

    served = sorted(ranks, key=lambda one: one.category)  # keeps the order of serving within one
    assert exact == [one.application_id for one in served]


@settings(max_examples=60, deadline=None)
@given(cities())
def test_the_causes_of_a_rank_add_up_to_those_who_stand_ahead(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, _, carry = city
    ranks = rules.rank(queue, ORDER, carry)

    for position, one in enumerate(ranks):
        ahead = ranks[:position]
        assert one.ahead.own_category == sum(r.category == one.category for r in ahead)
        assert one.ahead.better_right == sum(
            r.cohort == one.cohort and r.tier == "extraordinary" != one.tier for r in ahead
        )
        assert one.ahead.total == sum(r.cohort == one.cohort for r in ahead)
        assert one.older_cohorts == sum(r.cohort != one.cohort for r in ahead)
        assert one.place == one.ahead.own_category + 1 <= one.waiting


@settings(max_examples=200)
@given(st.dictionaries(st.integers(1, 18), st.integers(0, 9)))
def test_B15_no_public_cell_is_smaller_than_five_and_none_is_lost(waiting: dict[int, int]) -> None:
    cells = rules.cells_of(waiting)

    assert all(cell.waiting >= rules.CELL_LEAST for cell in cells)
    total = sum(waiting.values())
    hidden = total < rules.CELL_LEAST
    assert sum(cell.waiting for cell in cells) == (0 if hidden else total)
    # Those that nobody waits in stand with their neighbours: none comes or goes with one ticket.
    shown = [category for cell in cells for category in cell.categories]
    assert shown == ([] if hidden else sorted(waiting))


@settings(max_examples=300)
@given(
    st.dictionaries(st.integers(1, 12), st.integers(0, 30)),
    st.frozensets(st.integers(1, 12)),
)
def test_B15_no_public_cell_is_of_telling_categories_alone(
    waiting: dict[int, int], telling: frozenset[int]
) -> None:
    cells = rules.cells_of(waiting, telling)

    assert all(cell.waiting >= rules.CELL_LEAST for cell in cells)
    assert not any(telling.issuperset(cell.categories) for cell in cells)
    shown = [category for cell in cells for category in cell.categories]
    assert shown in (sorted(waiting), [])


@given(st.lists(st.dictionaries(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_B15_what_stood_together_stays_together_for_the_year(days: list[dict[int, int]]) -> None:
    together = None
    owners: list[dict[int, tuple[int, ...]]] = []
    for waiting in days:
        cells = rules.cells_of(waiting, every=range(1, 10), together=together)
        together = rules.kept_together(cells, 2026, together)
        owners.append({c: cell.categories for cell in cells for c in cell.categories})

    for earlier, later in itertools.pairwise([one for one in owners if one]):
        for category, cell in earlier.items():
            assert set(cell) <= set(later[category])
    assert rules.kept_together((), 2027, together).ranges == ()


def test_a_ticket_of_the_clubs_queue_tells_nobody_of_a_childs_health() -> None:
    """Categories 1 to 4 and 8 of the clubs are protected; each has more than five here."""
    telling = frozenset({1, 2, 3, 4, 8})
    cells = rules.cells_of(dict.fromkeys(range(1, 13), 9), telling)

    shown = [cell.categories for cell in cells]
    assert shown == [(1, 2, 3, 4, 5), (6,), (7, 8), (9,), (10,), (11,), (12,)]


def test_the_public_order_counts_places_where_a_category_stands_alone() -> None:
    queue = [a_seeker(f"f{n}", tier="first-priority") for n in range(5)]
    queue += [a_seeker(f"g{n}") for n in range(6)]
    ranks = rules.rank(queue, ORDER, {})
    cells = rules.cells_of(rules.waiting_by_category(queue, ORDER))

    lines = rules.listed(ranks, cells)

    assert [cell.categories for cell in cells] == [(5,), (8,)]
    assert [line.place for line in lines] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("drawn", [False, True])
def test_B15_where_categories_stand_together_nothing_tells_who_is_of_which(drawn: bool) -> None:
    # Of the first category are those who applied last: neither time nor right may show it.
    queue = [a_seeker(f"g{n}") for n in range(4)]
    queue += [a_seeker(f"h{n}", tier="first-priority") for n in range(2)]
    intake = "intake-1" if drawn else None
    ranks = [replace(r, intake=intake) for r in rules.rank(queue, ORDER, {})]
    cells = rules.cells_of(rules.waiting_by_category(queue, ORDER))

    lines = rules.listed(ranks, cells, {"intake-1": "seed"})

    tickets = [line.ticket for line in lines]
    number = {t: draw_number("seed", t) if drawn else t for t in tickets}
    assert {line.place for line in lines} == {0}
    assert tickets == sorted(tickets, key=lambda t: number[t])


def test_B15_what_was_drawn_shows_no_category_within_a_cell() -> None:
    queue = [a_seeker(f"f{n}", tier="first-priority") for n in range(4)]
    queue += [a_seeker(f"g{n}") for n in range(6)]
    ranks = [replace(r, intake="intake-1") for r in rules.rank(queue, ORDER, {})]
    cells = rules.cells_of(rules.waiting_by_category(queue, ORDER))

    lines = rules.listed(ranks, cells)

    assert [cell.categories for cell in cells] == [(5, 8)]
    assert [line.ticket for line in lines] == sorted(r.ticket for r in ranks)
    assert {line.place for line in lines} == {0}


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2025, 7, 1, 13, 59, tzinfo=UTC), datetime(2025, 7, 1, 14, tzinfo=UTC)),
        (datetime(2025, 7, 1, 14, 0, tzinfo=UTC), datetime(2025, 7, 2, 14, tzinfo=UTC)),
        (datetime(2025, 7, 1, 20, 0, tzinfo=UTC), datetime(2025, 7, 2, 14, tzinfo=UTC)),
    ],
)
def test_A10_the_next_checkpoint_is_the_evening_of_almaty(now: datetime, then: datetime) -> None:
    assert rules.next_checkpoint(now) == then


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ((434, 40, 394), (434, 40, 394)),
        ((434, 3, 431), (434, None, None)),
        ((434, 0, 434), (434, 0, 434)),
        ((3, 0, 3), (None, None, None)),
        ((44, 40, 4), (44, None, None)),
        ((44, 0, None), (44, 0, None)),
    ],
)
def test_B15_small_counts_of_a_run_are_hidden_with_their_complement(
    counts: tuple[int, int, int | None], shown: tuple[int | None, ...]
) -> None:
    assert rules.shown_counts(*counts) == shown


# --- runs ---------------------------------------------------------------------------------------


def test_a_vouchers_id_follows_from_run_and_application_and_is_an_id_like_any_other() -> None:
    once = rules.voucher_id_for("run-of-the-day", "application-1")

    assert once == rules.voucher_id_for("run-of-the-day", "application-1") == checked_id(once)
    assert len(once) == 26
    assert once != rules.voucher_id_for("run-of-the-day", "application-2")
    assert once != rules.voucher_id_for("run-of-the-da", "yapplication-1")


def test_orders_on_waiting_lists_sort_by_run_and_then_by_the_merged_order() -> None:
    july, august = "2025-07-01T13:30:00.000000Z", "2025-08-01T13:30:00.000000Z"
    orders = [
        rules.voucher_order(july, 2),
        rules.voucher_order(july, 10),
        rules.voucher_order(august, 1),
    ]

    assert sorted(orders) == orders and "#" not in "".join(orders)


@settings(max_examples=40, deadline=None)
@given(cities(), st.integers(1, 6))
def test_a_run_cut_into_parts_reaches_every_outcome_once_and_parts_no_batch(
    city: tuple[list[Seeker], list[Place], dict[int, int]], most: int
) -> None:
    queue, places, carry = city
    outcomes = rules.plan_iteration(queue, places, ORDER, carry).outcomes
    units: list[list[Outcome]] = []
    done = 0
    while done < len(outcomes):
        more, reached = rules.next_units(outcomes[done:], most)
        units += more
        done += reached

    assert [o for unit in units for o in unit] == [o for o in outcomes if o.group_id]
    for unit in units:
        assert len({o.group_id for o in unit}) == 1
        assert len(unit) == 1 or len({o.batch_id for o in unit}) == 1
    batches = [unit[0].batch_id for unit in units if unit[0].batch_id]
    assert len(batches) == len(set(batches))
