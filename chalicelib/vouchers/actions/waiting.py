"""Waiting lists: join, leave, answer an offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import local_day
from chalicelib.providers import store as providers
from chalicelib.providers.rules import free_places
from chalicelib.storage.commit import settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules
from chalicelib.vouchers.actions import change, offering
from chalicelib.vouchers.actions.enrolling import transfer_offered
from chalicelib.vouchers.rules import CarriedOut, Voucher


@dataclass(frozen=True, slots=True)
class Joined:
    """A voucher on a waiting list; carried_out: how it is moved, None where it is asked."""

    voucher: Voucher
    carried_out: CarriedOut | None


@settles
def join(
    voucher_id: str,
    group_id: str,
    *,
    standing: bool | None = None,
    rank: int | None = None,
    by: Actor,
    now: datetime,
) -> Joined:
    """Put the voucher on a group's waiting list, or say anew what is wished of it.

    standing: to be moved there without being asked again; rank: the how manieth wish it is. Said
    already, nothing changes. A place that is free for it is given at once.

    Raises Unknown, WrongState, TermPassed, AlreadyThere, AnotherArea, WrongForm, AgeDoesNotFit,
    ActivityAge, SenGroup, GroupClosed, PlaceIsFree, ListsFull.
    """
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    group = providers.load_group(group_id)
    pack = change.pack_of(kept.value)
    judged = pack.at(local_day(now))

    after = rules.join(
        kept.value,
        group.value,
        form=providers.load_site(group.value.site_id).value.form,
        others_wait=offering.next_waiting(group.value, now=now) is not None,
        now=now,
        rules=judged,
        standing=standing,
        rank=rank,
    )

    carried_out: CarriedOut | None = None
    entry = rules.waiting_for(after, group_id)
    if entry is not None and entry.standing:
        movers = judged.iteration.movers and rules.in_runs(after, group.value)
        carried_out = "in-runs" if movers else "as-freed"
    if after == kept.value:
        return Joined(after, carried_out)
    own, rest = change.puts(change.writes(kept, after, now=now))
    first = rules.next_start(now, judged.terms, pack.calendar)
    if group_id in rules.standing_wishes(after) and free_places(group.value, from_on=first):
        # Somebody who could not be asked before may have left a place free.
        rest.append(change.offer_work(group_id, group.version + 1, now=now))
    journal.commit(
        journal.entry(
            "vouchers/waiting",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            group_id=group_id,
            **({"standing": True} if group_id in rules.standing_wishes(after) else {}),
        ),
        own,
        *rest,
        # The group's row moves on too: whoever is about to take a place saw no one waiting.
        providers.keep_group(group, group.value),
    )
    return Joined(after, carried_out)


@settles
def leave(voucher_id: str, group_id: str, *, by: Actor, now: datetime) -> Voucher:
    """Take the voucher off a waiting list, an open offer declined; not on it, nothing changes."""
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    return _off_the_list(kept, group_id, "vouchers/waiting-left", by=by, now=now)


@settles
def answer(
    voucher_id: str,
    group_id: str,
    *,
    accept: bool,
    by: Actor,
    now: datetime,
    name_enrolment: Callable[[], str] = new_id,
) -> Voucher:
    """Accept or decline an offered seat; the same answer again changes nothing.

    Accepting gives up the seat held before, which is offered on; for an enrolled child it is a
    transfer and counts as one. Raises Unknown, NotOffered, WrongState, GroupClosed,
    and what a transfer raises.
    """
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    if not accept:
        if kept.value.group_id == group_id:
            # It was accepted before; a seat is given up by another choice, not by a late no.
            raise rules.NotOffered()
        return _off_the_list(kept, group_id, "vouchers/offer-declined", by=by, now=now)
    if kept.value.group_id == group_id:
        return kept.value
    rules.open_offer(kept.value, group_id, now)
    if kept.value.state == "used":
        return transfer_offered(kept, group_id, name_enrolment(), by=by, now=now)
    group = providers.load_group(group_id)
    pack = change.pack_of(kept.value)
    terms = pack.at(local_day(now)).terms

    after = rules.take_offered(
        kept.value, group.value, now=now, terms=terms, calendar=pack.calendar
    )

    own, rest = change.puts(change.writes(kept, after, now=now, groups={group_id: group}))
    mark = kept.version + 1
    names = change.named(group.value)
    term = change.shown_at(after.contract_by) if after.contract_by else ""
    journal.commit(
        journal.entry(
            "vouchers/offer-accepted",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            group_id=group_id,
            left=kept.value.group_id,
        ),
        own,
        *rest,
        *change.tell(
            after,
            "chosen" if terms.papers else "chosen-to-sign",
            mark,
            now=now,
            **names,
            contract_by=term,
        ),
        change.tell_head(group.value.organisation_id, after, "expected", mark, now=now, **names),
    )
    return after


def _off_the_list(
    kept: Kept[Voucher], group_id: str, event: str, *, by: Actor, now: datetime
) -> Voucher:
    after = rules.leave(kept.value, group_id)
    if after == kept.value:
        return after
    own, rest = change.puts(change.writes(kept, after, now=now))
    entry = journal.entry(
        event,
        f"voucher/{after.voucher_id}",
        by=by,
        now=now,
        pack=change.pack_of(after).version,
        group_id=group_id,
    )
    journal.commit(entry, own, *rest)
    return after
