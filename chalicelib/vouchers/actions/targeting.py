"""A voucher without a queue: where the provider's form asks for none, a free place is enough.

Voucher, seat and what the child holds are one commit; one voucher per child and programme in the
whole country is the condition of the holdings' row. The contract follows as for any voucher.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.reserving import last_month
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.children.rules import HELD_WORDS, ChildDetails, Holding, Holdings, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Rules, VoucherKind
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, GroupClosed, Site, take_seat
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, offering
from chalicelib.vouchers.actions.enrolling import sign
from chalicelib.vouchers.actions.parts import issuing
from chalicelib.vouchers.rules import Enrolment, Voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAsked:
    """A place that is wanted for a child, known (child_id) or described; one of the two.

    starts_on: the contract is signed at once, from that day.
    """

    group_id: str
    child_id: str | None = None
    child: ChildDetails | None = None
    starts_on: date | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What a voucher is to hold: in each of these months, YYYY-MM; nothing by default."""

    direction: str = ""
    month_tiyn: int = 0
    first: str | None = None
    last: str | None = None


def target(
    voucher_id: str, asked: TargetAsked, *, by: Actor, now: datetime
) -> tuple[Voucher, Enrolment | None]:
    """Issue a voucher for a free place without a queue, and sign when a first day is named.

    The same again gets the same answer. Checks in this order: group; whether its form needs a
    queue; the child and who acts for it; age; what fits the group; who waits for the place; what
    the child holds anywhere. Raises Unknown, PowerMissing, AnotherContent, NeedsQueue, what
    registering a child raises, NotOfAge, what `choose` and `sign` raise, HeldAlready,
    HeldElsewhere, BudgetShort.
    """
    voucher = _issued(voucher_id, asked, by=by, now=now)
    signing = asked.starts_on is not None and (
        voucher.enrolment_id is not None or voucher.group_id == asked.group_id
    )
    if not signing or asked.starts_on is None:
        return voucher, None
    enrolment = sign(voucher_id, asked.starts_on, by=by, now=now)
    return store.load_voucher(voucher_id).value, enrolment


@settles
def _issued(voucher_id: str, asked: TargetAsked, *, by: Actor, now: datetime) -> Voucher:
    today = local_day(now)
    content = fingerprint([asked.child_id, asked.child, asked.group_id])
    earlier = store.find_voucher(voucher_id)
    if earlier is not None:
        children.acting_for(earlier.value.child_id, by, None, today)
        if earlier.value.asked != content:
            raise AnotherContent(voucher_id=voucher_id)
        return earlier.value
    group = providers.load_group(asked.group_id)
    site = providers.load_site(group.value.site_id).value
    pack = load_pack(group.value.programme, group.value.area)
    in_force = pack.at(today)
    kind = next((k for k in in_force.kinds_for(site.form) if not k.queued), None)
    if kind is None:
        raise rules.NeedsQueue(form=site.form, called=rules.forms_called(site.form))
    child_id = asked.child_id
    if child_id is None:
        if asked.child is None:
            raise rules.ChildOrId()
        area = group.value.area
        child_id = children.child_for(
            asked.child, area=area, named=voucher_id, by=by, now=now
        ).child_id
    elif asked.child is not None:
        raise rules.ChildOrId()
    person = children.acting_for(child_id, by, "apply", today)
    voucher = issued_here(
        voucher_id,
        kind,
        group.value,
        child_id=child_id,
        person_id=person.person_id,
        birth_date=people.load_birth_date(child_id),
        sen=False,
        application_id="",
        issued_at=now,
        asked=content,
        pack=pack,
        now=now,
    )
    _check(voucher, group.value, site, asked.starts_on, pack, now=now)
    holdings = people.load_holdings(child_id)
    held = held_with(holdings.value, voucher, now=now)
    taken = take_seat(group.value, voucher_id, "reserved", today)
    own, rest = change.puts(issuing(voucher))
    names = change.named(group.value, site)
    journal.commit(
        journal.entry(
            "vouchers/target-issued",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            voucher_kind=kind.code,
            child=child_id,
            site_id=site.site_id,
            group_id=group.value.group_id,
        ),
        own,
        *rest,
        *reserving(voucher, now=now),
        providers.keep_group(group, taken),
        people.keep_holdings(holdings, held),
        *change.tell(
            voucher,
            "target-issued",
            1,
            now=now,
            **names,
            contract_by=change.shown_at(voucher.contract_by or ""),
        ),
        _head_told(voucher, group.value, names, now=now),
    )
    return voucher


def issued_here(
    voucher_id: str,
    kind: VoucherKind,
    group: Group,
    *,
    child_id: str,
    person_id: str,
    birth_date: date,
    sen: bool,
    application_id: str,
    issued_at: datetime,
    asked: str,
    pack: Pack,
    now: datetime,
) -> Voucher:
    """Return a confirmed voucher with a seat in a group that is entitled to it without a run.

    It holds money where its kind does. Raises NotOfAge.
    """
    today = local_day(now)
    in_force = pack.at(today)
    fit = in_force.cohorts.eligible(birth_date, today)
    if not fit:
        raise rules.NotOfAge(reason=fit.reason)
    year = in_force.academic_year.year_of(today)
    money = reserve_for(kind, group, in_force, sen=sen, today=today)
    return rules.issue(
        voucher_id=voucher_id,
        application_id=application_id,
        child_id=child_id,
        person_id=person_id,
        programme=group.programme,
        area=group.area,
        age=in_force.academic_year.age_on(birth_date, year),
        academic_year=year,
        language=group.language,
        kind=group.kind,
        order=rules.order_at(issued_at),
        preferences=(),
        group=group,
        waiting=(),
        issued_at=issued_at,
        confirm_by=issued_at,
        contract_by=pack.calendar.deadline(now, working_days=in_force.terms.contract_working_days),
        run_id="",
        pack=pack.version,
        voucher_kind=kind.code,
        sen=sen,
        asked=asked,
        direction=money.direction,
        reserve_tiyn=money.month_tiyn,
        reserved_from=money.first,
        reserved_to=money.last,
    )


def reserve_for(
    kind: VoucherKind, group: Group, in_force: Rules, *, sen: bool, today: date
) -> Money:
    """Return the money a voucher of that kind holds from this month on; none where none is held."""
    if not kind.reserved:
        return Money()
    month = Month.of(today)
    return Money(
        group.kind if in_force.budget.by == "kind" else "",
        in_force.month_max_tiyn(sen),
        str(month),
        str(last_month(in_force.budget.reserve_until, month)),
    )


def reserving(voucher: Voucher, *, now: datetime) -> list[Write]:
    """Describe the promise of the money that a new voucher holds. Raises BudgetShort in commit."""
    held = rules.reserves_of(voucher)
    if not held:
        return []
    return budgets.reserving(f"reserve#{voucher.voucher_id}", held, at=stamp(now))


def held_with(holdings: Holdings, voucher: Voucher, *, now: datetime) -> Holdings:
    """Return a child's holdings with a voucher. Raises HeldAlready, HeldElsewhere.

    Anything live in the programme, in any area, stands in the way: nobody has two vouchers, and
    nobody waits for one with another in hand.
    """
    for held in holdings.held:
        if held.programme == voucher.programme:
            raise rules.HeldAlready(
                held=held.kind, called=HELD_WORDS[held.kind], area=held.area, since=held.since
            )
    beside = children.beside(holdings, voucher.programme, voucher.area, local_day(now))
    holding = Holding(
        kind="voucher",
        id=voucher.voucher_id,
        programme=voucher.programme,
        area=voucher.area,
        since=stamp(now),
    )
    return hold(holdings, holding, beside=beside)


def _check(
    voucher: Voucher,
    group: Group,
    site: Site,
    starts_on: date | None,
    pack: Pack,
    *,
    now: datetime,
) -> None:
    """Raise what stands in the way of the place, and of the first day named, before any write."""
    in_force = pack.at(local_day(now))
    rules.check_group(voucher, group, form=site.form, rules=in_force)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    offering.check_turn(voucher, group, now=now)
    if starts_on is not None:
        rules.contract(
            voucher,
            group,
            enrolment_id="-",
            starts_on=starts_on,
            now=now,
            rules=in_force,
            calendar=pack.calendar,
        )


def _head_told(voucher: Voucher, group: Group, names: dict[str, str], *, now: datetime) -> Put:
    return change.tell_head(group.organisation_id, voucher, "expected", 1, now=now, **names)
