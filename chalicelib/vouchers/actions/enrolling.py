"""Contract, transfer, closure: each one commit over voucher, seats, enrolments, rosters, holdings.

A child's stays are kept in one row per programme, so that whoever asks about a past month finds
every provider of it, after a transfer and after the voucher was closed too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.children.rules import hold, swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import local_day, shown_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, SiteState
from chalicelib.storage.commit import Raced, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, enrolments, offering
from chalicelib.vouchers.rules import Closing, Enrolment, Transferred, Voucher

# Leaving such a kindergarten is not the family's wish, so it is not counted.
LEFT_TO_ITSELF = frozenset({SiteState.SUSPENDED, SiteState.REMOVED})


@settles
def sign(
    voucher_id: str,
    starts_on: date,
    *,
    by: Actor,
    now: datetime,
    name_enrolment: Callable[[], str] = new_id,
) -> Enrolment:
    """Sign the contract with the chosen provider; the same again gets the same enrolment.

    Raises Unknown, AnotherContent, WrongState, TermPassed, NoSeat, PapersNotAccepted, BadStart,
    GroupClosed, AlreadyHeld.
    """
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    voucher = kept.value
    if voucher.enrolment_id is not None:
        return _same_contract(voucher, starts_on)
    group = providers.load_group(voucher.group_id) if voucher.group_id else None
    pack = change.pack_of(voucher)

    started = rules.contract(
        voucher,
        group.value if group else None,
        enrolment_id=name_enrolment(),
        starts_on=starts_on,
        now=now,
        rules=pack.at(local_day(now)),
        calendar=pack.calendar,
    )

    enrolment = started.enrolment
    holdings = people.load_holdings(voucher.child_id)
    held = hold(holdings.value, enrolments.holding(enrolment, now))
    groups = {enrolment.group_id: group} if group else {}
    described = change.writes(
        kept, started.voucher, now=now, groups=groups, starts_on=enrolment.starts_on
    )
    own, rest = change.puts(described)
    mark = kept.version + 1
    names = change.named(group.value) if group else {}
    day = shown_day(enrolment.starts_on)
    journal.commit(
        journal.entry(
            "vouchers/signed",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            enrolment_id=enrolment.enrolment_id,
            site_id=enrolment.site_id,
            group_id=enrolment.group_id,
            starts_on=enrolment.starts_on.isoformat(),
        ),
        own,
        *rest,
        *enrolments.begins(enrolment, now=now),
        people.keep_holdings(holdings, held),
        *change.tell(started.voucher, "signed", mark, now=now, **names, starts_on=day),
        change.tell_head(
            enrolment.organisation_id,
            started.voucher,
            "signed-here",
            mark,
            now=now,
            **names,
            starts_on=day,
        ),
    )
    return enrolment


@settles
def transfer(
    voucher_id: str,
    group_id: str,
    *,
    by: Actor,
    now: datetime,
    name_enrolment: Callable[[], str] = new_id,
) -> Enrolment:
    """Move an enrolled child to another group; the same again gets the same answer.

    One commit: the old enrolment ends on the day before, the new one starts, the seats are
    swapped, both rosters, the holdings and the money held follow. Raises Unknown, WrongState,
    TransferPending, OneTransferAMonth, AnotherArea, WrongForm, AgeDoesNotFit, ActivityAge,
    SenGroup, OthersWait, GroupClosed, NoPlace, BadStart.
    """
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    rules.may(kept.value, "transfer")
    current = _current(kept.value)
    if kept.value.group_id == group_id:
        return current.value
    group = providers.load_group(group_id)
    moved, pack = _transferred(kept, current, group.value, name_enrolment(), now=now)
    offering.check_turn(kept.value, group.value, now=now)
    _commit_transfer(kept, current, group, moved, pack, by=by, now=now)
    return moved.started


def transfer_offered(
    kept: Kept[Voucher], group_id: str, enrolment_id: str, *, by: Actor, now: datetime
) -> Voucher:
    """Move an enrolled child to the seat that a waiting list offered; it counts as a transfer."""
    group = providers.load_group(group_id)
    current = _current(kept.value)
    moved, pack = _transferred(kept, current, group.value, enrolment_id, now=now)
    _commit_transfer(kept, current, group, moved, pack, by=by, now=now)
    return moved.voucher


@settles
def close(
    voucher_id: str,
    reason: Closing,
    last_day: date | None,
    *,
    by: Actor,
    now: datetime,
) -> Voucher:
    """Close a voucher: its enrolment ends on a day, today or later, and its seat after it.

    By the representative or, for some reasons, by the head of the child's provider. A
    confirmed voucher without a contract needs no last day. Money for months after it goes back to
    the budget. The same again changes nothing.
    Raises Unknown, AnotherContent, ClosingReason, WrongState, TransferPending, BadLastDay.
    """
    kept = store.load_voucher(voucher_id)
    voucher = kept.value
    if not _is_own_head(voucher, by):
        children.acting_for(voucher.child_id, by, "withdraw", local_day(now))
    pack = change.pack_of(voucher)
    if voucher.enrolment_id is None:
        return _close_unsigned(kept, reason, last_day, by=by, now=now)
    current = _current(voucher)
    if voucher.closed_as is not None:
        ends_on = current.value.ends_on
        cancelled = ends_on is not None and ends_on < current.value.starts_on
        same_day = last_day == ends_on or (cancelled and last_day is not None)
        if voucher.closed_as != reason or not same_day:
            raise AnotherContent(voucher_id=voucher_id)
        return voucher
    in_force = pack.at(local_day(now))

    ended = rules.close(
        voucher,
        current.value,
        reason=reason,
        last_day=last_day,
        by=by,
        now=now,
        objection_days=in_force.exclusion.objection_working_days,
        calendar=pack.calendar,
    )

    holdings = people.load_holdings(voucher.child_id)
    held = swap(holdings.value, voucher_id)
    if ended.at_once:
        held = swap(held, ended.enrolment.enrolment_id)
    own, rest = change.puts(change.writes(kept, ended.voucher, now=now))
    mark = kept.version + 1
    group = providers.load_group(current.value.group_id).value
    day = shown_day(ended.enrolment.ends_on or local_day(now))
    facts = {**change.named(group), "last_day": day}
    journal.commit(
        journal.entry(
            "vouchers/closed",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            reason=reason,
            enrolment_id=ended.enrolment.enrolment_id,
            ends_on=str(ended.enrolment.ends_on),
        ),
        own,
        *rest,
        *enrolments.ends(current, ended.enrolment, now=now),
        people.keep_holdings(holdings, held),
        *change.tell(ended.voucher, "closed", mark, now=now, **facts, reason=reason),
        change.tell_head(
            ended.enrolment.organisation_id,
            ended.voucher,
            "left",
            mark,
            now=now,
            **facts,
            reason=reason,
        ),
    )
    return ended.voucher


@settles
def lose_place(voucher_id: str, site_id: str, last_day: date, *, by: Actor, now: datetime) -> bool:
    """End an enrolment at a removed provider; the voucher stays and may choose again.

    Returns whether there was one.
    """
    kept = store.find_voucher(voucher_id)
    if kept is None or (kept.value.state, kept.value.site_id) != ("used", site_id):
        return False
    current = _current(kept.value)
    pack = change.pack_of(kept.value)
    terms = pack.at(local_day(now)).terms

    ended = rules.lose_place(
        kept.value, current.value, last_day=last_day, now=now, terms=terms, calendar=pack.calendar
    )

    own, rest = change.puts(change.writes(kept, ended.voucher, now=now))
    if ended.at_once:
        holdings = people.load_holdings(ended.voucher.child_id)
        held = swap(holdings.value, ended.enrolment.enrolment_id)
        rest.append(people.keep_holdings(holdings, held))
    term = ended.voucher.contract_by or ""
    journal.commit(
        journal.entry(
            "vouchers/place-lost",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            enrolment_id=ended.enrolment.enrolment_id,
            ends_on=str(ended.enrolment.ends_on),
        ),
        own,
        *rest,
        *enrolments.ends(current, ended.enrolment, now=now),
        *change.tell(
            ended.voucher,
            "choose-again",
            kept.version + 1,
            now=now,
            site=providers.load_site(site_id).value.name,
            contract_by=change.shown_at(term),
        ),
    )
    return True


@settles
def end_seats(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """Free the seats whose last day has passed; return whether there were any.

    With the last enrolment's end the child holds nothing in the programme any more.
    """
    kept = store.find_voucher(voucher_id)
    if kept is None:
        return False
    voucher, over = rules.seats_over(kept.value, local_day(now))
    if not over:
        return False
    own, rest = change.puts(change.writes(kept, voucher, now=now))
    # After a closure the enrolment was held to its last day, so that no other could overlap it.
    holdings = people.load_holdings(voucher.child_id)
    held = holdings.value
    for leaving in over:
        held = swap(held, leaving.enrolment_id)
    if held != holdings.value:
        rest.append(people.keep_holdings(holdings, held))
    journal.commit(
        journal.entry(
            "vouchers/seats-ended",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(voucher).version,
            groups=[leaving.group_id for leaving in over],
        ),
        own,
        *rest,
    )
    return True


# --- parts of the three -------------------------------------------------------------------------


def _current(voucher: Voucher) -> Kept[Enrolment]:
    return store.load_enrolment(voucher.site_id or "", voucher.enrolment_id or "")


def _same_contract(voucher: Voucher, starts_on: date) -> Enrolment:
    """Return the enrolment of the signed contract when it was asked for in the same way."""
    stays = store.find_stays(voucher.child_id, voucher.programme).value.stays
    signed = [s for s in stays if (s.voucher_id, s.began) == (voucher.voucher_id, "contract")][-1]
    enrolment = store.load_enrolment(signed.site_id, signed.enrolment_id).value
    return rules.same_contract(voucher, enrolment, starts_on)


def _transferred(
    kept: Kept[Voucher],
    current: Kept[Enrolment],
    group: Group,
    enrolment_id: str,
    *,
    now: datetime,
) -> tuple[Transferred, Pack]:
    pack = change.pack_of(kept.value)
    left = providers.load_site(current.value.site_id).value
    joined = left
    if group.site_id != left.site_id:
        joined = providers.load_site(group.site_id).value
    moved = rules.transfer(
        kept.value,
        current.value,
        group,
        enrolment_id=enrolment_id,
        form=joined.form,
        now=now,
        rules=pack.at(local_day(now)),
        calendar=pack.calendar,
        limited=left.state not in LEFT_TO_ITSELF,
    )
    return moved, pack


def _commit_transfer(
    kept: Kept[Voucher],
    current: Kept[Enrolment],
    group: Kept[Group],
    moved: Transferred,
    pack: Pack,
    *,
    by: Actor,
    now: datetime,
) -> None:
    voucher, ended, started = moved.voucher, moved.ended, moved.started
    holdings = people.load_holdings(voucher.child_id)
    if all(holding.id != ended.enrolment_id for holding in holdings.value.held):
        raise Raced()  # another moved the child after the voucher was read
    held = swap(holdings.value, ended.enrolment_id, enrolments.holding(started, now))
    described = change.writes(
        kept,
        voucher,
        now=now,
        groups={started.group_id: group},
        starts_on=started.starts_on,
    )
    own, rest = change.puts(described)
    mark = kept.version + 1
    names = change.named(group.value)
    day = shown_day(started.starts_on)
    old = change.named(providers.load_group(ended.group_id).value)
    journal.commit(
        journal.entry(
            "vouchers/transferred",
            f"voucher/{voucher.voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            left_site=ended.site_id,
            left_group=ended.group_id,
            left_enrolment=ended.enrolment_id,
            site_id=started.site_id,
            group_id=started.group_id,
            enrolment_id=started.enrolment_id,
            starts_on=started.starts_on.isoformat(),
        ),
        own,
        *rest,
        store.keep_enrolment(current, ended),
        store.create_enrolment(started),
        *enrolments.rosters([started], [ended], now=now),
        enrolments.stays([started], [ended], began="transfer"),
        people.keep_holdings(holdings, held),
        *change.tell(voucher, "transferred", mark, now=now, **names, starts_on=day),
        change.tell_head(
            started.organisation_id,
            voucher,
            "signed-here",
            mark,
            now=now,
            **names,
            starts_on=day,
        ),
        change.tell_head(
            ended.organisation_id,
            voucher,
            "left",
            mark,
            now=now,
            **old,
            last_day=shown_day(ended.ends_on or local_day(now)),
            reason="transfer",
        ),
    )


def _close_unsigned(
    kept: Kept[Voucher], reason: Closing, last_day: date | None, *, by: Actor, now: datetime
) -> Voucher:
    if kept.value.closed_as is not None:
        if kept.value.closed_as != reason or last_day is not None:
            raise AnotherContent(voucher_id=kept.value.voucher_id)
        return kept.value
    after = rules.close_unsigned(kept.value, reason=reason, last_day=last_day, by=by)
    holdings = people.load_holdings(after.child_id)
    own, rest = change.puts(change.writes(kept, after, now=now))
    journal.commit(
        journal.entry(
            "vouchers/closed",
            f"voucher/{after.voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(after).version,
            reason=reason,
        ),
        own,
        *rest,
        people.keep_holdings(holdings, swap(holdings.value, after.voucher_id)),
    )
    return after


def _is_own_head(voucher: Voucher, by: Actor) -> bool:
    """Return whether the caller heads the child's kindergarten. Raises Unknown for other heads."""
    reaching = access.reaching(by, organisation=voucher.organisation_id)
    if Role.HEAD in reaching and voucher.enrolment_id is not None:
        return True
    if not by.has(Role.REPRESENTATIVE):
        raise Unknown()
    return False
