"""The iteration by places: who gets a voucher and which place, and why, for everybody who waits.

A pure function of the queue, the places, the rules of order and what the last run carried over.
Each child's list is the preferred groups that fit, then all others that fit, those with most places
first; `matching` gives the places by these lists and the merged order: nobody later has a place
that an earlier child without one would fit. Holders who asked to be moved when their turn comes
stand before all who wait, for their turn was earlier; what they leave is given in the same run, and
nobody loses a place by asking. Where the pack says so, those whose seats block each other's trade
them when everybody is served.

Who gets a place elsewhere goes on the waiting lists of
the preferred groups; who gets none is told the reason. Where a pack says that vouchers come by
budget, `funding` decides instead, in the same order and with outcomes of the same shape.

Twins are placed together or not at all. A batch stands where its last member stands, so nobody is
overtaken because two children move together. A member who left the queue no longer counts; one
who is announced but has not applied yet is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.queue.rules.groups import Groups, Place, misfit
from chalicelib.queue.rules.matching import NONE, Market, match
from chalicelib.queue.rules.order import Order, Seeker, merge, next_turns
from chalicelib.queue.rules.trading import trade
from chalicelib.queue.rules.transfers import steps

BATCH_MOST = 6  # a batch is committed at once, and a commit holds a hundred rows

Reason = Literal[
    "preferred",  # a place in a preferred group
    "other-group",  # a place elsewhere; waits for the preferred groups
    "no-group-of-kind",  # the area has no open group of this kind
    "no-group-in-language",  # none of this kind in this language
    "no-group-for-age",  # none of these for this age
    "no-place-left",  # groups that fit are full
    "no-place-together",  # groups that fit have too few places for the whole batch
    "batch-incomplete",  # a member has not applied yet
    "batch-differs",  # its members need different groups
    "batch-too-large",  # more than can be placed in one step
    "wished-direction",  # a voucher from the money of the wished direction
    "any-direction",  # a voucher from the direction with most free money
    "no-money",  # the money ends before this child's turn
    "no-such-direction",  # the area has no such direction any more
    "too-old",
    "too-young",
    "moved",  # a holder who asked to move goes to a place it wants more
    "swapped",  # the same, by a trade with other holders
    "stays",  # it keeps its place: what it wants more is full
]
Why = Literal["full", "too-few", "closed", "kind", "language", "age"]


@dataclass(frozen=True, slots=True)
class Passed:
    """A preferred group that was not given, why, and who was the last to get in during this run.

    "closed": not open in this area and year. "too-few": places left, but not for a whole batch.
    """

    group_id: str
    why: Why
    last_category: int | None = None
    last_ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run decides for one application, or for one holder who asked to move.

    position: in the merged order of the whole area, 1 first, 0 when out of age; turn: in the
    round of one to three; preference: which choice was given, 1 is the first; waiting: the
    preferred groups on whose waiting lists the voucher goes.

    By money: direction is whose money the child stands for, and missing_tiyn what that direction
    lacks for a voucher for it and all before it; 0 when it gets one, None where places decide.

    Of a holder: voucher_id; from_group, the seat it has; group_id, the seat it will have, the same
    when it stays; position, among the holders; ring, a number that those share who can only move
    in one step, each into the seat that the next one leaves.
    """

    application_id: str
    ticket: str
    tier: str
    cohort: int
    category: int
    position: int
    turn: int | None
    reason: Reason
    batch_id: str | None = None
    group_id: str | None = None
    preference: int | None = None
    waiting: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
    direction: str | None = None
    missing_tiyn: int | None = None
    voucher_id: str | None = None
    from_group: str | None = None
    ring: int | None = None

    @property
    def gets(self) -> bool:
        """Return whether a voucher is planned for this application."""
        if self.from_group is not None:
            return False
        return self.group_id is not None or self.missing_tiyn == 0

    @property
    def moves(self) -> bool:
        """Return whether a holder is planned to leave its seat for another."""
        return self.from_group is not None and self.group_id != self.from_group


@dataclass(frozen=True, slots=True)
class Plan:
    """One outcome per application, in the order of serving; a batch stands together.

    carry: the turn at which each cohort goes on in the next run.
    """

    outcomes: tuple[Outcome, ...]
    carry: Mapping[int, int]

    @property
    def vouchers(self) -> int:
        return sum(outcome.gets for outcome in self.outcomes)

    @property
    def moves(self) -> int:
        return sum(outcome.moves for outcome in self.outcomes)


@dataclass(slots=True)
class Decided:
    """What matching gave to children in their order.

    last: by group, who got in with the weakest right, by a right and not by a trade. swapped: who
    moved by a trade.
    """

    seat: Sequence[int]
    left: list[int]
    last: dict[int, int]
    swapped: frozenset[int] = frozenset()


def plan_iteration(
    seekers: Sequence[Seeker],
    places: Sequence[Place],
    order: Order,
    carry: Mapping[int, int],
) -> Plan:
    """Return what one iteration decides. Neither input's order matters, only what they hold."""
    line = merge(seekers, order, carry)
    movers = len(line.movers)
    if movers and not order.movers:
        raise ValueError("the rules of this order move nobody")
    standing = [seekers[index] for index in (*line.movers, *line.members)]
    groups = Groups.of(places)
    units = list(_units(standing))
    decided = decide(standing, units, groups, order)
    outcomes = _moves(standing[:movers], groups, decided, standing, order)
    admitted: list[tuple[int, int | None]] = []
    for unit in units[movers:]:
        got = decided.seat[unit[0]]
        reason = _reason([standing[n] for n in unit], got, groups)
        group_id = groups.places[got].group_id if got != NONE else None
        for at in unit:
            seeker = standing[at]
            turn = line.turns[at - movers]
            outcomes.append(
                Outcome(
                    application_id=seeker.application_id,
                    ticket=seeker.ticket,
                    tier=seeker.tier,
                    cohort=seeker.cohort,
                    category=order.categories[seeker.tier, seeker.cohort],
                    position=at - movers + 1,
                    turn=turn,
                    reason=reason,
                    batch_id=seeker.batch_id,
                    group_id=group_id,
                    preference=_preference(seeker, group_id),
                    waiting=waiting(seeker, reason, groups, most=order.waiting_lists_max),
                    passed=_passed(seeker, got, groups, decided, standing, order),
                )
            )
            if got != NONE:
                admitted.append((seeker.cohort, turn))
    outcomes.extend(out_of_age(seekers[index]) for index in line.out_of_age)
    return Plan(tuple(outcomes), next_turns(carry, admitted, order))


def given(
    seekers: Sequence[Seeker], places: Sequence[Place], order: Order, carry: Mapping[int, int]
) -> list[str | None]:
    """Return the group each of the seekers gets, as `plan_iteration` does, and nothing else."""
    line = merge(seekers, order, carry)
    members = [*line.movers, *line.members]
    standing = [seekers[index] for index in members]
    groups = Groups.of(places)
    decided = decide(standing, list(_units(standing)), groups, order)
    got: list[str | None] = [None] * len(seekers)
    for at, index in enumerate(members):
        number = decided.seat[at]
        if number != NONE:
            inside = number < len(groups.places)
            got[index] = groups.places[number].group_id if inside else seekers[index].own
    return got


def decide(
    standing: Sequence[Seeker],
    units: Sequence[Sequence[int]],
    groups: Groups,
    order: Order | None = None,
) -> Decided:
    """Return who gets which group; units: the numbers of those who are decided together.

    order: where it is missing, only the line counts, and nobody holds a place.
    """
    market, first = _market(standing, units, groups, order)
    matching = match(market)
    seat = matching.seat
    left = list(market.places)
    last: dict[int, int] = {}
    rights: dict[int, int] = {}
    for child, number in enumerate(seat):
        if number == NONE:
            continue
        left[number] -= 1
        if child >= first and market.own[child] != number:
            right = market.right(child, number)
            if right > rights.get(number, NONE):
                rights[number], last[number] = right, child - first
    swapped: frozenset[int] = frozenset()
    if order is not None and order.swaps:
        swapped = frozenset(child - first for ring in trade(market, seat) for child in ring)
    return Decided(seat[first:], left, last, swapped)


def _market(
    standing: Sequence[Seeker],
    units: Iterable[Sequence[int]],
    groups: Groups,
    order: Order | None,
) -> tuple[Market, int]:
    """Return the city as matching sees it, and the number of the first of those who stand here.

    Before them stand, nameless, those for whom the places that movers leave are kept. A holder's
    group that is none of the places has no seats but its holders' own, and nobody gets them.
    """
    places = [place.free for place in groups.places]
    numbers = dict(groups.index)
    for seeker in standing:
        if seeker.own is None:
            break  # holders stand first
        number = numbers.setdefault(seeker.own, len(places))
        if number == len(places):
            places.append(0)
        places[number] += 1
    market = Market(places, shared=groups.shared)
    favoured: frozenset[str] = frozenset()
    if order is not None and order.favoured:
        favoured = order.favoured
        gone = [0] * (len(places) - len(groups.places))
        market.reserve = [*(order.kept_of(place.free) for place in groups.places), *gone]
    for number, place in enumerate(groups.places):
        for _ in range(place.awaited):
            market.add([number])
    first = len(market)
    together = [unit for unit in units if len(unit) > 1 or standing[unit[0]].batch_id is not None]
    barred = {at for unit in together if _barred([standing[n] for n in unit]) for at in unit}
    siblings: dict[int, frozenset[int]] = {}
    for at, seeker in enumerate(standing):
        liked = seeker.tier in favoured
        if at in barred:
            market.add([])
        elif seeker.own is not None:
            own = numbers[seeker.own]
            market.add([n for n in groups.wished(seeker) if n != own], own=own, favoured=liked)
        else:
            market.add(groups.wished(seeker), tail=groups.sort_of(seeker), favoured=liked)
        if seeker.siblings and order is not None and order.siblings_first:
            known = (groups.index.get(group_id) for group_id in seeker.siblings)
            siblings[first + at] = frozenset(n for n in known if n is not None)
    market.siblings = siblings
    market.batches = [
        tuple(first + at for at in unit)
        for unit in together
        if len(unit) > 1 and unit[0] not in barred
    ]
    return market, first


def _moves(
    movers: Sequence[Seeker],
    groups: Groups,
    decided: Decided,
    standing: Sequence[Seeker],
    order: Order,
) -> list[Outcome]:
    """Return what is decided for holders: first who moves, each after whoever frees its seat."""
    going: list[int] = []
    planned: list[tuple[str, str]] = []
    for at, seeker in enumerate(movers):
        to = _group_of(seeker, decided.seat[at], groups)
        assert seeker.own is not None
        if to != seeker.own:
            going.append(at)
            planned.append((seeker.own, to))
    free = {place.group_id: place.free for place in groups.places}
    outcomes: list[Outcome] = []
    rings = 0
    for step in steps(planned, free):
        rings += len(step) > 1
        for number in step:
            at = going[number]
            reason: Reason = "swapped" if at in decided.swapped else "moved"
            outcome = _of_mover(at, reason, groups, decided, standing, order)
            outcomes.append(replace(outcome, ring=rings) if len(step) > 1 else outcome)
    moved = set(going)
    outcomes += [
        _of_mover(at, "stays", groups, decided, standing, order)
        for at in range(len(movers))
        if at not in moved
    ]
    return outcomes


def _of_mover(
    at: int,
    reason: Reason,
    groups: Groups,
    decided: Decided,
    standing: Sequence[Seeker],
    order: Order,
) -> Outcome:
    seeker, got = standing[at], decided.seat[at]
    group_id = _group_of(seeker, got, groups)
    return Outcome(
        application_id=seeker.application_id,
        ticket=seeker.ticket,
        tier=seeker.tier,
        cohort=seeker.cohort,
        category=order.categories.get((seeker.tier, seeker.cohort), 0),
        position=at + 1,
        turn=None,
        reason=reason,
        group_id=group_id,
        preference=_preference(seeker, group_id),
        passed=_passed(seeker, got, groups, decided, standing, order),
        voucher_id=seeker.voucher_id,
        from_group=seeker.own,
    )


def _group_of(seeker: Seeker, got: int, groups: Groups) -> str:
    """Return the group a holder will be in; its own may be none of the places."""
    assert seeker.own is not None
    return groups.places[got].group_id if got < len(groups.places) else seeker.own


def _units(standing: Sequence[Seeker]) -> Iterator[list[int]]:
    """Yield places in the line that are decided together; a batch where its last member stands."""
    batches: dict[str, list[int]] = {}
    for at, seeker in enumerate(standing):
        if seeker.batch_id is not None:
            batches.setdefault(seeker.batch_id, []).append(at)
    for at, seeker in enumerate(standing):
        if seeker.batch_id is None:
            yield [at]
        elif batches[seeker.batch_id][-1] == at:
            yield batches[seeker.batch_id]


def _barred(members: Sequence[Seeker]) -> Reason | None:
    """Return why those who are decided together cannot be placed whatever is free."""
    if members[0].batch_id is None:
        return None
    if len(members) > BATCH_MOST:
        return "batch-too-large"
    if len(members) < max(member.batch_size or 1 for member in members):
        return "batch-incomplete"
    return None


def _reason(members: Sequence[Seeker], got: int, groups: Groups) -> Reason:
    if got != NONE:
        group_id = groups.places[got].group_id
        return "preferred" if any(group_id in m.preferences for m in members) else "other-group"
    barred = _barred(members)
    if barred is not None:
        return barred
    shortage = groups.shortage(members[0])
    if len(members) == 1:
        return shortage
    fitting = set(groups.shared[groups.sort_of(members[0])])
    for member in members[1:]:
        fitting &= set(groups.shared[groups.sort_of(member)])
    if not fitting and len({groups.sort_of(member) for member in members}) > 1:
        return "batch-differs"
    return "no-place-together" if shortage == "no-place-left" else shortage


def waiting(seeker: Seeker, reason: Reason, groups: Groups, *, most: int) -> tuple[str, ...]:
    """Return the preferred groups to wait for: those that fit, when another was given."""
    if reason != "other-group":
        return ()
    return tuple(groups.places[number].group_id for number in groups.wished(seeker))[:most]


def _preference(seeker: Seeker, group_id: str | None) -> int | None:
    """Return which of a child's own preferences was given; a batch may follow a sibling's."""
    if group_id in seeker.preferences:
        return seeker.preferences.index(group_id) + 1
    return None


def _passed(
    seeker: Seeker,
    got: int,
    groups: Groups,
    decided: Decided,
    standing: Sequence[Seeker],
    order: Order,
) -> tuple[Passed, ...]:
    """Return why each group preferred to the one given was not given."""
    passed = []
    for group_id in seeker.preferences:
        number = groups.index.get(group_id)
        if number is None:
            passed.append(Passed(group_id, "closed"))
            continue
        if number == got:
            break
        unfit = misfit(groups.places[number], seeker)
        if unfit is not None:
            passed.append(Passed(group_id, unfit))
            continue
        why: Why = "too-few" if decided.left[number] else "full"
        last = decided.last.get(number)
        if last is None:
            passed.append(Passed(group_id, why))
        else:
            one = standing[last]
            category = order.categories.get((one.tier, one.cohort), 0)
            passed.append(Passed(group_id, why, category, one.ticket))
    return tuple(passed)


def out_of_age(seeker: Seeker) -> Outcome:
    """Return the outcome of a child for whom the year has no cohort."""
    assert seeker.out_of_age is not None
    return Outcome(
        application_id=seeker.application_id,
        ticket=seeker.ticket,
        tier=seeker.tier,
        cohort=seeker.cohort,
        category=0,
        position=0,
        turn=None,
        reason=seeker.out_of_age,
        batch_id=seeker.batch_id,
    )
