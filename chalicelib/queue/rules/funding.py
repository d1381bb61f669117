"""The iteration by budget: vouchers down the merged order while the money of each direction lasts.

A voucher takes a fixed sum: the dearest month that a child of its sort may cost, for each month
from the run's to the last that the pack reserves. So any later move is covered, and whoever got a
voucher never finds its money gone.

At its turn each child stands for one direction: the one it wished for, or, when any will do, the
one that has most left (of equals the first of the pack). Its sum is set aside there whether the
money reaches or not; it gets a voucher when it does. Hence

- a child whose direction is out of money keeps its place and lets those of other directions pass;
- in one direction nobody passes anybody, a cheaper child no dearer one: order is order. What is
  left of a direction waits for more money;
- what a direction lacks at a child's turn is exactly what must be added to it for this child.

The last makes the forecast of a checkpoint and the plan of a run one function. Children of a batch
stand each for itself here: no place is given, so there is nothing to be together in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.budgets.rules.reserving import last_month
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import Rules
from chalicelib.queue.rules.engine import Outcome, Plan, Reason, out_of_age
from chalicelib.queue.rules.order import Order, Seeker, merge, next_turns

ANY = "any"
WHOLE = ""  # the one pot of an area whose budget has no directions


@dataclass(frozen=True, slots=True)
class Pot:
    """What the queue may still be promised of a direction's budget; "" is an area's one budget.

    What the pack keeps free for vouchers without a queue is no part of it.
    """

    direction: str
    free_tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a run by budget goes by: pots in the pack's order, and what vouchers take.

    month_tiyn, sen_month_tiyn: of a month, without and with special needs; first, last: the months
    reserved, YYYY-MM, both included.
    """

    pots: tuple[Pot, ...]
    month_tiyn: int
    sen_month_tiyn: int
    first: str
    last: str

    @property
    def months(self) -> int:
        """Return how many months a voucher reserves."""
        return months_between(self.first, self.last)

    def month_of(self, *, sen: bool) -> int:
        """Return what a month of a voucher takes, in tiyn."""
        return self.sen_month_tiyn if sen else self.month_tiyn

    def cost_of(self, *, sen: bool) -> int:
        """Return what a voucher takes in all, in tiyn."""
        return self.month_of(sen=sen) * self.months


def months_between(first: str, last: str) -> int:
    """Return how many months lie from one to another, YYYY-MM, both included."""
    start, end = Month.parse(first), Month.parse(last)
    return max(0, (end.year - start.year) * 12 + end.month - start.month + 1)


def money_of(rules: Rules, free: Mapping[str, int], on: date) -> Money:
    """Return the money of a run on a day; free: by direction, in the pack's order."""
    month = Month.of(on)
    return Money(
        pots=tuple(Pot(direction, left) for direction, left in free.items()),
        month_tiyn=rules.month_max_tiyn(False),
        sen_month_tiyn=rules.month_max_tiyn(True),
        first=str(month),
        last=str(last_month(rules.budget.reserve_until, month)),
    )


def plan_by_budget(
    seekers: Sequence[Seeker], money: Money, order: Order, carry: Mapping[int, int]
) -> Plan:
    """Return what one iteration by budget decides, and what is missing for everybody else."""
    line = merge(seekers, order, carry)
    left = {pot.direction: pot.free_tiyn for pot in money.pots}
    cost = {sen: money.cost_of(sen=sen) for sen in (False, True)}
    outcomes: list[Outcome] = []
    admitted: list[tuple[int, int | None]] = []
    for at, index in enumerate(line.members):
        seeker = seekers[index]
        direction = stands_for(seeker, left)
        missing: int | None = None
        reason: Reason = "no-such-direction"
        if direction is not None:
            left[direction] -= cost[seeker.sen]
            missing = max(0, -left[direction])
            wished = direction in (seeker.kind, WHOLE)
            reason = "wished-direction" if wished else "any-direction"
        if missing:
            reason = "no-money"
        if missing == 0:
            admitted.append((seeker.cohort, line.turns[at]))
        outcomes.append(
            Outcome(
                application_id=seeker.application_id,
                ticket=seeker.ticket,
                tier=seeker.tier,
                cohort=seeker.cohort,
                category=order.categories[seeker.tier, seeker.cohort],
                position=at + 1,
                turn=line.turns[at],
                reason=reason,
                direction=direction,
                missing_tiyn=missing,
            )
        )
    outcomes.extend(out_of_age(seekers[index]) for index in line.out_of_age)
    return Plan(tuple(outcomes), next_turns(carry, admitted, order))


def stands_for(seeker: Seeker, left: Mapping[str, int]) -> str | None:
    """Return the direction a child stands for at its turn; None when there is none such.

    left: what each direction has left then, below zero where more is set aside than there is.
    """
    if seeker.kind in left:
        return seeker.kind
    if WHOLE in left:
        return WHOLE
    if seeker.kind == ANY and left:
        return max(left, key=left.__getitem__)  # of equals the first
    return None


@dataclass(frozen=True, slots=True)
class Shortage:
    """How many wait for a direction's money and what it lacks for all of them.

    Each is None where the public may not know it.
    """

    direction: str
    waiting: int | None
    missing_tiyn: int | None


def shortages(outcomes: Iterable[Outcome], money: Money) -> tuple[Shortage, ...]:
    """Return what each direction lacks for everybody who waits, in the pack's order."""
    waiting = dict.fromkeys((pot.direction for pot in money.pots), 0)
    missing = dict(waiting)
    for outcome in outcomes:
        if outcome.direction is not None and outcome.missing_tiyn is not None:
            waiting[outcome.direction] += 1
            missing[outcome.direction] = max(missing[outcome.direction], outcome.missing_tiyn)
    return tuple(Shortage(d, waiting[d], missing[d]) for d in waiting)
