"""Make a month again: each statement under its own rules, from what was known at its instant.

Nothing of a statement's own rows goes in: who was enrolled comes from the journal's images, what
was marked from the signed uploads, what was said from the sheets' entries, what other sites
claimed from theirs. So a statement that comes out to the byte is proved by its evidence, and one
that does not names the children and the events between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.attendance import actions as attendance
from chalicelib.billing.actions.acts import Change, with_acts
from chalicelib.billing.actions.billing import judge_month, used_before
from chalicelib.billing.actions.gathering import provided
from chalicelib.billing.actions.reckoning import reckon
from chalicelib.billing.rules import pricing, replay
from chalicelib.billing.rules.claimed import Claim
from chalicelib.billing.rules.replay import MonthReplayed, Replayed
from chalicelib.billing.rules.statements import (
    Because,
    MonthForgotten,
    SiteMonth,
    StatedLine,
    Statement,
    plan_statement,
    posted_lines,
    statement_of,
)
from chalicelib.billing.store import statements as store
from chalicelib.journal import store as journal
from chalicelib.journal.store import Image
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.policy.actions import load_pack, load_version
from chalicelib.providers import store as providers
from chalicelib.storage import keys


def replay_month(site_id: str, month: Month, *, by: Actor, now: datetime) -> MonthReplayed:
    """Return a provider-month made again, and what is due otherwise by now.

    Writes nothing. Raises Unknown, and NoRuleInForce, CalendarMissing for a month that no rules or
    no calendar know.
    """
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
    kept, statements = store.load_site_month(site_id, month)
    statements.sort(key=lambda s: s.number)
    if kept is None or not statements:
        load_pack(site.programme, site.area).at(month.last)
        since = _since(site_id, month, kept.value if kept else None, [], now)
        return MonthReplayed(
            site_id=site_id, month=str(month), statements=(), since=since, unwitnessed=0
        )
    past = attendance.Past(site_id, month)
    claims = Claims(kept.value, month)
    unwitnessed, made = 0, []
    for n, posted in enumerate(statements):
        one, lost = _again(posted, statements[:n], kept.value, past, claims)
        made.append(one)
        unwitnessed = max(unwitnessed, lost)
    return MonthReplayed(
        site_id=site_id,
        month=str(month),
        statements=tuple(made),
        since=_since(site_id, month, kept.value, statements, now),
        unwitnessed=unwitnessed,
    )


def _again(
    posted: Statement,
    earlier: Sequence[Statement],
    head: SiteMonth,
    past: attendance.Past,
    claims: Claims,
) -> tuple[Replayed, int]:
    month, today = Month.parse(posted.month), local_day(from_stamp(posted.at))
    own = load_version(posted.pack)
    pack = (own or load_pack(posted.programme, posted.area)).known_on(today)
    then = past.at(posted.at, today=today, pack=pack)
    judged = judge_month(provided(then.facts, month), pack)
    others = claims.others_at(posted.at)
    used = used_before(posted.programme, month, judged, others)
    lines = pricing.due(judged, others, pack=posted.pack, used=used)
    stated = plan_statement(posted_lines(earlier), lines, first=not earlier, pack=posted.pack)
    change = Change(
        site_id=posted.site_id,
        programme=posted.programme,
        month=month,
        pack=pack,
        others=others,
        upto=posted.at,
    )
    if earlier:
        stated = with_acts(stated, earlier, change)
    again = posted_as(head, stated, posted)
    own_bytes, new_bytes = store.bytes_of(posted), store.bytes_of(again)
    acts: dict[str, tuple[Because, ...]] = {}
    if own_bytes != new_bytes:
        acts = _between(posted, again, earlier, change)
    return (
        Replayed(
            number=posted.number,
            at=posted.at,
            pack=posted.pack,
            own_rules=own is not None,
            posted=replay.digest_of(own_bytes),
            replayed=replay.digest_of(new_bytes),
            differs=replay.differing(posted, again, acts),
        ),
        then.unwitnessed,
    )


def posted_as(head: SiteMonth, stated: tuple[StatedLine, ...], posted: Statement) -> Statement:
    """Return the statement of these lines under the number, instant and version of a posted one."""
    if not stated:
        return Statement(
            number=posted.number,
            site_id=head.site_id,
            organisation_id=head.organisation_id,
            programme=head.programme,
            area=head.area,
            month=head.month,
            at=posted.at,
            cause=posted.cause,
            movement_tiyn=0,
            pack=posted.pack,
            lines=(),
        )
    again = statement_of(head, stated, number=posted.number, at=posted.at, pack=posted.pack)
    return replay.as_worded(again, posted)


def _between(
    posted: Statement, again: Statement, earlier: Sequence[Statement], change: Change
) -> dict[str, tuple[Because, ...]]:
    """Return, by child that differs, the acts up to the statement that may have come between."""
    same = {one.line.child_id: one for one in posted.lines}
    odd = [one for one in again.lines if same.get(one.line.child_id) != one]
    gone = {one.line.child_id for one in again.lines}
    odd += [one for one in posted.lines if one.line.child_id not in gone]
    found = with_acts(odd, earlier, change)
    return {one.line.child_id: one.because for one in found}


def _since(
    site_id: str,
    month: Month,
    head: SiteMonth | None,
    statements: Sequence[Statement],
    now: datetime,
) -> tuple[replay.Differs, ...] | None:
    """Return the lines that are due otherwise today, None for a month that rosters forgot."""
    today = local_day(now)
    try:
        shared = head.shared if head is not None else None
        now_due = reckon(site_id, month, shared=shared, today=today)
    except MonthForgotten:
        return None
    lines, pack = now_due.lines(), now_due.pack
    was = posted_lines(statements)
    stated = plan_statement(was, lines, first=not statements, pack=pack.version)
    if statements:
        change = Change(
            site_id=site_id,
            programme=now_due.facts.programme,
            month=month,
            pack=pack,
            others=now_due.others,
            upto=stamp(now),
        )
        stated = with_acts(stated, statements, change)
    return replay.late_lines(was, stated)


class Claims:
    """What other sites claimed of this site's children, as it was written, by instant."""

    def __init__(self, head: SiteMonth, month: Month) -> None:
        self.head, self.month = head, month
        now = store.find_claimants(list(head.shared), head.programme, month)
        sites = {c.site_id for kept in now.values() for c in kept.value.claims}
        sites.add(head.site_id)
        self._images: dict[str, list[tuple[str, Image]]] = {}
        if not head.shared:
            return
        wanted = {
            keys.claimants(child_id, head.programme, month): child_id for child_id in head.shared
        }
        for site_id in sorted(sites):
            for at, image in journal.dated_images_in(f"site-month/{site_id}/{month}"):
                child_id = wanted.get((image.pk, image.sk))
                if child_id is not None:
                    self._images.setdefault(child_id, []).append((at, image))

    def others_at(self, at: str) -> Mapping[str, tuple[Claim, ...]]:
        """Return other sites' claims by child, as they stood at an instant."""
        found: dict[str, tuple[Claim, ...]] = {}
        for child_id, dated in self._images.items():
            known = [image for written_at, image in dated if written_at <= at]
            if known:
                newest = max(known, key=lambda image: image.version)
                claims = store.claimants_in(newest)
                found[child_id] = claims.others(self.head.site_id) if claims else ()
        return found
