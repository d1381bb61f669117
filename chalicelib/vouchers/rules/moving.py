"""The state machine of a voucher up to the contract.

A move that the table does not hold is refused with WrongState. Terms end at the instants the
pack's calendar gives; an action that comes late is refused even when the deadlines' job is late
too, so that nobody gains by its delay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.kernel.periods import end_of, from_stamp, local_day, stamp
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import Rules, Terms
from chalicelib.providers.rules import Group, GroupClosed
from chalicelib.vouchers.rules.refusals import (
    ActivityAge,
    AgeDoesNotFit,
    AnotherArea,
    NoSeat,
    OneAtATime,
    PapersReason,
    PapersSettled,
    SenGroup,
    TermPassed,
    WrongForm,
    WrongState,
    forms_called,
)
from chalicelib.vouchers.rules.values import PapersResult, Voucher, VoucherState, Waiting

Move = Literal[
    "confirm",
    "lapse",
    "refuse",
    "choose",
    "judge-papers",
    "unseat",
    "sign",
    "return",
    "transfer",
    "lose-place",
    "close",
    "cancel",
    "wait",
    "take-offered",
    "release",
    "annul",
    "raise",
]

MOVES: Mapping[tuple[VoucherState, Move], VoucherState] = {
    ("issued", "confirm"): "confirmed",
    ("issued", "lapse"): "lapsed",
    ("issued", "refuse"): "refused",
    ("issued", "unseat"): "issued",
    ("issued", "cancel"): "cancelled",
    ("confirmed", "choose"): "confirmed",
    ("confirmed", "judge-papers"): "confirmed",
    ("confirmed", "unseat"): "confirmed",
    ("confirmed", "wait"): "confirmed",
    ("confirmed", "take-offered"): "confirmed",
    ("confirmed", "sign"): "used",
    ("confirmed", "return"): "returned",
    ("confirmed", "close"): "closed",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "release"): "closed",
    ("used", "transfer"): "used",
    ("used", "wait"): "used",
    ("used", "take-offered"): "used",
    ("used", "lose-place"): "confirmed",
    ("used", "close"): "closed",
    ("used", "release"): "closed",
    ("used", "annul"): "cancelled",
    ("issued", "raise"): "issued",
    ("confirmed", "raise"): "confirmed",
    ("used", "raise"): "used",
}


def may(voucher: Voucher, move: Move) -> VoucherState:
    """Return the state a move leads to. Raises WrongState."""
    after = MOVES.get((voucher.state, move))
    if after is None:
        raise WrongState(state=voucher.state)
    return after


def issue(
    *,
    voucher_id: str,
    application_id: str,
    child_id: str,
    person_id: str,
    programme: str,
    area: str,
    age: int,
    academic_year: int,
    language: str,
    kind: str,
    order: str,
    preferences: tuple[str, ...],
    group: Group | None,
    waiting: Iterable[str],
    issued_at: datetime,
    confirm_by: datetime,
    run_id: str,
    pack: str,
    voucher_kind: str = "",
    direction: str = "",
    sen: bool = False,
    reserve_tiyn: int = 0,
    reserved_from: str | None = None,
    reserved_to: str | None = None,
    contract_by: datetime | None = None,
    asked: str = "",
) -> Voucher:
    """Return a new voucher: with a seat reserved in `group`, and on the lists of `waiting`.

    order: text whose order is the merged order, across runs too. contract_by: where the pack asks
    for no confirmation, the term to choose and sign; the voucher is issued confirmed then.
    """
    return Voucher(
        voucher_id=voucher_id,
        application_id=application_id,
        child_id=child_id,
        person_id=person_id,
        programme=programme,
        area=area,
        age=age,
        academic_year=academic_year,
        language=language,
        kind=kind,
        order=order,
        state="issued" if contract_by is None else "confirmed",
        issued_at=stamp(issued_at),
        confirm_by=stamp(confirm_by),
        run_id=run_id,
        pack=pack,
        preferences=preferences,
        group_id=group.group_id if group else None,
        site_id=group.site_id if group else None,
        organisation_id=group.organisation_id if group else None,
        seat="reserved" if group else None,
        waiting=tuple(Waiting(group_id) for group_id in dict.fromkeys(waiting)),
        contract_by=None if contract_by is None else stamp(contract_by),
        voucher_kind=voucher_kind,
        direction=direction,
        sen=sen,
        reserve_tiyn=reserve_tiyn,
        reserved_from=reserved_from,
        reserved_to=reserved_to,
        asked=asked,
    )


def order_at(issued_at: datetime) -> str:
    """Return the order of a voucher that no run issued, among those of runs: by its instant."""
    return f"{stamp(issued_at).replace(':', '').replace('-', '')}-0000000"


def confirm(voucher: Voucher, *, now: datetime, terms: Terms, calendar: Calendar) -> Voucher:
    """Return the voucher confirmed, its contract clock started; once confirmed, as it is.

    Raises WrongState, TermPassed.
    """
    if voucher.state == "confirmed":
        return voucher
    state = may(voucher, "confirm")
    if stamp(now) >= voucher.confirm_by:
        raise TermPassed(term_ended_at=voucher.confirm_by)
    contract_by = calendar.deadline(now, working_days=terms.contract_working_days)
    return replace(voucher, state=state, contract_by=stamp(contract_by))


def lapse(voucher: Voucher) -> Voucher:
    """Return a voucher that was not confirmed in time: it holds nothing any more."""
    return end(voucher, "lapse")


def refuse(voucher: Voucher) -> Voucher:
    """Return a voucher its holder does not want: it holds nothing any more."""
    return end(voucher, "refuse")


def end(voucher: Voucher, move: Literal["lapse", "refuse", "return", "cancel"]) -> Voucher:
    """Return a voucher that ended before any contract, without seats and lists."""
    return leave_seats(replace(voucher, state=may(voucher, move)))


def leave_seats(voucher: Voucher) -> Voucher:
    """Return a voucher without a seat of its own, offers and waiting lists."""
    return replace(
        voucher,
        group_id=None,
        site_id=None,
        organisation_id=None,
        seat=None,
        waiting=(),
        paused_since=None,
    )


def seats_of(voucher: Voucher) -> frozenset[str]:
    """Return the groups in which this voucher holds a seat of any sort."""
    own = {voucher.group_id} if voucher.group_id is not None else set()
    offered = {w.group_id for w in voucher.waiting if w.state == "offered"}
    return frozenset(own | offered | {leaving.group_id for leaving in voucher.leaving})


def age_in(voucher: Voucher, academic_year: int) -> int:
    """Return the child's completed years on the first day of another academic year."""
    return voucher.age + academic_year - voucher.academic_year


def check_group(voucher: Voucher, group: Group, *, form: str, rules: Rules) -> None:
    """Raise AnotherArea, WrongForm, AgeDoesNotFit, ActivityAge or SenGroup, in this order.

    form: the provider's. Language and kind, a club's direction too, are the holder's own choice.
    """
    if (group.programme, group.area) != (voucher.programme, voucher.area):
        raise AnotherArea(area=group.area, programme=group.programme)
    kind = rules.voucher_kinds.get(voucher.voucher_kind, rules.queued_kind)
    if form not in kind.forms:
        raise WrongForm(
            form=form,
            forms=list(kind.forms),
            called=forms_called(form),
            valid_with=forms_called(*kind.forms),
        )
    age = age_in(voucher, group.academic_year)
    if not group.age_from <= age <= group.age_to:
        raise AgeDoesNotFit(age=age, age_from=group.age_from, age_to=group.age_to)
    activity = rules.activities.get(group.activity)
    if activity is not None and not activity.admits(age):
        raise ActivityAge(
            activity=activity.code, age=age, age_from=activity.age_from, age_to=activity.age_to
        )
    if group.sen and not voucher.sen:
        raise SenGroup()


def check_term(voucher: Voucher, now: datetime) -> None:
    """Raise TermPassed when the contract clock has run out."""
    term = _term_ends(voucher)
    if voucher.state == "confirmed" and term is not None and stamp(now) >= term:
        raise TermPassed(term_ended_at=term)


def choose(
    voucher: Voucher, group: Group, *, form: str, now: datetime, rules: Rules, calendar: Calendar
) -> Voucher:
    """Return the voucher with a seat in another group; with this one, as it is.

    New papers are judged by the new provider, so what was judged is forgotten and a clock that
    stood still runs again. The money it holds goes with it to the group's direction. Raises
    OneAtATime, WrongState, TermPassed, what `check_group` raises, GroupClosed; the place itself is
    the group's to give.
    """
    if voucher.state == "used":
        raise OneAtATime(state=voucher.state)
    state = may(voucher, "choose")
    if voucher.group_id == group.group_id:
        return voucher
    check_term(voucher, now)
    check_group(voucher, group, form=form, rules=rules)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    chosen = seated(resumed(replace(voucher, state=state), now, calendar), group)
    return directed(chosen, group)


def directed(voucher: Voucher, group: Group) -> Voucher:
    """Return a voucher whose reserve lies with the direction of a group; others as they are."""
    if not voucher.direction or voucher.direction == group.kind:
        return voucher
    return replace(voucher, direction=group.kind)


def judge_papers(
    voucher: Voucher,
    result: PapersResult,
    reason: str | None,
    *,
    published: Collection[str],
    now: datetime,
    calendar: Calendar,
) -> Voucher:
    """Return the voucher after a kindergarten looked at the papers; the same again, as it is.

    A refusal names one published reason and stops the contract clock; papers brought again, or
    accepted, start it. Raises PapersReason, WrongState, NoSeat, TermPassed, PapersSettled.
    """
    if (result == "refused") != (reason is not None) or (
        reason is not None and reason not in published
    ):
        raise PapersReason(reasons=sorted(published))
    if voucher.state == "used" and result == "accepted":
        return voucher
    state = may(voucher, "judge-papers")
    if voucher.seat is None:
        raise NoSeat()
    check_term(voucher, now)
    match result:
        case "refused":
            if voucher.papers == "accepted":
                raise PapersSettled()
            since = voucher.paused_since or stamp(now)
            return replace(
                voucher, state=state, papers="refused", papers_reason=reason, paused_since=since
            )
        case "accepted":
            running = resumed(voucher, now, calendar)
            return replace(running, state=state, papers="accepted", papers_reason=None)
        case "brought":
            if voucher.papers != "refused":
                return voucher
            running = resumed(voucher, now, calendar)
            return replace(running, state=state, papers="none", papers_reason=None)


def unseat(voucher: Voucher, *, now: datetime, terms: Terms, calendar: Calendar) -> Voucher:
    """Return the voucher without the seat its kindergarten can no longer give.

    The term begins anew: the family is not to lose days for what the kindergarten did.
    """
    state = may(voucher, "unseat")
    term = voucher.contract_by
    if state == "confirmed":
        term = stamp(calendar.deadline(now, working_days=terms.contract_working_days))
    return replace(
        voucher,
        state=state,
        contract_by=term,
        group_id=None,
        site_id=None,
        organisation_id=None,
        seat=None,
        papers="none",
        papers_reason=None,
        paused_since=None,
    )


def overdue_contract(voucher: Voucher, now: datetime) -> bool:
    """Return whether the contract is really missed: clock running, no offer still open."""
    term = _term_ends(voucher)
    return voucher.state == "confirmed" and term is not None and stamp(now) >= term


def _term_ends(voucher: Voucher) -> str | None:
    """Return when the contract term ends; None while it stands still.

    An offer given near the end keeps the voucher alive until it can be answered.
    """
    if voucher.contract_by is None or voucher.paused_since is not None:
        return None
    offers = (w.offered_until for w in voucher.waiting if w.offered_until is not None)
    return max([voucher.contract_by, *offers])


def seated(voucher: Voucher, group: Group) -> Voucher:
    """Return the voucher with a reserved seat in a group, whose papers are still to be seen."""
    return replace(
        voucher,
        group_id=group.group_id,
        site_id=group.site_id,
        organisation_id=group.organisation_id,
        seat="reserved",
        papers="none",
        papers_reason=None,
        waiting=wishes_after(voucher.waiting, group.group_id),
    )


def wishes_after(waiting: Iterable[Waiting], group_id: str) -> tuple[Waiting, ...]:
    """Return the waiting lists of a holder who got a place in a group.

    Nobody is moved on to what was wished less: standing wishes behind this one are over. Where the
    group is none of the wishes, its holder chose by hand; the others ask again from then on.
    """
    listed = tuple(waiting)
    at = next((n for n, w in enumerate(listed) if w.group_id == group_id), None)
    if at is None:
        return tuple(replace(w, standing=False) for w in listed)
    behind = (w for w in listed[at + 1 :] if not w.standing or w.state == "offered")
    return (*listed[:at], *(replace(w, standing=False) for w in behind))


def resumed(voucher: Voucher, now: datetime, calendar: Calendar) -> Voucher:
    """Return the voucher with its clock running: as many working days remain as at the pause.

    The last of them is never less than a whole day after today.
    """
    if voucher.paused_since is None or voucher.contract_by is None:
        return voucher
    day = local_day(from_stamp(voucher.paused_since))
    last = local_day(from_stamp(voucher.contract_by) - timedelta(microseconds=1))
    left = 0
    while day < last:
        day += timedelta(days=1)
        left += calendar.is_working(day)
    contract_by = max(
        stamp(calendar.deadline(now, working_days=max(left, 1))),
        stamp(end_of(last)),
    )
    return replace(voucher, paused_since=None, contract_by=contract_by)
