"""Bill a provider-month.

A billing holds on to the head of its provider-month: every commit is conditional on the version it
left behind, so of two billers at once one begins again, from the timesheets on. Killed anywhere,
the next run finds the claims that were written and goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.billing.actions.acts import Change, with_acts
from chalicelib.billing.actions.gathering import Gather, gather_month
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import Claim, mark_of, used_units
from chalicelib.billing.rules.judging import Judged, ProviderMonth, judge
from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.rules.statements import (
    MonthNotOver,
    SiteMonth,
    Statement,
    plan_statement,
    posted_lines,
    statement_of,
)
from chalicelib.billing.store import statements as store
from chalicelib.billing.store.statements import (
    Claimants,
    ClaimedElsewhere,
    KeptClaimants,
)
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.shelf import Kept

POSTED = "billing/posted"
BILL = "billing/bill"
# A commit holds 100 writes: the head, the journal's entry, and these.
_CLAIMS_IN_A_COMMIT = 90


@dataclass(frozen=True, slots=True)
class Billed:
    """What one billing did. statement: None when there was nothing to post."""

    statement: Statement | None
    held: str | None = None


@settles
def bill(
    site_id: str, month: Month, *, by: Actor, now: datetime, gather: Gather = gather_month
) -> Billed:
    """Post what a site is due for a month and was not posted yet; nothing when nothing changed.

    Raises Unknown, MonthNotOver, and the pack's refusals.
    """
    if month >= Month.containing(now):
        raise MonthNotOver(month=str(month))
    kept, statements = store.load_site_month(site_id, month)
    provided = gather(site_id, month, local_day(now))
    if not provided.children and kept is None:
        return Billed(None)
    pack = load_pack(provided.programme, provided.area).known_on(local_day(now))
    judged = judge_month(provided, pack)
    desk = _Desk(provided, pack, by, now, kept)
    others = _claim(desk, judged)
    used = used_before(provided.programme, month, judged, others)
    lines = pricing.due(judged, others, pack=pack.version, used=used)
    return _post(desk, statements, lines, others)


def judge_month(provided: ProviderMonth, pack: Pack) -> list[Judged]:
    """Return each child's claim at a site, by the rules of the month's days."""
    working = pack.calendar.working_days_in(provided.month)
    unit = pack.at(provided.month.last).programme.unit
    return [
        judge(child, site_id=provided.site_id, working=working, rules_on=pack.at, unit=unit)
        for child in provided.children
    ]


class _Desk:
    """One billing under way: its head as it was last written."""

    def __init__(
        self,
        provided: ProviderMonth,
        pack: Pack,
        by: Actor,
        now: datetime,
        kept: Kept[SiteMonth] | None,
    ) -> None:
        self.provided, self.pack, self.by, self.now, self.kept = provided, pack, by, now, kept
        self.month = provided.month
        self.head = (
            kept.value
            if kept is not None
            else SiteMonth(
                site_id=provided.site_id,
                organisation_id=provided.organisation_id,
                programme=provided.programme,
                area=provided.area,
                month=str(provided.month),
                direction=provided.direction,
            )
        )

    def commit(self, event: str, head: SiteMonth, writes: Sequence[Write], **facts: object) -> None:
        """Write the head with whatever goes with it, and hold on to its new version."""
        put = store.keep_head(self.kept, head)
        entry = journal.entry(
            event,
            f"site-month/{head.site_id}/{head.month}",
            by=self.by,
            now=self.now,
            pack=self.pack.version,
            **facts,
        )
        journal.commit(entry, put, *writes)
        self.kept, self.head = store.as_kept(put), head


def _claim(desk: _Desk, judged: Iterable[Judged]) -> dict[str, tuple[Claim, ...]]:
    """Write this site's claims where they changed; return other sites' claims by child."""
    site_id, programme = desk.provided.site_id, desk.provided.programme
    wanted = {j.child_id: j.claim for j in judged}
    for child_id in desk.head.claimed:
        wanted.setdefault(child_id, Claim(site_id))
    changed = [
        child_id
        for child_id, claim in sorted(wanted.items())
        if mark_of(claim) != desk.head.claimed.get(child_id, "")
    ]
    fresh = [c for c in changed if c not in desk.head.claimed and c not in desk.head.shared]
    clashed = _open(desk, fresh, wanted)
    read = sorted({*desk.head.shared, *clashed, *(c for c in changed if c not in fresh)})
    found = store.find_claimants(read, programme, desk.month)
    _open(desk, [c for c in read if c not in found], wanted)
    _replace_own(desk, [c for c in read if _alone(found.get(c), site_id)], wanted, found)
    for child_id in read:
        kept = found.get(child_id)
        if kept is not None and not _alone(kept, site_id):
            _join(desk, child_id, wanted.get(child_id, Claim(site_id)), kept)
    return {child_id: kept.value.others(site_id) for child_id, kept in found.items()}


def _open(desk: _Desk, child_ids: Sequence[str], wanted: dict[str, Claim]) -> list[str]:
    """Write first claims on child-months; return the children of parts where a row existed."""
    clashed: list[str] = []
    for start in range(0, len(child_ids), _CLAIMS_IN_A_COMMIT):
        part = child_ids[start : start + _CLAIMS_IN_A_COMMIT]
        rows = [
            store.open_claimants(
                Claimants(
                    child_id=child_id,
                    programme=desk.provided.programme,
                    month=str(desk.month),
                    claims=(wanted[child_id],),
                )
            )
            for child_id in part
        ]
        try:
            desk.commit("billing/claimed", _marked(desk.head, part, wanted), rows)
        except ClaimedElsewhere:
            clashed.extend(part)
    return clashed


def _replace_own(
    desk: _Desk,
    child_ids: Sequence[str],
    wanted: dict[str, Claim],
    found: dict[str, KeptClaimants],
) -> None:
    """Write this site's changed claims into rows that name no other site."""
    site_id = desk.provided.site_id
    for start in range(0, len(child_ids), _CLAIMS_IN_A_COMMIT):
        part = child_ids[start : start + _CLAIMS_IN_A_COMMIT]
        writes = [
            store.join_claimants(found[c], wanted[c])
            for c in part
            if mark_of(found[c].value.of(site_id)) != mark_of(wanted[c])
        ]
        head = _marked(desk.head, part, wanted)
        if writes or head != desk.head:
            desk.commit("billing/claimed", head, writes)


def _alone(kept: KeptClaimants | None, site_id: str) -> bool:
    return kept is not None and not kept.value.others(site_id)


def _join(desk: _Desk, child_id: str, claim: Claim, found: KeptClaimants) -> None:
    """Write this site's claim into a row that names others, and have those billed again."""
    site_id = desk.provided.site_id
    head = _marked(desk.head, [child_id], {child_id: claim})
    same = mark_of(found.value.of(site_id)) == mark_of(claim)
    others = [c.site_id for c in found.value.others(site_id)]
    if child_id not in head.shared:
        head = replace(head, shared=tuple(sorted({*head.shared, child_id})))
    if same:
        if head != desk.head:
            desk.commit("billing/claimed", head, [])
        return
    writes: list[Write] = [store.join_claimants(found, claim)]
    for kept in store.find_heads(desk.month, others).values():
        other = kept.value
        if child_id not in other.shared:
            shared = tuple(sorted({*other.shared, child_id}))
            writes.append(store.keep_head(kept, replace(other, shared=shared)))
    # The other site's days may now be doubled, or its parts rounded otherwise.
    writes += [
        outbox.work(
            f"bill#{other_id}#{desk.month}#{child_id}#{found.version + 1}",
            BILL,
            now=desk.now,
            site_id=other_id,
            month=str(desk.month),
        )
        for other_id in others
    ]
    desk.commit("billing/claimed", head, writes, child=child_id, with_sites=others)


def _marked(head: SiteMonth, child_ids: Iterable[str], wanted: dict[str, Claim]) -> SiteMonth:
    claimed = dict(head.claimed)
    for child_id in child_ids:
        claimed[child_id] = mark_of(wanted[child_id])
    return replace(head, claimed=dict(sorted(claimed.items())))


def used_before(
    programme: str,
    month: Month,
    judged: Iterable[Judged],
    others: Mapping[str, Sequence[Claim]],
) -> dict[str, dict[str, int]]:
    """Return what earlier months used of yearly caps, for the children whom it concerns."""
    used: dict[str, dict[str, int]] = {}
    for one in judged:
        codes = {
            code
            for claim in (one.claim, *others.get(one.child_id, ()))
            for code, cap in claim.caps.items()
            if cap.year is not None
        }
        if codes:
            months = store.list_earlier_claims(one.child_id, programme, month)
            used[one.child_id] = {c: used_units(months, c) for c in sorted(codes)}
    return used


def _post(
    desk: _Desk,
    statements: list[Statement],
    lines: dict[str, Line],
    others: Mapping[str, Sequence[Claim]],
) -> Billed:
    """Post the difference between what is due and what was posted, or note what holds it."""
    head = replace(desk.head, closed=desk.provided.closed, direction=desk.provided.direction)
    figured = public_figures.with_due(head, lines.values())
    stated = plan_statement(
        posted_lines(statements), lines, first=not statements, pack=desk.pack.version
    )
    if not stated:
        clear = replace(figured, held=None)
        if clear != desk.head:
            desk.commit("billing/looked", clear, [])
        return Billed(None)
    number, at = len(statements) + 1, stamp(desk.now)
    if statements:
        change = Change(
            site_id=figured.site_id,
            programme=figured.programme,
            month=desk.month,
            pack=desk.pack,
            others=others,
            upto=at,
        )
        stated = with_acts(stated, statements, change)
    statement = statement_of(figured, stated, number=number, at=at, pack=desk.pack.version)
    head = replace(
        figured,
        statements=number,
        posted_tiyn=figured.posted_tiyn + statement.movement_tiyn,
        held=None,
    )
    writes: list[Write] = [store.post(statement)]
    writes += _booked(desk, statement)
    writes.append(
        outbox.work(
            f"posted#{head.site_id}#{head.month}#{number}",
            POSTED,
            now=desk.now,
            site_id=head.site_id,
            month=head.month,
        )
    )
    try:
        desk.commit(
            "billing/posted",
            head,
            writes,
            statement=number,
            movement_tiyn=statement.movement_tiyn,
            cause=statement.cause,
        )
    except BudgetShort as refusal:
        waiting = replace(figured, held=refusal.code)
        if waiting != desk.head:
            desk.commit("billing/held", waiting, [], reason=refusal.code)
        return Billed(None, held=refusal.code)
    return Billed(statement)


def _booked(desk: _Desk, statement: Statement) -> list[Write]:
    """Describe the posting of a statement, from what pays it to what the provider is owed."""
    month = desk.month
    accrued = ledger.accrued(statement.site_id, month)
    recoverable = ledger.recoverable(statement.site_id, month)
    held = books.balances([accrued, recoverable]) if statement.number > 1 else {}
    _, on_accrued, on_recoverable = ledger.accrual(
        statement.movement_tiyn,
        accrued_tiyn=held.get(accrued, 0),
        recoverable_tiyn=held.get(recoverable, 0),
    )
    paying, short = _paying(desk, statement.movement_tiyn)
    parents_tiyn = statement.parents_movement_tiyn
    posting = ledger.posting(
        statement.posting,
        (
            *paying,
            (accrued, on_accrued),
            (recoverable, on_recoverable),
            # What families owe stands beside the state's money, in the same posting.
            (ledger.parents(statement.site_id, month), parents_tiyn),
            (ledger.fees(statement.site_id, month), -parents_tiyn),
        ),
        at=statement.at,
        site=statement.site_id,
        month=str(month),
        statement=str(statement.number),
    )
    return books.book(posting, otherwise=short)


def _paying(
    desk: _Desk, movement_tiyn: int
) -> tuple[tuple[tuple[str, int], ...], dict[str, Refusal]]:
    """Return what pays a statement, and the refusals of accounts that hold too little.

    Where the site's vouchers reserve money when they are issued, what is committed for the month
    pays, and only what it lacks comes from the budget; else the budget pays.
    """
    provided, month = desk.provided, desk.month
    rules = desk.pack.at(month.last)
    direction = provided.direction if rules.budget.by == "kind" else ""
    if any(kind.reserved for kind in rules.kinds_for(provided.form)):
        return budgets.using(provided.programme, provided.area, month, direction, movement_tiyn)
    money = ledger.budget(provided.programme, provided.area, month.year, direction)
    short = budgets.short(provided.programme, provided.area, month.year, direction)
    return ((money, -movement_tiyn),), {money: short}
