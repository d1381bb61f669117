"""What a public bundle tells of a ticket whose child one knows: never its right, never its health.

The attacker knows the code, the rules, all bundles, and which ticket is whose neighbour's. They try
all worlds that would have published the very same: where a ticket is of one tier in all of them,
the bundle told it.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.queue import rules, store
from chalicelib.queue.rules import Cell, Lane, Money, Order, Outcome, Place, Pot, Seeker, bundles
from chalicelib.queue.rules.bundles import Bundle, Known, Read
from chalicelib.queue.rules.runs import Settled
from tests.queue.test_bundles import a_run, salt_of
from tests.queue.test_rules import ORDER, TIERS, YEARS, a_place, a_seeker

SALT = b"s" * 16
RUN_ID = "run-of-the-day"


def ended(
    seekers: Sequence[Seeker],
    places: Sequence[Place],
    *,
    order: Order = ORDER,
    carry: Mapping[int, int] | None = None,
    money: Money | None = None,
    cells: Sequence[Cell] | None = None,
    run_id: str = RUN_ID,
) -> Read:
    """A run that issued all it planned."""
    before = dict(carry or {})
    if money is not None:
        plan = rules.plan_by_budget(seekers, money, order, before)
    else:
        plan = rules.plan_iteration(seekers, places, order, before)
    waiting = rules.waiting_by_category([s for s in seekers if s.own is None], order)
    if cells is None:
        cells = rules.cells_of(waiting, every=order.categories.values())
    return Read(
        run=replace(
            a_run(run_id=run_id),
            carry_before=before,
            carry_after=plan.carry,
            waiting_before=waiting,
            money=money,
        ),
        order=order,
        carry=before,
        money=money,
        seekers=seekers,
        places=places,
        outcomes=plan.outcomes,
        settled={
            o.application_id: Settled(o.application_id, "voucher", o.group_id)
            for o in plan.outcomes
            if o.gets or o.moves
        },
        intakes=(),
        cells=cells,
    )


def made(read: Read, known: Known | None = None) -> Bundle:
    return bundles.bundle_of(read, known or Known(pack_sha256="", salt=SALT), salt_of)


def public(bundle: Bundle) -> dict[str, Any]:
    assert bundle.public is not None
    found: dict[str, Any] = json.loads(bundle.public)
    return found


# Digests that nobody without a salt can try out.
BLIND = ("leaves", "whole")


def a_city(chance: random.Random, children: int = 60) -> tuple[list[Seeker], list[Place]]:
    places = [
        a_place(f"{n}", chance.randint(0, 12), language=chance.choice(("kk", "ru")))
        for n in range(6)
    ]
    seekers = [
        a_seeker(
            f"{chance.randrange(10**9):09d}",
            tier=chance.choice(TIERS),
            cohort=chance.choice(YEARS),
            language=chance.choice(("kk", "ru")),
            ordered_at=f"2025-07-01T09:00:00.{n:06d}Z",
            preferences=tuple(p.group_id for p in chance.sample(places, 2)),
        )
        for n in range(children)
    ]
    return seekers, places


# --- nothing but what became of it --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_tier_wish_and_reason_leave_no_trace_but_what_became_of_each_ticket(seed: int) -> None:
    """Two worlds alike in what became of everybody publish the same, whatever made it so."""
    chance = random.Random(seed)
    seekers, places = a_city(chance)
    one = ended(seekers, places, cells=())
    tiers = [seeker.tier for seeker in seekers]
    chance.shuffle(tiers)
    tier_of = dict(zip((s.ticket for s in seekers), tiers, strict=True))

    def otherwise(outcome: Outcome) -> Outcome:
        return replace(
            outcome,
            tier=tier_of[outcome.ticket],
            category=chance.randint(1, 9),
            position=chance.randint(1, 99),
            turn=chance.choice((None, 0, 1, 2, 3)),
            reason="other-group" if outcome.group_id else "batch-incomplete",
            preference=chance.choice((None, 1, 2)),
            waiting=(places[0].group_id,),
            passed=(),
            batch_id=chance.choice((None, "batch-of-twins")),
        )

    outcomes = [otherwise(outcome) for outcome in one.outcomes]
    chance.shuffle(outcomes)
    other = replace(
        one,
        seekers=[
            replace(
                seeker,
                tier=tier_of[seeker.ticket],
                preferences=(),
                sen=chance.random() < 0.5,
                batch_id="batch-of-twins",
                ordered_at="2025-01-01T00:00:00.000000Z",
            )
            for seeker in seekers
        ],
        outcomes=[replace(outcome, batch_id="batch-of-twins") for outcome in outcomes],
    )

    first, second = public(made(one)), public(made(other))

    assert {k: v for k, v in first.items() if k not in BLIND} == {
        k: v for k, v in second.items() if k not in BLIND
    }
    assert first["leaves"] != second["leaves"]


def test_no_row_says_more_than_what_became_of_the_ticket() -> None:
    found = public(made(ended(*a_city(random.Random(1)))))

    assert {tuple(sorted(row)) for row in found["outcomes"]} == {
        ("from", "group_id", "settled", "ticket", "to")
    }
    assert {row["settled"] for row in found["outcomes"]} <= {
        *("issued", "moved", "swapped", "stays", "none", "passed", "void")
    }


def test_nothing_that_names_a_child_or_family_stands_in_any_bundle_or_opening() -> None:
    seekers, places = a_city(random.Random(2))
    seekers = [replace(s, batch_id="batch-of-the-smiths", batch_size=2) for s in seekers[:2]] + [
        *seekers[2:]
    ]
    read = ended(seekers, places)
    bundle = made(read)
    leaves = {leaf.ticket: leaf for leaf in bundle.leaves}
    opened = json.dumps(
        [
            bundles.opening_of(o, read.settled.get(o.application_id), leaves[o.ticket])
            for o in read.outcomes
        ]
    )

    for text in ((bundle.public or b"").decode(), bundle.whole.decode(), opened):
        assert "application-" not in text and "batch-of" not in text and "voucher" not in text[:9]
    assert '\\"b1\\"' in opened


def test_a_leaf_never_looks_the_same_in_two_runs() -> None:
    seekers, places = a_city(random.Random(3))

    one = public(made(ended(seekers, places, run_id="run-one-of-two")))
    two = public(made(ended(seekers, places, run_id="run-two-of-two")))

    assert not {*one["leaves"]} & {*two["leaves"]}


# --- the turn that is carried on ----------------------------------------------------------------

COHORT = 2020
ONE_AGE = Order(
    lanes=(Lane(COHORT, TIERS[1:]),),
    tiers=TIERS[1:],
    first_count=1,
    then_count=3,
    categories={("first-priority", COHORT): 1, ("general", COHORT): 2},
    waiting_lists_max=5,
)
TICKETS = "abcdef"


def worlds() -> Iterator[tuple[str, ...]]:
    """Every way in which the tickets may have come, and be first-priority or not."""
    for line in itertools.permutations(TICKETS):
        for tiers in itertools.product("fg", repeat=len(TICKETS)):
            yield tuple(f"{ticket}{tier}" for ticket, tier in zip(line, tiers, strict=True))


def seekers_of(world: Sequence[str]) -> list[Seeker]:
    return [
        a_seeker(
            one[0],
            cohort=COHORT,
            tier="first-priority" if one[1] == "f" else "general",
            ordered_at=f"2025-07-01T09:00:00.{n:06d}Z",
        )
        for n, one in enumerate(world)
    ]


def told(published: Mapping[object, list[Sequence[str]]]) -> set[str]:
    """The tickets whose tier is the same in every world that a publication leaves open."""
    found = set()
    for possible in published.values():
        for ticket in TICKETS:
            tiers = {one[1] for world in possible for one in world if one[0] == ticket}
            if len(tiers) == 1:
                found.add(ticket)
    return found


@pytest.mark.parametrize("free", [1, 2, 3, 5])
def test_B15_no_world_lets_the_tier_of_one_of_a_small_category_be_read(free: int) -> None:
    """Six wait, so one of the two tiers has fewer than five: together they are one cell."""
    chance = random.Random(free)
    some = chance.sample(list(worlds()), 2500)
    shown: dict[object, list[Sequence[str]]] = defaultdict(list)
    with_turns: dict[object, list[Sequence[str]]] = defaultdict(list)
    by_time: dict[object, list[Sequence[str]]] = defaultdict(list)
    in_this_order = [world for world in worlds() if [one[0] for one in world] == [*TICKETS]]
    assert len(in_this_order) == 2 ** len(TICKETS)
    for world in (*some, *in_this_order):
        read = ended(seekers_of(world), [a_place("1", free)], order=ONE_AGE)
        assert [cell.categories for cell in read.cells] == [(1, 2)]
        found = public(made(read))
        key = json.dumps({k: v for k, v in found.items() if k not in BLIND}, sort_keys=True)
        shown[key].append(world)
        with_turns[key, read.run.carry_after[COHORT]].append(world)
        if world in in_this_order:
            by_time[key].append(world)

    assert told(shown) == set()
    if free == 1:
        assert told(with_turns), "the turn alone would have told it: that is why it is hidden"
        assert told(by_time), "so would who came first: that is why such a cell goes by ticket"


def test_where_both_tiers_stand_apart_the_turn_is_said() -> None:
    world = [f"{n}f" for n in range(6)] + [f"{n + 6}g" for n in range(6)]
    seekers = [
        replace(one, ticket=f"t-{n:02d}", application_id=f"a-{n:02d}")
        for n, one in enumerate(seekers_of(world))
    ]

    found = public(made(ended(seekers, [a_place("1", 2)], order=ONE_AGE)))

    assert (found["carry_before"], found["carry_after"]) == ({}, {str(COHORT): 2})


def test_a_turn_that_was_hidden_stays_so_until_another_child_is_admitted() -> None:
    world = [f"{n}f" for n in range(6)] + [f"{n + 6}g" for n in range(6)]
    seekers = [
        replace(one, ticket=f"t-{n:02d}", application_id=f"a-{n:02d}")
        for n, one in enumerate(seekers_of(world))
    ]
    known = Known(pack_sha256="", salt=SALT, hidden=frozenset({COHORT}))

    idle = made(ended(seekers, [], order=ONE_AGE, carry={COHORT: 1}), known)
    busy = made(ended(seekers, [a_place("1", 2)], order=ONE_AGE, carry={COHORT: 1}), known)

    assert public(idle)["carry_before"] == public(idle)["carry_after"] == {}
    assert idle.hidden == {COHORT}
    assert public(busy)["carry_before"] == {} and public(busy)["carry_after"] != {}
    assert busy.hidden == frozenset()
    assert json.loads(idle.whole)["carry_before"] == {str(COHORT): 1}


# --- groups that tell ---------------------------------------------------------------------------


def a_city_with_special_groups(chance: random.Random) -> tuple[list[Seeker], list[Place]]:
    places = [a_place(f"{n}", chance.randint(2, 6)) for n in range(8)]
    places += [
        a_place("c", 4, kind="correctional"),
        a_place("s", 2, kind="sanatorium", age_from=4, age_to=5),
    ]
    seekers = [
        a_seeker(
            f"{chance.randrange(10**9):09d}",
            cohort=chance.choice(YEARS),
            kind=chance.choices(("general", "correctional", "sanatorium"), (40, 3, 1))[0],
            ordered_at=f"2025-07-01T09:00:00.{n:06d}Z",
        )
        for n in range(90)
    ]
    return seekers, places


@pytest.mark.parametrize("seed", range(30))
def test_no_ticket_in_public_goes_to_a_group_that_tells_of_its_health(seed: int) -> None:
    seekers, places = a_city_with_special_groups(random.Random(seed))
    read = ended(seekers, places)
    bundle = made(read, Known(pack_sha256="", salt=SALT, ordinary="general"))

    found, whole = public(bundle), json.loads(bundle.whole)

    text = (bundle.public or b"").decode()
    assert not [
        word for word in ("correctional", "sanatorium", "group-c", "group-s") if word in text
    ]
    special = {row["ticket"] for row in whole["outcomes"] if row["to"] in ("group-c", "group-s")}
    pooled = {row["ticket"] for row in found["outcomes"] if row["to"] == "pool"}
    assert special <= pooled
    everybody = {row["ticket"] for row in found["outcomes"] if row["to"]}
    assert len(special) * 5 <= len(pooled) or pooled == everybody
    free = {place["group_id"]: place["free"] for place in found["places"]}
    assert sum(free.values()) == sum(place.free for place in places)
    taken = Counter(row["to"] for row in found["outcomes"] if row["settled"] == "issued")
    assert all(count <= free[group_id] for group_id, count in taken.items())


def test_which_groups_cover_for_them_does_not_follow_from_who_went_there() -> None:
    seekers, places = a_city_with_special_groups(random.Random(5))
    rows = bundles.rows_of(ended(seekers, places))
    shuffled = [dict(row) for row in rows]
    tickets = [row["ticket"] for row in rows]
    random.Random(6).shuffle(tickets)
    for row, ticket in zip(shuffled, tickets, strict=True):
        row["ticket"] = ticket

    one = bundles.pool_of(places, rows, ordinary="general", season=RUN_ID)
    other = bundles.pool_of(places, shuffled, ordinary="general", season=RUN_ID)

    assert one == other and {"group-c", "group-s"} < one < {p.group_id for p in places}


def test_five_runs_of_a_year_together_tell_no_more_than_one() -> None:
    """Who sits in a group that covers is in the pool as often as who sits in one that tells."""
    places = [a_place(f"{n}", 0) for n in range(30)] + [a_place("c", 0, kind="correctional")]

    def holder(n: int, own: str) -> Seeker:
        return replace(
            a_seeker(f"m{n:03d}", preferences=(f"group-{(n + 7) % 30}",)),
            own=own,
            voucher_id=f"v{n}",
            since=f"20250701T000000.{n:06d}Z",
        )

    movers = [holder(n, f"group-{n % 30}") for n in range(60)] + [holder(99, "group-c")]
    known = Known(pack_sha256="", salt=SALT, ordinary="general", season="preschool/astana/2026")
    seen: list[set[str]] = []
    for day in range(5):
        # From the third day on only half of the others ask: more groups may have to cover.
        asking = [m for n, m in enumerate(movers) if day < 2 or n < 30 or m.own == "group-c"]
        read = ended(asking, places, order=replace(ORDER, movers=True), run_id=f"run-{day}")
        bundle = made(read, known)
        known = replace(known, pooled=bundle.pooled)
        seen.append({r["ticket"] for r in public(bundle)["outcomes"] if r["from"] == "pool"})
        assert len(seen[-1]) >= 5

    assert seen[0] == seen[1] and seen[2] == seen[3] == seen[4]
    always = set.intersection(*seen)
    assert "ticket-m099" in always and len(always) >= 3


def test_another_year_chooses_other_groups_to_cover() -> None:
    places = [a_place(f"{n}", 0) for n in range(30)] + [a_place("c", 0, kind="correctional")]
    rows: list[bundles.Row] = [
        {"from": f"group-{n % 30}", "group_id": None, "to": None} for n in range(60)
    ]
    rows.append({"from": "group-c", "group_id": None, "to": None})

    def pool(season: str, *pooled: str) -> frozenset[str]:
        return bundles.pool_of(
            places, rows, ordinary="general", season=season, pooled=frozenset(pooled)
        )

    assert pool("2026") == pool("2026") != pool("2027")
    assert pool("2027", *pool("2026")) == pool("2026")
    assert pool("2026") < pool("2026", "group-of-a-closed-site", *pool("2026"))


def test_a_holder_from_a_group_that_the_run_did_not_know_is_covered_too() -> None:
    seekers, places = a_city_with_special_groups(random.Random(7))
    ordinary = [place for place in places if place.kind == "general"]
    mover = replace(
        a_seeker("mover", preferences=(ordinary[0].group_id,)),
        own="group-of-a-closed-site",
        voucher_id="voucher",
        since="20250701T000000.000000Z-0000001",
    )
    general = [seeker for seeker in seekers if seeker.kind == "general"]
    read = ended([*general, mover], ordinary, order=replace(ORDER, movers=True))

    found = public(made(read, Known(pack_sha256="", salt=SALT, ordinary="general")))

    (row,) = [row for row in found["outcomes"] if row["ticket"] == "ticket-mover"]
    assert row["from"] == "pool" and "closed-site" not in json.dumps(found)


def test_a_city_without_such_groups_shows_every_group() -> None:
    seekers, places = a_city(random.Random(4))

    found = public(
        made(ended(seekers, places), Known(pack_sha256="", salt=SALT, ordinary="general"))
    )

    assert [place["group_id"] for place in found["places"]] == sorted(p.group_id for p in places)


# --- money --------------------------------------------------------------------------------------


def test_special_needs_cost_more_and_no_public_sum_says_for_whom() -> None:
    """Two runs one after another: what a pot lost would be the sum of its vouchers' costs."""

    def run_of(sen: bool) -> Bundle:
        seekers = [replace(a_seeker(f"{n}", kind="sport"), sen=sen and n == 0) for n in range(6)]
        money = Money(
            pots=(Pot("sport", 3_000_000),),
            month_tiyn=100_000,
            sen_month_tiyn=150_000,
            first="2025-09",
            last="2025-12",
        )
        return made(ended(seekers, [], money=money))

    with_needs, without = run_of(sen=True), run_of(sen=False)

    hidden = {k: v for k, v in public(with_needs).items() if k not in BLIND}
    assert hidden == {k: v for k, v in public(without).items() if k not in BLIND}
    assert json.loads(with_needs.whole)["money"]["pots"] == [
        {"direction": "sport", "free_tiyn": 3_000_000}
    ]


# --- counts -------------------------------------------------------------------------------------


def test_B15_a_count_of_one_to_four_hides_all_counts_of_vouchers() -> None:
    shown = Counter[bool]()
    for seed in range(60):
        seekers, places = a_city(random.Random(seed), children=150)
        read = ended(seekers, places)
        cells = public(made(read))["cells"]
        assert all(cell["waiting"] == 0 or cell["waiting"] >= 5 for cell in cells)
        given = [cell["vouchers"] for cell in cells]
        if None in given:
            assert set(given) == {None}
        for cell in cells:
            if cell["vouchers"] is not None:
                left = cell["waiting"] - cell["vouchers"]
                assert not 0 < cell["vouchers"] < 5 and not 0 < left < 5
        shown[None in given] += 1
    assert shown[True] > 0


def test_of_fewer_than_five_there_is_no_public_bundle() -> None:
    seekers, places = a_city(random.Random(1), children=4)

    assert made(ended(seekers, places)).public is None


# --- sizes --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tables")
def test_A13_a_bundle_of_a_city_is_a_file_and_its_leaves_are_rows_far_below_their_limit() -> None:
    seekers, places = a_city(random.Random(1), children=2500)
    bundle = made(ended(seekers, places))
    assert bundle.public is not None

    leaves = [
        store.LeafAt(leaf.ticket, number, bundles.base64_of(leaf.digest))
        for number, leaf in enumerate(bundle.leaves)
    ]
    parts = store.leaves_parts(RUN_ID, bundle.root, leaves)

    assert 200_000 < len(bundle.public) < 600_000
    assert len(parts) == 3
    assert max(len(str(put.row.body)) for put in parts) < 100_000
