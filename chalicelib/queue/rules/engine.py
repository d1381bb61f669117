"""The iteration by places: who gets a voucher and which place, and why, for everybody who waits.

A pure function of the queue, the places, the rules of order and what the last run carried over. It
goes down the merged order once. Each child gets the best preferred group that fits and has a
place; else, among the groups that fit, the one with most free places, and a place on the waiting
lists of the preferred groups; else nothing, with the reason. Because all places share one order,
this is the child-proposing deferred acceptance for it: nobody later has a place that an earlier
child without one would fit. Where a pack says that vouchers come by budget, `funding` decides
instead, in the same order and with outcomes of the same shape.

Twins are placed together or not at all. A batch stands where its last member stands, so nobody is
overtaken because two children move together. A member who left the queue no longer counts; one
who is announced but has not applied yet is waited for.

Groups are rows of small integers and one heap per sort of child, so that a city takes a second.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.queue.rules.order import Line, Order, Seeker, merge, next_turns

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
]
Why = Literal["full", "too-few", "closed", "kind", "language", "age"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An open group of the area: whom it takes and how many more."""

    group_id: str
    age_from: int
    age_to: int
    language: str
    kind: str
    free: int


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
    """What a run decides for one application.

    position: in the merged order of the whole area, 1 first, 0 when out of age; turn: in the
    round of one to three; preference: which choice was given, 1 is the first; waiting: the
    preferred groups on whose waiting lists the voucher goes.

    By money: direction is whose money the child stands for, and missing_tiyn what that direction
    lacks for a voucher for it and all before it; 0 when it gets one, None where places decide.
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

    @property
    def gets(self) -> bool:
        """Return whether a voucher is planned for this application."""
        return self.group_id is not None or self.missing_tiyn == 0


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


@dataclass(slots=True)
class Seats:
    """Free places while a run goes on."""

    places: Sequence[Place]  # sorted by group id
    free: list[int] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    _fitting: dict[tuple[int, str, str], list[tuple[int, int]]] = field(default_factory=dict)
    _kinds: set[str] = field(default_factory=set)
    _languages: set[tuple[str, str]] = field(default_factory=set)
    _touches: list[list[list[tuple[int, int]]]] = field(default_factory=list)

    @classmethod
    def of(cls, places: Sequence[Place]) -> Seats:
        seats = cls(sorted(places, key=lambda place: place.group_id))
        for number, place in enumerate(seats.places):
            seats.free.append(place.free)
            seats.index[place.group_id] = number
            seats._kinds.add(place.kind)
            seats._languages.add((place.kind, place.language))
            touched = []
            for age in range(place.age_from, place.age_to + 1):
                # Most places first, then the group's id: its rank among sorted groups.
                heap = seats._fitting.setdefault((age, place.language, place.kind), [])
                heap.append((-place.free, number))
                touched.append(heap)
            seats._touches.append(touched)
        for heap in seats._fitting.values():
            heapq.heapify(heap)
        return seats

    def most_free(self, seeker: Seeker) -> int | None:
        """Return the fitting group with most free places, None when all are full."""
        heap = self._fitting.get((seeker.age, seeker.language, seeker.kind))
        while heap:
            free, number = heap[0]
            if -free == self.free[number]:
                return number if free else None
            heapq.heappop(heap)  # an older count of the same group; the newer one follows
        return None

    def take(self, number: int, count: int) -> None:
        """Take places in a group."""
        self.free[number] -= count
        for heap in self._touches[number]:
            heapq.heappush(heap, (-self.free[number], number))

    def misfit(self, number: int, seeker: Seeker) -> Literal["kind", "language", "age"] | None:
        """Return what keeps a child out of a group whatever its places, None when it fits."""
        place = self.places[number]
        if place.kind != seeker.kind:
            return "kind"
        if place.language != seeker.language:
            return "language"
        if not place.age_from <= seeker.age <= place.age_to:
            return "age"
        return None

    def waiting(self, seeker: Seeker, reason: Reason, *, most: int) -> tuple[str, ...]:
        """Return the preferred groups to wait for: those that fit, when another was given."""
        if reason != "other-group":
            return ()
        return tuple(
            group_id
            for group_id in dict.fromkeys(seeker.preferences)
            if group_id in self.index and self.misfit(self.index[group_id], seeker) is None
        )[:most]

    def shortage(self, seeker: Seeker) -> Reason:
        """Return why a child finds no place at all."""
        if seeker.kind not in self._kinds:
            return "no-group-of-kind"
        if (seeker.kind, seeker.language) not in self._languages:
            return "no-group-in-language"
        if (seeker.age, seeker.language, seeker.kind) not in self._fitting:
            return "no-group-for-age"
        return "no-place-left"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which group a unit gets, by its number among the sorted places; None with the reason."""

    reason: Reason
    number: int | None = None
    preference: int | None = None


def plan_iteration(
    seekers: Sequence[Seeker],
    places: Sequence[Place],
    order: Order,
    carry: Mapping[int, int],
) -> Plan:
    """Return what one iteration decides. Neither input's order matters, only what they hold."""
    line = merge(seekers, order, carry)
    seats = Seats.of(places)
    last_in: dict[int, tuple[int, str]] = {}
    outcomes: list[Outcome] = []
    admitted: list[tuple[int, int | None]] = []
    for unit in _units(seekers, line):
        members = [seekers[line.members[at]] for at in unit]
        choice = choose(members, seats)
        for at, seeker in zip(unit, members, strict=True):
            category = order.categories[seeker.tier, seeker.cohort]
            outcomes.append(
                Outcome(
                    application_id=seeker.application_id,
                    ticket=seeker.ticket,
                    tier=seeker.tier,
                    cohort=seeker.cohort,
                    category=category,
                    position=at + 1,
                    turn=line.turns[at],
                    reason=choice.reason,
                    batch_id=seeker.batch_id,
                    group_id=None
                    if choice.number is None
                    else seats.places[choice.number].group_id,
                    preference=_preference(seeker, choice, seats),
                    waiting=seats.waiting(seeker, choice.reason, most=order.waiting_lists_max),
                    passed=_passed(seeker, choice, seats, last_in),
                )
            )
        if choice.number is not None:
            seats.take(choice.number, len(members))
            admitted += [(m.cohort, line.turns[at]) for at, m in zip(unit, members, strict=True)]
            # The last of a unit stands last: the category is still its own.
            last_in[choice.number] = (category, members[-1].ticket)
    outcomes.extend(out_of_age(seekers[index]) for index in line.out_of_age)
    return Plan(tuple(outcomes), next_turns(carry, admitted, order))


def _units(seekers: Sequence[Seeker], line: Line) -> Iterator[list[int]]:
    """Yield places in the line that are decided together; a batch where its last member stands."""
    batches: dict[str, list[int]] = {}
    for at, index in enumerate(line.members):
        batch_id = seekers[index].batch_id
        if batch_id is not None:
            batches.setdefault(batch_id, []).append(at)
    for at, index in enumerate(line.members):
        batch_id = seekers[index].batch_id
        if batch_id is None:
            yield [at]
        elif batches[batch_id][-1] == at:
            yield batches[batch_id]


def choose(members: Sequence[Seeker], seats: Seats) -> Choice:
    """Return what those who are decided together get from the places that are free now."""
    if len(members) == 1:
        return _choose_alone(members[0], seats)
    if len(members) > BATCH_MOST:
        return Choice("batch-too-large")
    if len(members) < max(member.batch_size or 1 for member in members):
        return Choice("batch-incomplete")
    # Lists of a batch are read one after another, first that of the member who stands first.
    for seeker in members:
        for preference, group_id in enumerate(seeker.preferences, 1):
            number = seats.index.get(group_id)
            if (
                number is not None
                and seats.free[number] >= len(members)
                and all(seats.misfit(number, member) is None for member in members)
            ):
                return Choice("preferred", number, preference)
    return _choose_together(members, seats)


def _choose_alone(seeker: Seeker, seats: Seats) -> Choice:
    if (seeker.batch_size or 1) > 1:
        return Choice("batch-incomplete")
    for preference, group_id in enumerate(seeker.preferences, 1):
        number = seats.index.get(group_id)
        if number is not None and seats.free[number] >= 1 and seats.misfit(number, seeker) is None:
            return Choice("preferred", number, preference)
    number = seats.most_free(seeker)
    if number is None:
        return Choice(seats.shortage(seeker))
    return Choice("other-group", number)


def _choose_together(members: Sequence[Seeker], seats: Seats) -> Choice:
    fitting = [
        number
        for number in range(len(seats.places))
        if all(seats.misfit(number, member) is None for member in members)
    ]
    enough = [number for number in fitting if seats.free[number] >= len(members)]
    if enough:
        return Choice("other-group", min(enough, key=lambda number: (-seats.free[number], number)))
    if len({(m.age, m.language, m.kind) for m in members}) > 1 and not fitting:
        return Choice("batch-differs")
    shortage = seats.shortage(members[0])
    return Choice("no-place-together" if shortage == "no-place-left" else shortage)


def _preference(seeker: Seeker, choice: Choice, seats: Seats) -> int | None:
    """Return which of a child's own preferences was given; a batch may follow a sibling's."""
    if choice.number is None:
        return None
    given = seats.places[choice.number].group_id
    if given in seeker.preferences:
        return seeker.preferences.index(given) + 1
    return None


def _passed(
    seeker: Seeker, choice: Choice, seats: Seats, last_in: Mapping[int, tuple[int, str]]
) -> tuple[Passed, ...]:
    """Return why each group preferred to the one given was not given."""
    passed = []
    for group_id in seeker.preferences:
        number = seats.index.get(group_id)
        if number is None:
            passed.append(Passed(group_id, "closed"))
            continue
        if number == choice.number:
            break
        misfit = seats.misfit(number, seeker)
        if misfit is not None:
            passed.append(Passed(group_id, misfit))
        else:
            why: Why = "too-few" if seats.free[number] else "full"
            passed.append(Passed(group_id, why, *last_in.get(number, (None, None))))
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
