"""What an iteration or a checkpoint reads of an area, and what it decides from it.

One reading serves both, so a forecast is what a run would decide over the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Intake, QueueEntry, undrawn_at
from chalicelib.applications.rules import seeds as intake_seeds
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.periods import local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Rules
from chalicelib.providers import store as providers
from chalicelib.queue import rules, store
from chalicelib.queue.rules import Money, Order, Place, Plan, Seeker
from chalicelib.vouchers import store as vouchers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An area's queue at an instant, with the rules that judge it.

    seekers: by application id. money: None where places decide. undrawn: a window of intake that
    has opened and whose order nobody knows yet.
    """

    pack: Pack
    judged: Rules
    academic_year: int
    order: Order
    entries: dict[str, QueueEntry]
    seekers: Sequence[Seeker]
    money: Money | None
    undrawn: Intake | None

    @property
    def engine(self) -> str:
        """Return the name of the algorithm that decides."""
        return rules.ENGINES[self.judged.iteration.vouchers]


def read(programme: str, area: str, *, now: datetime) -> Reading:
    """Return an area's queue as it stands. Raises NoPack, NoRuleInForce."""
    pack = load_pack(programme, area)
    day = local_day(now)
    judged = pack.at(day)
    year = judged.academic_year.year_of(day)
    entries = {k.value.application_id: k.value for k in applications.list_queue(programme, area)}
    money = None
    if judged.iteration.vouchers == "by-budget":
        directions = budgets.directions_of(pack, day)
        left = budgets.promisable(
            programme,
            area,
            day.year,
            directions,
            kept_free_per_mille=judged.budget.kept_free_per_mille,
        )
        money = rules.money_of(judged, left, day)
    intakes = applications.load_intakes(programme, area).value
    seeds = {i: seed for i, seed in intake_seeds(intakes).items() if seed is not None}
    return Reading(
        pack=pack,
        judged=judged,
        academic_year=year,
        order=rules.order_of(judged, year, seeds),
        entries=entries,
        seekers=[rules.seeker_of(entries[key], judged, year) for key in sorted(entries)],
        money=money,
        undrawn=undrawn_at(intakes, now),
    )


def places_now(reading: Reading, programme: str, area: str, *, now: datetime) -> list[Place]:
    """Return the places a run may give, by group id; none where money decides."""
    if reading.money is not None:
        return []
    year = reading.academic_year
    from_on = rules.starts(local_day(now), year, reading.judged.academic_year)
    groups = [k.value for k in providers.list_groups(programme, area)]
    places = rules.places_of(groups, academic_year=year, from_on=from_on)
    return [_after_waiting_lists(p) for p in sorted(places, key=lambda place: place.group_id)]


def decide(
    seekers: Sequence[Seeker],
    places: Sequence[Place],
    money: Money | None,
    order: Order,
    carry: dict[int, int],
) -> Plan:
    """Return what a run decides: by the money where there is any to go by, else by the places."""
    if money is not None:
        return rules.plan_by_budget(seekers, money, order, carry)
    return rules.plan_iteration(seekers, places, order, carry)


def decide_again(run: rules.Run) -> Plan:
    """Return what a run's stored input decides by the rules of its day.

    Whoever doubts a run compares this with its outcome: equal input gives equal outcome.
    """
    head = store.load_input(run)
    order = rules.order_of(judged_of(run), head.academic_year, head.seeds)
    seekers: list[Seeker] = []
    places: list[Place] = []
    for part in store.each_input(run):
        seekers += part.seekers
        places += part.places
    return decide(seekers, places, head.money, order, dict(head.carry))


def judged_of(run: rules.Run) -> Rules:
    """Return the rules a run was planned by."""
    day = local_day(datetime.fromisoformat(run.proposed_at))
    return load_pack(run.programme, run.area).at(day)


def _after_waiting_lists(place: Place) -> Place:
    """Leave the places to a run that nobody with a voucher waits for: they were there before."""
    if place.free < 1:
        return place
    waiters = vouchers.each_waiter(place.group_id)
    waiting = sum(1 for kept in waiters if kept.value.state == "waiting")
    return replace(place, free=max(0, place.free - waiting))
