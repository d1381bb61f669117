"""A freed place is filled as a whole run would fill it, and nobody is overtaken."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.queue.rules.matching import Market, match
from chalicelib.queue.rules.vacancies import Vacancies
from chalicelib.vouchers.rules import Step, Waiter, fill, in_turn

A, B, C, D = (f"group-{name}" for name in "abcd")


def a_waiter(
    name: int, group_id: str, own: str | None, *wishes: str, standing: bool = True
) -> Waiter:
    order = f"{name:04d}"
    if not standing:
        return Waiter(group_id, f"voucher-{name}", order)
    return Waiter(
        group_id,
        f"voucher-{name}",
        order,
        standing=True,
        own=own,
        wishes=wishes or (group_id,),
    )


class Lists:
    """Waiting lists in memory, with what was asked of them."""

    def __init__(self, *waiters: Waiter) -> None:
        self.waiters = sorted(waiters, key=lambda w: (w.order, w.voucher_id))
        self.asked: list[str] = []

    def __call__(self, group_id: str) -> list[Waiter]:
        self.asked.append(group_id)
        return [w for w in self.waiters if w.group_id == group_id]


def moved(filled) -> list[list[tuple[str, str | None, str]]]:
    return [[(s.voucher_id, s.from_group, s.group_id) for s in step] for step in filled.steps]


def test_who_stands_first_moves_and_its_own_place_goes_on():
    lists = Lists(a_waiter(2, A, B), a_waiter(5, A, C), a_waiter(3, B, C), a_waiter(9, C, None))

    filled = fill(A, lists)

    assert moved(filled) == [
        [("voucher-2", B, A)],
        [("voucher-3", C, B)],
        [("voucher-9", None, C)],
    ]
    assert filled.offer is None


def test_nobody_overtakes_who_is_to_be_asked():
    lists = Lists(a_waiter(1, A, None, standing=False), a_waiter(2, A, B), a_waiter(3, B, C))

    filled = fill(A, lists)

    assert filled.steps == ()
    assert filled.offer == (A, "voucher-1")


def test_a_chain_ends_with_the_offer_of_what_was_left():
    lists = Lists(a_waiter(2, A, B), a_waiter(1, B, None, standing=False), a_waiter(4, B, C))

    filled = fill(A, lists)

    assert moved(filled) == [[("voucher-2", B, A)]]
    assert filled.offer == (B, "voucher-1")
    assert filled.vouchers == ("voucher-2", "voucher-1")


def test_who_cannot_move_now_is_passed_over():
    lists = Lists(a_waiter(2, A, B), a_waiter(5, A, C))

    assert moved(fill(A, lists, passed={"voucher-2"})) == [[("voucher-5", C, A)]]


def test_a_second_wish_does_not_outdo_the_first():
    """One who moves and then finds its dearer wish left by somebody moves there in one step."""
    lists = Lists(
        a_waiter(1, A, C, B, A), a_waiter(1, B, C, B, A), a_waiter(2, C, B), a_waiter(3, A, D)
    )

    filled = fill(A, lists)

    # 1 goes to A, 2 into C, which it leaves; B is free then and dearer to 1; 3 takes A.
    assert sorted(step for steps in moved(filled) for step in steps) == [
        ("voucher-1", C, B),
        ("voucher-2", B, C),
        ("voucher-3", D, A),
    ]


def test_a_ring_that_was_blocked_moves_when_who_blocked_it_has_moved():
    lists = Lists(
        # 1 blocked both: it would rather be in B than where it is, and even rather in A.
        a_waiter(1, A, D, A, B),
        a_waiter(1, B, D, A, B),
        a_waiter(2, B, C),
        a_waiter(3, C, B),
    )

    filled = fill(A, lists)

    assert moved(filled)[0] == [("voucher-1", D, A)]
    assert sorted(moved(filled)[1]) == [("voucher-2", C, B), ("voucher-3", B, C)]


def test_a_place_nobody_wants_stays_free():
    assert fill(A, Lists(a_waiter(2, B, A))).vouchers == ()


def test_only_lists_that_matter_are_asked_for():
    lists = Lists(a_waiter(2, A, B), a_waiter(3, C, D))

    fill(A, lists)

    assert set(lists.asked) == {A, B}


# --- as a whole run ------------------------------------------------------------------------------

groups = st.integers(0, 4)


@st.composite
def cities(draw):
    """Holders by their place in the line: own group and dearer wishes; and groups to be freed."""
    holders = draw(
        st.lists(st.tuples(groups, st.lists(groups, max_size=4, unique=True)), max_size=9)
    )
    return holders, draw(st.lists(groups, min_size=1, max_size=3))


@given(cities())
@settings(max_examples=400, deadline=None)
def test_places_freed_one_after_another_end_as_a_whole_run_ends(city):
    holders, freed = city
    places = [sum(own == group for own, _ in holders) for group in range(5)]
    market = Market(places)
    for own, wishes in holders:
        market.add([w for w in wishes if w != own], own=own)
    whole = match(market)
    seat, asked = list(whole.seat), whole
    vacancies = Vacancies(market, asked)
    taken = [0] * 5
    for group in seat:
        taken[group] += 1

    for group in freed:
        lists = Lists(*_waiters(market, seat))
        filled = fill(str(group), lists)
        free = dict.fromkeys(map(str, range(5)), 0)
        free[str(group)] = 1
        for together in filled.steps:
            _make(together, free)
            for step in together:
                assert str(seat[int(step.voucher_id)]) == step.from_group
                seat[int(step.voucher_id)] = int(step.group_id)
        vacancies.fill(group)
        assert seat == list(vacancies.seat)
        places[group] += 1
    again = Market(places)
    for own, wishes in holders:
        again.add([w for w in wishes if w != own], own=own)
    assert seat == list(match(again).seat)


def _waiters(market: Market, seat: list[int]) -> list[Waiter]:
    waiters = []
    for child, at in enumerate(seat):
        listed = market.list_of(child)
        dearer = tuple(map(str, listed[: listed.index(at)]))
        for group in dearer:
            waiters.append(
                Waiter(group, str(child), f"{child:04d}", standing=True, own=str(at), wishes=dearer)
            )
    return waiters


def _make(together: tuple[Step, ...], free: dict[str, int]) -> None:
    for step in together:
        free[step.from_group] += 1
    for step in together:
        free[step.group_id] -= 1
        assert free[step.group_id] >= 0


@given(st.lists(st.tuples(groups, groups).filter(lambda move: move[0] != move[1]), max_size=12))
def test_steps_come_when_there_is_room_and_all_of_them(moves):
    need = [0] * 5
    for left, to in moves:
        need[to] += 1
        need[left] -= 1
    free = {str(g): max(0, need[g]) for g in range(5)}
    steps = [Step(str(n), str(left), str(to)) for n, (left, to) in enumerate(moves)]

    made = list(in_turn(steps, free))

    assert sorted(s.voucher_id for together in made for s in together) == sorted(
        s.voucher_id for s in steps
    )
    for together in made:
        _make(together, free)
