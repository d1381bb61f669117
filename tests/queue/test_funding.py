"""Vouchers by budget: the order of clubs, the money of each direction, and what is missing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.applications.rules import QueueEntry, draw_number
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules
from chalicelib.queue.rules import Lane, Money, Order, Outcome, Plan, Pot, Seeker, Shortage

TIERS = ("orphans", "sen", "others")
SEEDS = {"intake-drawn": "5eed" * 16}
DIRECTIONS = ("sport", "creative", "education")
PLAIN, SEN = 100, 150  # a month
AT = "2026-08-20T04:00:00.000000Z"


def an_order(bands: tuple[int, ...] = (0,), seeds: dict[str, str] | None = None) -> Order:
    """As in clubs: category after category."""
    return Order(
        lanes=tuple(Lane(band, (tier,)) for tier in TIERS for band in bands),
        tiers=TIERS,
        categories={
            (tier, band): i * len(bands) + j + 1
            for i, tier in enumerate(TIERS)
            for j, band in enumerate(bands)
        },
        waiting_lists_max=5,
        ages_apart=False,
        seeds=SEEDS if seeds is None else seeds,
    )


ORDER = an_order()


def a_seeker(name: str, **said: object) -> Seeker:
    told = {
        "application_id": f"application-{name}",
        "ticket": f"ticket-{name}",
        "tier": "others",
        "cohort": 0,
        "age": 9,
        "ordered_at": f"2026-08-20T09:00:00.{name:0>6}Z",
        "language": "any",
        "kind": "sport",
    }
    return Seeker(**{**told, **said})  # type: ignore[arg-type]


def money(sport: int = 0, creative: int = 0, education: int = 0, months: int = 2) -> Money:
    return Money(
        pots=(Pot("sport", sport), Pot("creative", creative), Pot("education", education)),
        month_tiyn=PLAIN,
        sen_month_tiyn=SEN,
        first="2026-09",
        last=f"2026-{8 + months:02d}",
    )


def told(plan: Plan) -> dict[str, tuple[str, str | None, int | None]]:
    return {
        o.ticket.removeprefix("ticket-"): (o.reason, o.direction, o.missing_tiyn)
        for o in plan.outcomes
    }


def names(queue: list[Seeker], order: Order = ORDER) -> list[str]:
    line = rules.merge(queue, order, {})
    return [queue[i].ticket.removeprefix("ticket-") for i in line.members]


# --- the order of clubs -------------------------------------------------------------------------


def test_categories_are_served_one_after_the_other_and_no_two_alternate() -> None:
    queue = [a_seeker(f"o{n}") for n in range(3)]
    queue += [a_seeker("s", tier="sen"), a_seeker("p", tier="orphans")]

    assert names(queue) == ["p", "s", "o0", "o1", "o2"]


def test_bands_of_age_part_a_tier_and_never_put_it_before_a_better_one() -> None:
    order = an_order((17, 10))
    queue = [
        a_seeker("1", cohort=10, tier="orphans"),
        a_seeker("2", cohort=17),
        a_seeker("3", cohort=17, tier="orphans"),
        a_seeker("4", cohort=10),
    ]

    assert names(queue, order) == ["3", "1", "2", "4"]
    ranks = rules.rank(queue, order, {})
    assert [(r.ahead.better_right, r.ahead.other_ages, r.ahead.total) for r in ranks] == [
        (0, 0, 0),
        (0, 1, 1),
        (2, 0, 2),
        (2, 1, 3),
    ]


def test_those_of_one_intake_stand_as_they_drew_and_ties_go_by_the_ticket() -> None:
    queue = [a_seeker(str(n), ordered_at=AT, intake="intake-drawn") for n in range(6)]
    drawn = sorted(range(6), key=lambda n: draw_number(SEEDS["intake-drawn"], f"ticket-{n}"))

    assert names(queue) == [str(n) for n in drawn] != [str(n) for n in range(6)]
    assert names(queue, an_order(seeds={})) == [str(n) for n in range(6)]


def test_a_draw_moves_nobody_past_another_category_or_an_earlier_instant() -> None:
    queue = [a_seeker(f"i{n}", ordered_at=AT, intake="intake-drawn") for n in range(5)]
    queue += [a_seeker("before", ordered_at="2026-08-19T00:00:00.000000Z")]
    queue += [a_seeker("after", ordered_at="2026-08-21T00:00:00.000000Z")]
    queue += [a_seeker("better", tier="sen", ordered_at="2026-09-01T00:00:00.000000Z")]

    line = names(queue)

    assert (line[:2], line[-1]) == (["better", "before"], "after")


def test_before_the_draw_everybody_of_an_intake_has_the_first_place_it_may_become() -> None:
    queue = [a_seeker("a", ordered_at="2026-08-19T00:00:00.000000Z")]
    queue += [a_seeker(f"i{n}", ordered_at=AT, intake="intake-open") for n in range(4)]
    queue += [a_seeker("z", ordered_at="2026-09-19T00:00:00.000000Z")]

    ranks = rules.rank(queue, ORDER, {})
    lines = rules.listed(ranks, rules.cells_of(rules.waiting_by_category(queue, ORDER)))

    assert rules.undrawn(queue, ORDER) == {"intake-open"}
    assert [(r.place, r.ahead.total, r.drawn) for r in ranks] == [
        (1, 0, True),
        *[(2, 1, False)] * 4,
        (6, 5, True),
    ]
    assert [line.place for line in lines] == [1, 0, 0, 0, 0, 6]
    assert rules.near(ranks, ahead_max=50) == ["application-a", "application-z"]


# --- money --------------------------------------------------------------------------------------


def test_vouchers_go_down_the_order_while_the_money_of_the_direction_lasts() -> None:
    queue = [a_seeker(str(n)) for n in range(4)] + [a_seeker("5", kind="creative")]

    plan = rules.plan_by_budget(queue, money(sport=500, creative=200), ORDER, {})

    assert told(plan) == {
        "0": ("wished-direction", "sport", 0),
        "1": ("wished-direction", "sport", 0),
        "2": ("no-money", "sport", 100),
        "3": ("no-money", "sport", 300),
        "5": ("wished-direction", "creative", 0),  # whoever lacks money lets others pass
    }
    assert plan.vouchers == 3


def test_in_one_direction_a_cheaper_child_never_passes_a_dearer_one() -> None:
    queue = [a_seeker("1", sen=True), a_seeker("2")]

    plan = rules.plan_by_budget(queue, money(sport=299), ORDER, {})

    assert told(plan) == {"1": ("no-money", "sport", 1), "2": ("no-money", "sport", 201)}


def test_any_is_the_direction_with_most_free_money_and_of_equals_the_first() -> None:
    queue = [a_seeker(str(n), kind="any") for n in range(4)]

    plan = rules.plan_by_budget(queue, money(sport=200, creative=400, education=200), ORDER, {})

    assert told(plan) == {
        "0": ("any-direction", "creative", 0),
        "1": ("any-direction", "sport", 0),
        "2": ("any-direction", "creative", 0),
        "3": ("any-direction", "education", 0),
    }


def test_an_area_with_one_budget_takes_every_wish_from_it() -> None:
    whole = replace(money(), pots=(Pot(rules.WHOLE, 400),))
    queue = [a_seeker("1"), a_seeker("2", kind="any"), a_seeker("3", kind="creative")]

    plan = rules.plan_by_budget(queue, whole, ORDER, {})

    assert told(plan) == {
        "1": ("wished-direction", "", 0),
        "2": ("wished-direction", "", 0),
        "3": ("no-money", "", 200),
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [({"kind": "fishing"}, "no-such-direction"), ({"out_of_age": "too-old"}, "too-old")],
)
def test_who_cannot_get_one_whatever_the_money_is_told_why(
    said: dict[str, object], reason: str
) -> None:
    plan = rules.plan_by_budget([a_seeker("1", **said)], money(sport=10**9), ORDER, {})

    assert told(plan) == {"1": (reason, None, None)}
    assert plan.vouchers == 0


@pytest.mark.parametrize(
    ("on", "first", "last", "months"),
    [
        (date(2026, 9, 10), "2026-09", "2026-12", 4),
        (date(2026, 1, 1), "2026-01", "2026-12", 12),
        (date(2026, 12, 31), "2026-12", "2026-12", 1),
    ],
)
def test_a_voucher_takes_the_dearest_month_to_the_end_of_the_reserve(
    on: date, first: str, last: str, months: int
) -> None:
    judged = load_pack("clubs", "karaganda").at(on)

    found = rules.money_of(judged, {"sport": 7}, on)

    assert (found.first, found.last, found.months) == (first, last, months)
    assert found.cost_of(sen=False) == judged.month_max_tiyn(False) * months
    assert (
        found.cost_of(sen=True) == judged.month_max_tiyn(True) * months > found.cost_of(sen=False)
    )


def test_what_is_missing_for_all_is_what_the_last_of_a_direction_lacks() -> None:
    queue = [a_seeker(str(n)) for n in range(7)]
    queue += [a_seeker(f"c{n}", kind="creative") for n in range(5)]
    pots = money(sport=500, creative=5_000)

    found = rules.shortages(rules.plan_by_budget(queue, pots, ORDER, {}).outcomes, pots)

    assert found == (
        Shortage("sport", 7, 900),
        Shortage("creative", 5, 0),
        Shortage("education", 0, 0),
    )
    assert rules.public_shortages(found) == found


def test_B15_a_sum_for_one_to_four_children_is_not_shown_nor_are_its_complements() -> None:
    found = (Shortage("sport", 7, 900), Shortage("creative", 4, 800), Shortage("education", 0, 0))

    assert rules.public_shortages(found) == tuple(
        Shortage(direction, None, None) for direction in DIRECTIONS
    )


# --- properties ---------------------------------------------------------------------------------


@st.composite
def queues(draw: st.DrawFn) -> tuple[list[Seeker], Money]:
    queue = [
        a_seeker(
            f"{n:02d}",
            tier=draw(st.sampled_from(TIERS)),
            kind=draw(st.sampled_from([*DIRECTIONS, "any"])),
            sen=draw(st.booleans()),
            # Many of one instant: the draw and the ticket decide.
            ordered_at=draw(st.sampled_from([AT, "2026-08-21T00:00:00.000000Z"])),
            intake=draw(st.sampled_from([None, "intake-drawn"])),
            out_of_age=draw(st.sampled_from([None] * 9 + ["too-old"])),
        )
        for n in range(draw(st.integers(0, 20)))
    ]
    pots = {d: draw(st.integers(0, 2000)) for d in DIRECTIONS}
    return queue, money(**pots, months=draw(st.integers(1, 4)))


def reference(queue: list[Seeker], pots: Money) -> dict[str, tuple[str | None, bool]]:
    """The same law, written as plainly as can be: whom each voucher goes to, whose money pays."""

    def key(s: Seeker) -> tuple[int, str, str, str]:
        number = draw_number(SEEDS[s.intake], s.ticket) if s.intake else ""
        return TIERS.index(s.tier), s.ordered_at, number, s.ticket

    wanted: dict[str, int] = dict.fromkeys(DIRECTIONS, 0)  # set aside so far
    has = {pot.direction: pot.free_tiyn for pot in pots.pots}
    got: dict[str, tuple[str | None, bool]] = {s.application_id: (None, False) for s in queue}
    for s in sorted((s for s in queue if not s.out_of_age), key=key):
        cost = (SEN if s.sen else PLAIN) * pots.months
        direction = s.kind
        if s.kind == "any":
            most = max(has[d] - wanted[d] for d in DIRECTIONS)
            direction = next(d for d in DIRECTIONS if has[d] - wanted[d] == most)
        wanted[direction] += cost
        got[s.application_id] = (direction, wanted[direction] <= has[direction])
    return got


def cost_of(seeker: Seeker, pots: Money) -> int:
    return pots.cost_of(sen=seeker.sen)


@settings(max_examples=200, deadline=None)
@given(queues())
def test_money_decides_as_the_plain_reference_does(case: tuple[list[Seeker], Money]) -> None:
    queue, pots = case
    plan = rules.plan_by_budget(queue, pots, ORDER, {})

    assert {o.application_id: (o.direction, o.gets) for o in plan.outcomes} == reference(
        queue, pots
    )


@settings(max_examples=100, deadline=None)
@given(queues())
def test_A9_the_vouchers_of_a_run_never_take_more_than_a_pot_holds(
    case: tuple[list[Seeker], Money],
) -> None:
    queue, pots = case
    seekers = {s.application_id: s for s in queue}
    taken = dict.fromkeys(DIRECTIONS, 0)
    for outcome in rules.plan_by_budget(queue, pots, ORDER, {}).outcomes:
        if outcome.gets and outcome.direction:
            taken[outcome.direction] += cost_of(seekers[outcome.application_id], pots)

    assert all(taken[pot.direction] <= pot.free_tiyn for pot in pots.pots)


@settings(max_examples=100, deadline=None)
@given(queues())
def test_nobody_later_of_the_same_direction_or_cost_is_served_before_an_earlier(
    case: tuple[list[Seeker], Money],
) -> None:
    queue, pots = case
    seekers = {s.application_id: s for s in queue}
    outcomes = [o for o in rules.plan_by_budget(queue, pots, ORDER, {}).outcomes if o.position]
    for at, earlier in enumerate(outcomes):
        if earlier.gets:
            continue
        for later in outcomes[at + 1 :]:
            one, other = seekers[earlier.application_id], seekers[later.application_id]
            if later.direction == earlier.direction:
                assert not later.gets
            if one.kind in ("any", other.kind) and cost_of(other, pots) >= cost_of(one, pots):
                assert not later.gets


@settings(max_examples=60, deadline=None)
@given(queues(), st.randoms(use_true_random=False))
def test_the_outcome_does_not_depend_on_the_order_of_input(
    case: tuple[list[Seeker], Money], chance: random.Random
) -> None:
    queue, pots = case
    once = rules.plan_by_budget(queue, pots, ORDER, {})
    shuffled = list(queue)
    chance.shuffle(shuffled)

    assert rules.plan_by_budget(shuffled, pots, ORDER, {}) == once


@settings(max_examples=60, deadline=None)
@given(queues())
def test_exactly_the_missing_money_brings_a_ticket_its_voucher(
    case: tuple[list[Seeker], Money],
) -> None:
    """Of wishes for one direction; whom "any" sends where changes with the money."""
    queue, pots = case
    queue = [s for s in queue if s.kind != "any"]

    def gets(outcome: Outcome, more: int) -> bool:
        added = replace(
            pots,
            pots=tuple(
                Pot(p.direction, p.free_tiyn + more * (p.direction == outcome.direction))
                for p in pots.pots
            ),
        )
        plan = rules.plan_by_budget(queue, added, ORDER, {})
        return next(o.gets for o in plan.outcomes if o.application_id == outcome.application_id)

    for outcome in rules.plan_by_budget(queue, pots, ORDER, {}).outcomes:
        if outcome.missing_tiyn:
            assert gets(outcome, outcome.missing_tiyn)
            assert not gets(outcome, outcome.missing_tiyn - 1)


@settings(max_examples=60, deadline=None)
@given(queues())
def test_a_second_run_over_what_is_left_serves_nobody_else(
    case: tuple[list[Seeker], Money],
) -> None:
    queue, pots = case
    seekers = {s.application_id: s for s in queue}
    plan = rules.plan_by_budget(queue, pots, ORDER, {})
    left = {pot.direction: pot.free_tiyn for pot in pots.pots}
    for outcome in plan.outcomes:
        if outcome.gets and outcome.direction:
            left[outcome.direction] -= cost_of(seekers[outcome.application_id], pots)
    waits = [seekers[o.application_id] for o in plan.outcomes if not o.gets]

    again = rules.plan_by_budget(
        waits, replace(pots, pots=tuple(Pot(d, left[d]) for d in DIRECTIONS)), ORDER, {}
    )

    # A child for whom any direction will do may find another one emptier now.
    wishes = {s.application_id for s in waits if s.kind != "any"}
    if len(wishes) == len(waits):
        assert again.vouchers == 0


SHAPES = {
    "categories": tuple((0, (tier,)) for tier in TIERS),
    "bands": tuple((band, (tier,)) for tier in TIERS for band in (17, 10)),
    "youngest last": (
        *((17, (tier,)) for tier in TIERS),
        *((10, (tier,)) for tier in TIERS),
    ),
    "two alternate": tuple((band, tiers) for tiers in (TIERS[:1], TIERS[1:]) for band in (17, 10)),
}


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=60, deadline=None)
@given(case=queues(), ages=st.lists(st.sampled_from([10, 17]), min_size=20, max_size=20))
def test_the_causes_of_a_rank_add_up_to_all_who_are_served_before(
    case: tuple[list[Seeker], Money], ages: list[int], shape: str
) -> None:
    lanes = SHAPES[shape]
    bands = tuple(dict.fromkeys(band for band, _ in lanes))
    order = replace(an_order(bands), lanes=tuple(Lane(*lane) for lane in lanes))
    queue = [
        replace(s, cohort=age if len(bands) > 1 else 0)
        for s, age in zip(case[0], ages, strict=False)
    ]
    lane_of = {(band, tier): n for n, (band, tiers) in enumerate(lanes) for tier in tiers}

    ranks = rules.rank(queue, order, {})

    for position, one in enumerate(ranks):
        lane = lane_of[one.cohort, one.tier]
        ahead = ranks[:position]
        others = [r for r in ahead if lane_of[r.cohort, r.tier] != lane]
        better = [r for r in others if TIERS.index(r.tier) < TIERS.index(one.tier)]
        assert one.ahead.total == position and one.older_cohorts == 0
        assert one.ahead.own_category == sum(r.category == one.category for r in ahead)
        assert one.ahead.alternation == sum(
            lane_of[r.cohort, r.tier] == lane and r.tier != one.tier for r in ahead
        )
        assert one.ahead.better_right == len(better)
        assert one.ahead.other_ages == len(others) - len(better)
        assert one.place == one.ahead.own_category + 1 <= one.waiting


def test_children_keep_their_band_until_they_outgrow_it() -> None:
    judged = load_pack("clubs", "karaganda").at(date(2026, 9, 1))

    def seen(age: int, academic_year: int = 2026) -> Seeker:
        entry = QueueEntry(
            application_id="application",
            child_id="child",
            person_id="person",
            ticket="t",
            tier="others",
            birth_year=academic_year - age,
            age=age,
            ordered_at=AT,
            language="any",
            kind="sport",
            preferences=(),
            academic_year=academic_year,
            sen=True,
            intake="intake-drawn",
        )
        return rules.seeker_of(entry, judged, 2026)

    assert (seen(9).cohort, seen(9).age, seen(9).sen, seen(9).intake) == (
        0,
        9,
        True,
        "intake-drawn",
    )
    assert seen(17, 2025).out_of_age == "too-old"
    assert seen(17).out_of_age is None
