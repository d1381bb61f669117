"""The holder chooses a group; the head of the chosen provider judges the papers."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.providers import store as providers
from chalicelib.storage.commit import settles
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, offering
from chalicelib.vouchers.rules import PapersResult, Voucher


@settles
def choose(voucher_id: str, group_id: str, *, by: Actor, now: datetime) -> Voucher:
    """Swap the reserved seat for one in another group; the same group again changes nothing.

    The left seat is free in the same commit and offered on; money that the voucher holds goes to
    the new group's direction. Raises Unknown, OneAtATime, WrongState, TermPassed, AnotherArea,
    WrongForm, AgeDoesNotFit, ActivityAge, SenGroup, GroupClosed, OthersWait, NoPlace.
    """
    kept = change.represented(voucher_id, by=by, power="choose", now=now)
    group = providers.load_group(group_id)
    site = providers.load_site(group.value.site_id).value
    pack = change.pack_of(kept.value)
    in_force = pack.at(local_day(now))

    after = rules.choose(
        kept.value,
        group.value,
        form=site.form,
        now=now,
        rules=in_force,
        calendar=pack.calendar,
    )

    if after == kept.value:
        return after
    offering.check_turn(kept.value, group.value, now=now)
    described = change.writes(kept, after, now=now, groups={group_id: group})
    own, rest = change.puts(described)
    mark = kept.version + 1
    names = change.named(group.value, site)
    term = change.shown_at(after.contract_by) if after.contract_by else ""
    # Where nobody asks for papers the family is not told to hand them in.
    what = "chosen" if in_force.terms.papers else "chosen-to-sign"
    journal.commit(
        journal.entry(
            "vouchers/chosen",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            group_id=group_id,
            left=kept.value.group_id,
        ),
        own,
        *rest,
        *change.tell(after, what, mark, now=now, **names, contract_by=term),
        change.tell_head(group.value.organisation_id, after, "expected", mark, now=now, **names),
    )
    return after


@settles
def judge_papers(
    voucher_id: str, result: PapersResult, reason: str | None, *, by: Actor, now: datetime
) -> Voucher:
    """Record what the chosen provider says of the papers; the same again changes nothing.

    Raises Unknown unless the voucher's seat is in the caller's own provider, PapersReason,
    WrongState, NoSeat, TermPassed, PapersSettled.
    """
    kept = store.load_voucher(voucher_id)
    access.demand(by, organisation=kept.value.organisation_id)
    if kept.value.state == "issued":
        raise Unknown()
    pack = change.pack_of(kept.value)
    in_force = pack.at(local_day(now))
    published = [row.code for row in in_force.papers_refusal_reasons]

    after = rules.judge_papers(
        kept.value, result, reason, published=published, now=now, calendar=pack.calendar
    )

    if after == kept.value:
        return after
    own, rest = change.puts(change.writes(kept, after, now=now))
    group = providers.load_group(after.group_id or "").value
    term = change.shown_at(after.contract_by) if after.contract_by else ""
    # A text per reason: each reads whole in every language.
    what = f"papers-refused-{reason}" if reason else f"papers-{result}"
    journal.commit(
        journal.entry(
            "vouchers/papers",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            result=result,
            reason=reason,
        ),
        own,
        *rest,
        *change.tell(
            after,
            what,
            kept.version + 1,
            now=now,
            **change.named(group),
            contract_by=term,
        ),
    )
    return after
