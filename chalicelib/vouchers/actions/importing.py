"""Take over vouchers from a platform that closes: the child goes on in its club.

Family, voucher, holdings, seat, enrolment, roster and money are one commit. What the platform has
paid of the month goes with the child, so that the month's cap is not had twice; days before the
move are that platform's. Where a row came from stands in the voucher and in the journal. An import
opens no side door: a second voucher, a club off the List, a full group, no money are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as people
from chalicelib.children.actions import SignIn
from chalicelib.children.rules import ChildDetails, Provenance, Registration, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, shown_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, GroupClosed, take_seat
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, enrolments
from chalicelib.vouchers.actions.parts import issuing
from chalicelib.vouchers.actions.targeting import held_with, issued_here, reserving
from chalicelib.vouchers.rules import Enrolment, Used, Voucher

NOWHERE = Provenance(platform="", number="", file="", row=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedVoucher:
    """One row of a platform's register. statuses: those that platform had proved."""

    representative: Registration
    sign_in: SignIn | None
    child: ChildDetails
    programme: str
    area: str
    statuses: tuple[str, ...]
    voucher_kind: str
    group_id: str
    issued_at: datetime
    starts_on: date
    used: Used
    source: Provenance


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A voucher that was taken over; cap_tiyn: the month's by the rules in force, None for none."""

    voucher: Voucher
    enrolment: Enrolment
    cap_tiyn: int | None

    @property
    def remaining_tiyn(self) -> int | None:
        if self.cap_tiyn is None:
            return None
        return max(self.cap_tiyn - self.enrolment.used_tiyn, 0)


@settles
def import_voucher(voucher_id: str, row: ImportedVoucher, *, by: Actor, now: datetime) -> TakenOver:
    """Take over a voucher with its club; the same row again gets the same answer.

    Checks in this order: the operator's area; an earlier voucher of that id; when it was issued;
    rules for the area, kind of voucher, statuses; what was used; the group and its place on the
    List; the representative; the child, age and who represents it; what fits the group; what the
    child holds anywhere; place and money. Raises Unknown, AnotherContent, IssuedLater, NoPack,
    NoRuleInForce, OtherKind, UnknownStatus, BadUse, NoSuchGroup, GroupClosed, what registering
    raises, NotOfAge, what `check_group` raises, BadStart, HeldAlready, HeldElsewhere, NoPlace,
    BudgetShort.
    """
    today = local_day(now)
    access.demand(by, area=row.area)
    # Not of where it stood: the same row may be exported again, in another file or line.
    content = fingerprint([replace(row, source=NOWHERE)])
    earlier = store.find_voucher(voucher_id)
    if earlier is not None:
        if earlier.value.asked != content:
            raise AnotherContent()
        return _again(earlier.value)
    if row.issued_at > now:
        raise rules.IssuedLater()
    pack = load_pack(row.programme, row.area)
    in_force = pack.at(today)
    kind = in_force.voucher_kinds.get(row.voucher_kind)
    if kind is None:
        raise rules.OtherKind(known=", ".join(in_force.voucher_kinds))
    in_force.tier_for(row.statuses)
    rules.check_use(row.used, today)
    group = _group(row)
    site = providers.load_site(group.value.site_id).value
    children_rules.check_registration(row.representative)
    children_rules.check_details(row.child, today=today)
    family = children.bring(
        voucher_id, row.representative, row.child, row.sign_in, area=row.area, by=by, now=now
    )
    voucher = replace(
        issued_here(
            voucher_id,
            kind,
            group.value,
            child_id=family.child.child_id,
            person_id=family.person.person_id,
            birth_date=row.child.birth_date,
            sen=in_force.has_sen(row.statuses),
            application_id="",
            issued_at=row.issued_at,
            asked=content,
            pack=pack,
            now=now,
        ),
        papers="accepted",
        source=replace(row.source, at=stamp(now)),
    )
    rules.check_group(voucher, group.value, form=site.form, rules=in_force)
    started = _started(voucher, group.value, row, pack, now=now)
    enrolment = started.enrolment
    if family.registered:
        holdings = people.load_holdings(family.child.child_id)
    else:
        holdings = people.no_holdings(family.child.child_id)
    held = held_with(holdings.value, voucher, now=now)
    held = hold(held, enrolments.holding(enrolment, now))
    taken = take_seat(group.value, voucher_id, "used", enrolment.starts_on)
    own, rest = change.puts(issuing(started.voucher))
    names = change.named(group.value, site)
    day = shown_day(enrolment.starts_on)
    journal.commit(
        journal.entry(
            "vouchers/imported",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            child=family.child.child_id,
            enrolment_id=enrolment.enrolment_id,
            site_id=site.site_id,
            group_id=enrolment.group_id,
            used_month=row.used.month,
            used_tiyn=row.used.used_tiyn,
            platform=row.source.platform,
            number=row.source.number,
            file=row.source.file,
            row=row.source.row,
        ),
        own,
        *rest,
        *reserving(started.voucher, now=now),
        *enrolments.begins(enrolment, now=now),
        providers.keep_group(group, taken),
        people.keep_holdings(holdings, held),
        *family.writes,
        *change.tell(started.voucher, "imported", 1, now=now, **names, starts_on=day),
        change.tell_head(
            enrolment.organisation_id,
            started.voucher,
            "signed-here",
            1,
            now=now,
            **names,
            starts_on=day,
        ),
    )
    return _taken_over(started.voucher, enrolment)


def _group(row: ImportedVoucher) -> Kept[Group]:
    group = providers.find_group(row.group_id)
    if group is None:
        raise rules.NoSuchGroup()
    if (group.value.programme, group.value.area) != (row.programme, row.area):
        raise rules.AnotherArea(area=group.value.area, programme=group.value.programme)
    if not group.value.open:
        raise GroupClosed(group_id=row.group_id)
    return group


def _started(
    voucher: Voucher, group: Group, row: ImportedVoucher, pack: Pack, *, now: datetime
) -> rules.Started:
    """Return the voucher in use, from today at the earliest; nobody waits for a first visit."""
    today = local_day(now)
    started = rules.contract(
        voucher,
        group,
        enrolment_id=fingerprint(["enrolment", voucher.voucher_id])[:26],
        starts_on=max(row.starts_on, today),
        now=now,
        rules=pack.at(today),
        calendar=pack.calendar,
    )
    enrolment = replace(started.enrolment, used_month=row.used.month, used_tiyn=row.used.used_tiyn)
    going_on = row.starts_on <= today
    used = replace(started.voucher, first_visit_by=None) if going_on else started.voucher
    return rules.Started(used, enrolment)


def _again(voucher: Voucher) -> TakenOver:
    """Return what was answered when the row was first taken over."""
    stays = store.find_stays(voucher.child_id, voucher.programme).value.stays
    first = next(s for s in stays if s.voucher_id == voucher.voucher_id)
    return _taken_over(voucher, store.load_enrolment(first.site_id, first.enrolment_id).value)


def _taken_over(voucher: Voucher, enrolment: Enrolment) -> TakenOver:
    """Return a voucher taken over with its month's cap, by the rules of its first day."""
    in_force = change.pack_of(voucher).at(enrolment.starts_on)
    rate = in_force.rate_for(enrolment.kind, enrolment.hours, enrolment.locality, enrolment.sen)
    return TakenOver(voucher, enrolment, rate.month_max_tiyn)
