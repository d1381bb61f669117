"""What an iteration or a checkpoint reads of an area, and what it decides from it.

One reading serves both, so a forecast is what a run would decide over the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Intake, QueueEntry, entry_of, undrawn_at
from chalicelib.applications.rules import seeds as intake_seeds
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Rules, Terms
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group
from chalicelib.queue import rules, store
from chalicelib.queue.rules import Money, Order, Place, Plan, Seeker
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Voucher, Waiter, in_runs, not_now, standing_wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An area's queue at an instant, with the rules that judge it.

    seekers: who waits, by application id. money: None where places decide. undrawn: a window of
    intake that has opened and whose order nobody knows yet.
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
    entries = {one.application_id: one for one in applications.each_queued(programme, area)}
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


def check_drawn(reading: Reading) -> None:
    """Raise IntakeOpen while nobody knows the order of an intake that has opened."""
    if reading.undrawn is not None:
        raise rules.IntakeOpen(
            intake_id=reading.undrawn.intake_id,
            closes_at=reading.undrawn.closes_at,
            draws_at=reading.undrawn.round_at,
        )


def supply(
    reading: Reading, programme: str, area: str, *, now: datetime
) -> tuple[list[Seeker], list[Place]]:
    """Return who stands in a run, holders who ask to move last, and the places it may give.

    Places go by group id; there are none where money decides.
    """
    if reading.money is not None:
        return list(reading.seekers), []
    groups = {k.value.group_id: k.value for k in providers.list_groups(programme, area)}
    asking = _asking(reading, groups, programme, area, now=now)
    movers = _movers(reading, asking, groups)
    places = _places(reading, groups, asking, movers, now=now)
    seekers = [*reading.seekers, *movers]
    if reading.order.siblings_first:
        seekers = _with_siblings(reading, seekers, asking, groups, places, now=now)
    return seekers, places


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

    Whoever doubts a run compares this with its outcome: equal input gives equal outcome. Raises
    OtherEngine for a run of an algorithm that this code does not have.
    """
    head = store.load_input(run)
    if head.engine not in rules.ENGINES.values():
        raise rules.OtherEngine(run_id=run.run_id, engine=head.engine)
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


def _asking(
    reading: Reading, groups: Mapping[str, Group], programme: str, area: str, *, now: datetime
) -> list[Voucher]:
    """Return the vouchers whose holders asked to be moved and could be today."""
    if not reading.order.movers:
        return []
    year, terms, calendar = reading.academic_year, reading.judged.terms, reading.pack.calendar
    return [
        k.value
        for k in vouchers.list_movers(programme, area)
        if _may_move(k.value, groups, year, terms, calendar, now=now)
    ]


def _may_move(
    voucher: Voucher,
    groups: Mapping[str, Group],
    academic_year: int,
    terms: Terms,
    calendar: Calendar,
    *,
    now: datetime,
) -> bool:
    own = groups.get(voucher.group_id or "")
    if own is None or own.academic_year != academic_year:
        return False
    return not_now(voucher, now=now, terms=terms, calendar=calendar, limited=own.open) is None


def _movers(
    reading: Reading, asking: Iterable[Voucher], groups: Mapping[str, Group]
) -> list[Seeker]:
    """Return holders as the engine sees them, with the wishes that a run decides (`in_runs`).

    The other moves are made between runs, as places become free.
    """
    by_application = {v.application_id: v for v in asking if v.application_id}
    applied = applications.find_applications(list(by_application))
    movers = []
    for application_id, voucher in by_application.items():
        if application_id not in applied:
            continue
        wishes = tuple(
            group_id
            for group_id in standing_wishes(voucher)
            if group_id != voucher.group_id
            and (wished := groups.get(group_id)) is not None
            and in_runs(voucher, wished)
        )
        if not wishes:
            continue
        entry = entry_of(applied[application_id].value)
        movers.append(
            replace(
                rules.seeker_of(entry, reading.judged, reading.academic_year),
                age=voucher.age + reading.academic_year - voucher.academic_year,
                language=voucher.language,
                kind=voucher.kind,
                preferences=wishes,
                out_of_age=None,
                intake=None,
                own=voucher.group_id,
                voucher_id=voucher.voucher_id,
                since=voucher.order,
            )
        )
    return movers


def _places(
    reading: Reading,
    groups: Mapping[str, Group],
    asking: Iterable[Voucher],
    movers: Sequence[Seeker],
    *,
    now: datetime,
) -> list[Place]:
    """Return the places a run may give: those that no holder outside it waits for."""
    from_on = rules.starts(local_day(now), reading.academic_year, reading.judged.academic_year)
    places = rules.places_of(
        (groups[key] for key in sorted(groups)),
        academic_year=reading.academic_year,
        from_on=from_on,
    )
    decided = {(seeker.voucher_id, g) for seeker in movers for g in seeker.preferences}
    others = {(v.voucher_id, g) for v in asking for g in standing_wishes(v)} - decided
    leaving = Counter(seeker.own for seeker in movers)
    return [
        _after_waiting_lists(
            p, vouchers.each_waiter(p.group_id), others, leaving=leaving[p.group_id]
        )
        for p in places
    ]


def behind_the_list(
    place: Place, run: rules.Run, judged: Rules, groups: Mapping[str, Group], *, now: datetime
) -> Place:
    """Leave a place to who finds the planned one taken that nobody on its list waits for now.

    groups: all of the area. Two reads.
    """
    waiters = list(vouchers.each_waiter(place.group_id))
    standing = [k.value.voucher_id for k in waiters if k.value.standing]
    calendar = load_pack(run.programme, run.area).calendar
    asking = {
        (voucher_id, place.group_id)
        for voucher_id, kept in vouchers.find_vouchers(standing).items()
        if _may_move(kept.value, groups, run.academic_year, judged.terms, calendar, now=now)
    }
    return _after_waiting_lists(place, waiters, asking, leaving=0)


def _after_waiting_lists(
    place: Place,
    waiters: Iterable[Kept[Waiter]],
    others: Container[tuple[str, str]],
    *,
    leaving: int,
) -> Place:
    """Leave the places to a run that no holder outside it waits for: they were there before.

    others: vouchers to be moved and where, but not by this run; leaving: how many of the group's
    own ask to leave it. Where more wait than places are free, what those leave is theirs as well.
    """
    if place.free < 1 and not leaving:
        return place
    waiting = sum(
        1
        for kept in waiters
        if kept.value.state == "waiting"
        and (not kept.value.standing or (kept.value.voucher_id, place.group_id) in others)
    )
    return replace(
        place,
        free=max(0, place.free - waiting),
        awaited=min(leaving, max(0, waiting - place.free)),
    )


def _with_siblings(
    reading: Reading,
    seekers: Iterable[Seeker],
    asking: Iterable[Voucher],
    groups: Mapping[str, Group],
    places: Iterable[Place],
    *,
    now: datetime,
) -> list[Seeker]:
    """Return who stands in a run with the groups of kindergartens that a brother or sister is in.

    Children of one representative are found by their enrolments: a query per kindergarten costs
    less than one per family that waits.
    """
    from_on = rules.starts(local_day(now), reading.academic_year, reading.judged.academic_year)
    families = {e.application_id: (e.person_id, e.child_id) for e in reading.entries.values()}
    families |= {v.application_id: (v.person_id, v.child_id) for v in asking}
    at_site: dict[str, list[Place]] = {}
    for place in places:
        at_site.setdefault(groups[place.group_id].site_id, []).append(place)
    enrolled: dict[str, list[tuple[str, str]]] = {}
    for site_id in sorted(at_site):
        for enrolment in vouchers.list_enrolments(site_id, first=from_on):
            if enrolment.state == "active":
                enrolled.setdefault(enrolment.person_id, []).append((site_id, enrolment.child_id))

    def related(seeker: Seeker) -> Seeker:
        person_id, child_id = families[seeker.application_id]
        sites = {site for site, other in enrolled.get(person_id, ()) if other != child_id}
        if not sites:
            return seeker
        near = [place for site_id in sites for place in at_site[site_id]]
        return replace(seeker, siblings=rules.fitting(near, seeker))

    return [related(seeker) for seeker in seekers]
