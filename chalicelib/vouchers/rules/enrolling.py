"""Contract, transfer, closure: one child's enrolments follow each other by whole days.

An old enrolment ends on the calendar day before the new one starts. A seat is used to its last
day and freed after it, so that two children never have one seat on one day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, local_day, stamp, start_of
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import Rules, Terms
from chalicelib.providers.rules import Group, GroupClosed, free_places, free_seat
from chalicelib.vouchers.rules.moving import (
    check_group,
    check_term,
    directed,
    leave_seats,
    may,
    wishes_after,
)
from chalicelib.vouchers.rules.refusals import (
    BadLastDay,
    BadStart,
    BadUse,
    ClosingReason,
    NoSeat,
    OneTransferAMonth,
    PapersNotAccepted,
    TransferPending,
)
from chalicelib.vouchers.rules.values import (
    Began,
    Closing,
    Enrolment,
    Leaving,
    Member,
    Roster,
    Stay,
    Stays,
    Used,
    Voucher,
)

ONE_DAY = timedelta(days=1)
START_WITHIN_DAYS = 60
END_WITHIN_DAYS = 366
# A late upload may bring a day of an ended enrolment; after this no sheet takes it any more.
ROSTER_REMEMBERS_DAYS = 120
# Payment evidence is kept five years; a stay a day for so long fits into one row.
STAYS_REMEMBER_DAYS = 5 * 366

# Who may give which reason. An exclusion can be objected to, so it leaves a term (see `close`).
CLOSERS: dict[Closing, frozenset[Role]] = {
    "withdrawal": frozenset({Role.REPRESENTATIVE}),
    "graduation": frozenset({Role.REPRESENTATIVE, Role.HEAD}),
    "exclusion": frozenset({Role.HEAD}),
}


@dataclass(frozen=True, slots=True)
class Started:
    """A signed contract."""

    voucher: Voucher
    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class Transferred:
    """The old enrolment with its end, the new one, and the voucher that pays both."""

    voucher: Voucher
    ended: Enrolment
    started: Enrolment


@dataclass(frozen=True, slots=True)
class Released:
    """A voucher that ended by itself; at_once: the child holds its last enrolment no longer."""

    voucher: Voucher
    enrolment: Enrolment | None
    at_once: bool


@dataclass(frozen=True, slots=True)
class EnrolmentEnd:
    """A closed voucher and its last enrolment; at_once: it never began, its seat is free now."""

    voucher: Voucher
    enrolment: Enrolment
    at_once: bool


def contract(
    voucher: Voucher,
    group: Group | None,
    *,
    enrolment_id: str,
    starts_on: date,
    now: datetime,
    rules: Rules,
    calendar: Calendar,
) -> Started:
    """Return the voucher used and its first enrolment.

    Starts today or later, at most 60 days ahead and within the months it holds money for, on a day
    whose places belong to the group's academic year. Papers are accepted first where the pack asks
    for them. Raises WrongState, TermPassed, NoSeat, GroupClosed, PapersNotAccepted, BadStart.
    """
    state = may(voucher, "sign")
    check_term(voucher, now)
    if group is None or voucher.group_id != group.group_id:
        raise NoSeat()
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    if rules.terms.papers and voucher.papers != "accepted":
        raise PapersNotAccepted(papers=voucher.papers)
    today = local_day(now)
    last = today + START_WITHIN_DAYS * ONE_DAY
    if voucher.reserved_to is not None:
        last = min(last, Month.parse(voucher.reserved_to).last)
    if not today <= starts_on <= last:
        raise BadStart(first=today.isoformat(), last=last.isoformat())
    if rules.academic_year.year_of(starts_on) != group.academic_year:
        raise BadStart(
            first=today.isoformat(), last=last.isoformat(), academic_year=group.academic_year
        )
    held = group.holders.get(voucher.voucher_id)
    if held is not None and starts_on < held.since:
        # Somebody else has the place until then.
        without = free_seat(group, voucher.voucher_id)
        if free_places(without, from_on=starts_on) < 1:
            raise BadStart(first=held.since.isoformat(), last=last.isoformat())
    used = replace(
        voucher,
        state=state,
        seat="used",
        enrolment_id=enrolment_id,
        first_visit_by=_first_visit_by(starts_on, rules.terms, calendar),
        used_from=voucher.used_from or str(Month.of(starts_on)),
    )
    return Started(used, _enrolment(used, group, enrolment_id, starts_on))


def same_contract(voucher: Voucher, enrolment: Enrolment, starts_on: date) -> Enrolment:
    """Return the enrolment when the contract asked for is the signed one. Raises AnotherContent."""
    if enrolment.starts_on != starts_on:
        raise AnotherContent(voucher_id=voucher.voucher_id)
    return enrolment


def next_start(now: datetime, terms: Terms, calendar: Calendar) -> date:
    """Return the first day of a transfer asked for now: the next working day, or the next day."""
    tomorrow = local_day(now) + ONE_DAY
    return (
        calendar.next_working(tomorrow) if terms.transfer_from == "next-working-day" else tomorrow
    )


def may_transfer(voucher: Voucher, starts_on: date, terms: Terms) -> bool:
    """Return whether the month of that day has a transfer left for this voucher."""
    if not terms.transfers_per_month:
        return True
    return voucher.transfers.count(str(Month.of(starts_on))) < terms.transfers_per_month


def pending(voucher: Voucher, today: date) -> bool:
    """Return whether a transfer was agreed whose old days are not over."""
    return any(leaving.until >= today for leaving in voucher.leaving)


def transfer(
    voucher: Voucher,
    current: Enrolment,
    group: Group,
    *,
    enrolment_id: str,
    form: str,
    now: datetime,
    rules: Rules,
    calendar: Calendar,
    limited: bool = True,
) -> Transferred:
    """Return the voucher in another group, from the day the pack says, without new papers.

    current: the enrolment that ends on the day before; so no day, and no lesson, belongs to two
    providers. form: the new provider's. limited: False when the old provider is suspended or
    removed; then the monthly limit neither counts nor is used up. Where nothing is limited a
    transfer that has not begun may be changed for another. The money held goes along.
    Raises WrongState, TransferPending, OneTransferAMonth, what `check_group` raises, GroupClosed,
    BadStart.
    """
    state = may(voucher, "transfer")
    today = local_day(now)
    terms = rules.terms
    limited = limited and terms.transfers_per_month > 0
    if terms.transfers_per_month and pending(voucher, today):
        raise TransferPending(starts_on=current.starts_on.isoformat())
    starts_on = _transfer_starts(voucher, current, now=now, terms=terms, calendar=calendar)
    if limited and not may_transfer(voucher, starts_on, terms):
        month = Month.of(starts_on).next()
        first = calendar.next_working(month.first)
        ask_from = calendar.previous_working(first - ONE_DAY)
        raise OneTransferAMonth(ask_from=ask_from.isoformat(), starts_from=first.isoformat())
    check_group(voucher, group, form=form, rules=rules)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    if voucher.reserved_to is not None and starts_on > Month.parse(voucher.reserved_to).last:
        last = Month.parse(voucher.reserved_to).last
        raise BadStart(first=starts_on.isoformat(), last=last.isoformat())
    ends_on = max(starts_on, current.starts_on) - ONE_DAY
    ended = replace(current, ends_on=ends_on, state="ended", reason="transfer")
    moved = replace(
        voucher,
        state=state,
        group_id=group.group_id,
        site_id=group.site_id,
        organisation_id=group.organisation_id,
        enrolment_id=enrolment_id,
        transfers=(*voucher.transfers, str(Month.of(starts_on))) if limited else voucher.transfers,
        leaving=_leaving(voucher, ended, joins=group.group_id),
        waiting=wishes_after(voucher.waiting, group.group_id),
    )
    moved = directed(moved, group)
    started = _enrolment(moved, group, enrolment_id, starts_on)
    if current.used_month == str(Month.of(starts_on)):
        started = replace(started, used_month=current.used_month, used_tiyn=current.used_tiyn)
    return Transferred(moved, ended, started)


def _transfer_starts(
    voucher: Voucher, current: Enrolment, *, now: datetime, terms: Terms, calendar: Calendar
) -> date:
    """Return the first day of a transfer, after every day that is another provider's already.

    Today's lessons belong to whom the child was with when the day began, so "same-day" counts only
    while the current enrolment has not begun.
    """
    today = local_day(now)
    if terms.transfer_from == "same-day" and current.starts_on > today:
        left = [leaving.until + ONE_DAY for leaving in voucher.leaving]
        return max([today, *left])
    # A contract that has not begun is moved as a whole: the child is nowhere before its start.
    return max(next_start(now, terms, calendar), current.starts_on)


def close(
    voucher: Voucher,
    current: Enrolment,
    *,
    reason: Closing,
    last_day: date | None,
    by: Actor,
    now: datetime,
    objection_days: int,
    calendar: Calendar,
) -> EnrolmentEnd:
    """Return the voucher closed and its enrolment with a last day, today or later.

    A contract that has not begun by its last day never begins. An exclusion leaves the working
    days in which the representative may object. Raises ClosingReason, WrongState, TransferPending,
    BadLastDay.
    """
    check_closer(reason, by)
    state = may(voucher, "close")
    today = local_day(now)
    first = today
    if reason == "exclusion":
        first = calendar.add_working_days(today, objection_days)
    last = today + END_WITHIN_DAYS * ONE_DAY
    if last_day is None or not first <= last_day <= last:
        raise BadLastDay(first=first.isoformat(), last=last.isoformat())
    if pending(voucher, today) and last_day < current.starts_on:
        raise TransferPending(starts_on=current.starts_on.isoformat())
    ends_on = max(last_day, current.starts_on - ONE_DAY)
    ended = replace(current, ends_on=ends_on, state="ended", reason=reason)
    at_once = ends_on < current.starts_on
    closed = replace(
        leave_seats(voucher),
        state=state,
        site_id=voucher.site_id,
        organisation_id=voucher.organisation_id,
        closed_as=reason,
        leaving=_leaving(voucher, ended, joins=None),
    )
    return EnrolmentEnd(closed, ended, at_once)


def close_unsigned(
    voucher: Voucher, *, reason: Closing, last_day: date | None, by: Actor
) -> Voucher:
    """Return a confirmed voucher closed before any contract; it has no last day.

    Raises ClosingReason, WrongState, BadLastDay.
    """
    check_closer(reason, by)
    state = may(voucher, "close")
    if last_day is not None:
        raise BadLastDay(first=None, last=None)
    return replace(leave_seats(voucher), state=state, closed_as=reason)


def check_closer(reason: Closing, by: Actor) -> None:
    """Raise ClosingReason unless one of the caller's roles may give the reason."""
    if by.roles.isdisjoint(CLOSERS[reason]):
        raise ClosingReason(reasons=sorted(r for r, roles in CLOSERS.items() if roles & by.roles))


def release(
    voucher: Voucher, current: Enrolment | None, *, reason: Closing, last_day: date, now: datetime
) -> Released:
    """Return a voucher ended by itself, or by an officer for fraud, and its enrolment's end.

    last_day: of the enrolment; yesterday or before frees the seat at once. Raises WrongState.
    """
    if current is None:
        state = may(voucher, "cancel" if reason == "fraud" else "release")
        return Released(replace(leave_seats(voucher), state=state, closed_as=reason), None, True)
    state = may(voucher, "annul" if reason == "fraud" else "release")
    ends_on = max(last_day, current.starts_on - ONE_DAY)
    ended = replace(current, ends_on=ends_on, state="ended", reason=reason)
    over = not ended.held or ends_on < local_day(now)
    closed = replace(
        leave_seats(voucher),
        state=state,
        site_id=voucher.site_id,
        organisation_id=voucher.organisation_id,
        closed_as=reason,
        leaving=voucher.leaving if over else _leaving(voucher, ended, joins=None),
    )
    return Released(closed, ended, over)


def check_use(used: Used, today: date) -> None:
    """Raise BadUse unless it is of this month and within the platform's limit."""
    month = str(Month.of(today))
    if used.month != month or not 0 <= used.used_tiyn <= used.limit_tiyn:
        raise BadUse(month=month, most_tiyn=used.limit_tiyn)


def overdue_visit(voucher: Voucher, now: datetime) -> bool:
    """Return whether the term of the first visit is over; whether there was one, visits say."""
    term = voucher.first_visit_by
    return voucher.state == "used" and term is not None and stamp(now) >= term


def _first_visit_by(starts_on: date, terms: Terms, calendar: Calendar) -> str | None:
    if not terms.first_visit_working_days:
        return None
    term = calendar.deadline(start_of(starts_on), working_days=terms.first_visit_working_days)
    return stamp(term)


def lose_place(
    voucher: Voucher,
    current: Enrolment,
    *,
    last_day: date,
    now: datetime,
    terms: Terms,
    calendar: Calendar,
) -> EnrolmentEnd:
    """Return the voucher free to choose again after its kindergarten was removed from the List.

    last_day: the end of the transition; the enrolment ends then, today at the earliest. The
    voucher stays the child's, confirmed, with a whole term from the day after. Raises WrongState.
    """
    state = may(voucher, "lose-place")
    today = local_day(now)
    ends_on = max(last_day, today, current.starts_on - ONE_DAY)
    ended = replace(current, ends_on=ends_on, state="ended", reason="site-removed")
    term = calendar.deadline(start_of(ends_on), working_days=terms.contract_working_days)
    freed = replace(
        voucher,
        state=state,
        group_id=None,
        site_id=None,
        organisation_id=None,
        seat=None,
        enrolment_id=None,
        papers="none",
        first_visit_by=None,
        contract_by=stamp(term),
        leaving=_leaving(voucher, ended, joins=None),
    )
    return EnrolmentEnd(freed, ended, ends_on < current.starts_on)


def note_stay(stays: Stays, enrolment: Enrolment, *, began: Began = "contract") -> Stays:
    """Return a child's stays with an enrolment added, or with its end.

    Switches that never began, and stays that ended more than five years before, are forgotten: a
    family may switch every day, and the row has a limit.
    """
    known = {stay.enrolment_id: stay for stay in stays.stays}
    earlier = known.get(enrolment.enrolment_id)
    known[enrolment.enrolment_id] = Stay(
        enrolment.enrolment_id,
        enrolment.voucher_id,
        enrolment.site_id,
        enrolment.group_id,
        enrolment.starts_on,
        enrolment.ends_on,
        earlier.began if earlier else began,
    )
    oldest = enrolment.starts_on - STAYS_REMEMBER_DAYS * ONE_DAY
    return Stays(tuple(s for s in known.values() if _remembered(s, oldest)))


def _remembered(stay: Stay, oldest: date) -> bool:
    if stay.ends_on is None:
        return True
    return stay.ends_on >= oldest and (stay.began == "contract" or stay.ends_on >= stay.starts_on)


def seats_over(voucher: Voucher, today: date) -> tuple[Voucher, tuple[Leaving, ...]]:
    """Return the voucher without the seats whose last day has passed, and those seats."""
    over = tuple(leaving for leaving in voucher.leaving if leaving.until < today)
    kept = tuple(leaving for leaving in voucher.leaving if leaving.until >= today)
    return replace(voucher, leaving=kept), over


def add_member(roster: Roster, enrolment: Enrolment, *, today: date) -> Roster:
    """Return the roster with one more child; those who left long ago are dropped."""
    member = Member(
        enrolment.enrolment_id,
        enrolment.child_id,
        enrolment.starts_on,
        enrolment.ends_on,
        enrolment.sort,
        enrolment.sen,
        enrolment.used_month,
        enrolment.used_tiyn,
    )
    return replace(roster, members=(*_recent(roster, today), member))


def end_member(roster: Roster, enrolment: Enrolment, *, today: date) -> Roster:
    """Return the roster with an enrolment's last day; one that never began is taken off."""
    if enrolment.ends_on is not None and enrolment.ends_on < enrolment.starts_on:
        return remove_member(roster, enrolment.enrolment_id)
    members = tuple(
        replace(m, ends_on=enrolment.ends_on) if m.enrolment_id == enrolment.enrolment_id else m
        for m in _recent(roster, today)
    )
    return replace(roster, members=members)


def remove_member(roster: Roster, enrolment_id: str) -> Roster:
    """Return the roster without an enrolment."""
    members = tuple(m for m in roster.members if m.enrolment_id != enrolment_id)
    return replace(roster, members=members)


def _recent(roster: Roster, today: date) -> tuple[Member, ...]:
    oldest = today - ROSTER_REMEMBERS_DAYS * ONE_DAY
    return tuple(m for m in roster.members if m.ends_on is None or m.ends_on >= oldest)


def _leaving(voucher: Voucher, ended: Enrolment, *, joins: str | None) -> tuple[Leaving, ...]:
    """Return the seats still used for some days, the ended one among them unless it never began.

    The seat of a group that is joined again is not left.
    """
    kept = tuple(leaving for leaving in voucher.leaving if leaving.group_id != joins)
    if ended.ends_on is None or ended.ends_on < ended.starts_on:
        return kept
    return (*kept, Leaving(ended.group_id, ended.ends_on, ended.enrolment_id))


def _enrolment(voucher: Voucher, group: Group, enrolment_id: str, starts_on: date) -> Enrolment:
    return Enrolment(
        enrolment_id=enrolment_id,
        voucher_id=voucher.voucher_id,
        child_id=voucher.child_id,
        person_id=voucher.person_id,
        programme=voucher.programme,
        area=voucher.area,
        organisation_id=group.organisation_id,
        site_id=group.site_id,
        group_id=group.group_id,
        kind=group.kind,
        hours=group.hours,
        locality=group.locality,
        starts_on=starts_on,
        application_id=voucher.application_id,
        activity=group.activity,
        sen=voucher.sen,
    )
