"""Bill provider-months, allot budgets, show what was posted.

A billing holds on to the head of its provider-month: every commit is conditional on the version it
left behind, so of two billers at once one begins again, from the timesheets on. Killed anywhere,
the next run finds the claims that were written and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.attendance import actions as attendance
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules import ledger, pricing
from chalicelib.billing.rules.ledger import BudgetShort
from chalicelib.billing.rules.pricing import (
    PRESENT,
    ChildMonth,
    Claim,
    Day,
    Judged,
    Line,
    ProviderMonth,
    Stay,
)
from chalicelib.billing.rules.statements import (
    MonthForgotten,
    MonthNotOver,
    SiteMonth,
    Statement,
    Waiting,
    plan_statement,
    posted_lines,
    why_not_paid,
)
from chalicelib.billing.store import ledger as books
from chalicelib.billing.store import statements as store
from chalicelib.billing.store.statements import (
    Allotment,
    BillingRun,
    Budget,
    Claimants,
    ClaimedElsewhere,
)
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import DateRange, Month, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules.enrolling import ROSTER_REMEMBERS_DAYS

POSTED = "billing/posted"
BILL = "billing/bill"
# A commit holds 100 writes: the head, the journal's entry, and these.
_CLAIMS_IN_A_COMMIT = 90
# Months for which corrections are looked for again on the first check day; rosters know these.
MONTHS_BACK = 2

Gather = Callable[[str, Month, date], ProviderMonth]


@dataclass(frozen=True, slots=True)
class Billed:
    """What one billing did. statement: None when there was nothing to post."""

    statement: Statement | None
    held: str | None = None


# --- billing a provider-month -------------------------------------------------------------------


def gather_month(site_id: str, month: Month, today: date) -> ProviderMonth:
    """Return a site's children with their days and stays. Raises Unknown for no such site.

    The sort of group is the enrolment's: it stays what it was when the group changes later.
    Rosters forget who left long ago; a month they no longer know whole is not billed again, or
    what was posted for those children would be taken back. Raises MonthForgotten.
    """
    if (today - month.first).days > ROSTER_REMEMBERS_DAYS:
        raise MonthForgotten(month=str(month))
    facts = attendance.month_for_billing(site_id, month, today=today)
    sorts = {s.enrolment_id: s.sort for child in facts.children for s in child.stays}
    if None in sorts.values():
        # A roster from before it carried the sort of group: the enrolments know.
        enrolled = vouchers.list_enrolments(site_id, first=month.first, last=month.last)
        sorts |= {e.enrolment_id: e.sort for e in enrolled}
    children = [
        ChildMonth(
            child_id=child.child_id,
            days=tuple(
                Day(
                    day.on,
                    day.code,
                    # Presence is proved by its mark; the paper is for absences.
                    day.proved or day.code == PRESENT,
                    "undecided" if day.standing == "open" else day.standing,
                )
                for day in child.days
            ),
            stays=tuple(
                _stay(stay.days, sort)
                for stay in child.stays
                if (sort := sorts[stay.enrolment_id]) is not None
            ),
        )
        for child in facts.children
    ]
    return ProviderMonth(
        site_id=site_id,
        organisation_id=facts.organisation_id,
        programme=facts.programme,
        area=facts.area,
        month=month,
        children=tuple(children),
        closed=facts.closed,
    )


def _stay(days: DateRange, sort: str) -> Stay:
    kind, hours, locality = sort.split("/")
    return Stay(first=days.first, last=days.last, kind=kind, hours=hours, locality=locality)


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
    pack = load_pack(provided.programme, provided.area)
    working = pack.calendar.working_days_in(month)
    judged = [
        pricing.judge(child, site_id=site_id, working=working, rules_on=pack.at)
        for child in provided.children
    ]
    desk = _Desk(provided, pack, by, now, kept)
    others = _claim(desk, judged)
    lines = pricing.due(
        judged, others, month, pack=pack.version, used=_used_before(desk, judged, others)
    )
    return _post(desk, statements, lines)


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
        if pricing.mark_of(claim) != desk.head.claimed.get(child_id, "")
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
    found: dict[str, Kept[Claimants]],
) -> None:
    """Write this site's changed claims into rows that name no other site."""
    site_id = desk.provided.site_id
    for start in range(0, len(child_ids), _CLAIMS_IN_A_COMMIT):
        part = child_ids[start : start + _CLAIMS_IN_A_COMMIT]
        writes = [
            store.join_claimants(found[c], wanted[c])
            for c in part
            if pricing.mark_of(found[c].value.of(site_id)) != pricing.mark_of(wanted[c])
        ]
        head = _marked(desk.head, part, wanted)
        if writes or head != desk.head:
            desk.commit("billing/claimed", head, writes)


def _alone(kept: Kept[Claimants] | None, site_id: str) -> bool:
    return kept is not None and not kept.value.others(site_id)


def _join(desk: _Desk, child_id: str, claim: Claim, found: Kept[Claimants]) -> None:
    """Write this site's claim into a row that names others, and have those billed again."""
    site_id = desk.provided.site_id
    head = _marked(desk.head, [child_id], {child_id: claim})
    same = pricing.mark_of(found.value.of(site_id)) == pricing.mark_of(claim)
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
        claimed[child_id] = pricing.mark_of(wanted[child_id])
    return replace(head, claimed=dict(sorted(claimed.items())))


def _used_before(
    desk: _Desk, judged: Iterable[Judged], others: dict[str, tuple[Claim, ...]]
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
            months = store.list_earlier_claims(one.child_id, desk.provided.programme, desk.month)
            used[one.child_id] = {c: pricing.used_days(months, c) for c in sorted(codes)}
    return used


def _post(desk: _Desk, statements: list[Statement], lines: dict[str, Line]) -> Billed:
    """Post the difference between what is due and what was posted, or note what holds it."""
    head = replace(desk.head, closed=desk.provided.closed)
    figured = public_figures.with_due(head, lines.values())
    stated = plan_statement(
        posted_lines(statements), lines, first=not statements, pack=desk.pack.version
    )
    if not stated:
        clear = replace(figured, held=None)
        if clear != desk.head:
            desk.commit("billing/looked", clear, [])
        return Billed(None)
    number = len(statements) + 1
    causes = [one.cause for one in stated if one.movement_tiyn] or [one.cause for one in stated]
    statement = Statement(
        number=number,
        site_id=figured.site_id,
        organisation_id=figured.organisation_id,
        programme=figured.programme,
        area=figured.area,
        month=figured.month,
        at=stamp(desk.now),
        cause=max(sorted(set(causes)), key=causes.count),
        movement_tiyn=sum(one.movement_tiyn for one in stated),
        pack=desk.pack.version,
        lines=stated,
    )
    head = replace(
        figured,
        statements=number,
        posted_tiyn=figured.posted_tiyn + statement.movement_tiyn,
        held=None,
    )
    writes: list[Write] = [store.post(statement)]
    writes += _booked(statement)
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


def _booked(statement: Statement) -> list[Write]:
    month = Month.parse(statement.month)
    money = ledger.budget(statement.programme, statement.area, month.year)
    accrued = ledger.accrued(statement.site_id, month)
    recoverable = ledger.recoverable(statement.site_id, month)
    held = books.balances([accrued, recoverable]) if statement.number > 1 else {}
    on_budget, on_accrued, on_recoverable = ledger.accrual(
        statement.movement_tiyn,
        accrued_tiyn=held.get(accrued, 0),
        recoverable_tiyn=held.get(recoverable, 0),
    )
    posting = ledger.posting(
        f"statement#{statement.site_id}#{month}#{statement.number:04d}",
        ((money, on_budget), (accrued, on_accrued), (recoverable, on_recoverable)),
        at=statement.at,
        site=statement.site_id,
        month=str(month),
        statement=str(statement.number),
    )
    short = BudgetShort(programme=statement.programme, area=statement.area, year=month.year)
    return books.book(posting, otherwise={money: short})


# --- lists of work ------------------------------------------------------------------------------


def months_to_bill(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs bill which months on the day of a schedule's event.

    A month is billed daily from the first check day to payday of the month after it; on the first
    check day the months before it are looked at again, for corrections.
    """
    today = local_day(at)
    wanted: list[tuple[Pack, Month]] = []
    for pack in list_packs():
        month = Month.preceding(at)
        if not _in_force(pack, month.last):
            continue
        dates = pack.at(month.last).month_calendar.dates(month, pack.calendar)
        if not dates.check_from <= today <= max(dates.claim_to, dates.pay_on):
            continue
        wanted.append((pack, month))
        if today == dates.check_from:
            for _ in range(MONTHS_BACK):
                month = month.before()
                if _in_force(pack, month.last):
                    wanted.append((pack, month))
    return wanted


def list_sites(programme: str, area: str) -> list[str]:
    """Return the ids of all sites of an area, whatever their state: what was attended is due."""
    return [kept.value.site_id for kept in providers.list_sites(programme, area)]


@settles
def open_run(
    run_id: str, *, programme: str, area: str, month: Month, by: Actor, now: datetime
) -> list[str]:
    """Note that a month is billed on demand; return the sites to bill.

    The same run again returns them again. Raises NoPack, Unknown, MonthNotOver, AnotherContent.
    """
    if not by.serves(area):
        raise Unknown()
    load_pack(programme, area)
    if month >= Month.containing(now):
        raise MonthNotOver(month=str(month))
    asked = fingerprint([programme, area, str(month)])
    kept = store.find_run(run_id)
    if kept is not None and kept.value.asked != asked:
        raise AnotherContent()
    if kept is None:
        run = BillingRun(
            run_id=run_id,
            programme=programme,
            area=area,
            month=str(month),
            by=by.subject,
            at=stamp(now),
            asked=asked,
        )
        entry = journal.entry(
            "billing/run-opened",
            f"billing-run/{run_id}",
            by=by,
            now=now,
            programme=programme,
            area=area,
            month=str(month),
        )
        journal.commit(entry, store.open_run(run))
    return list_sites(programme, area)


# --- budgets ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetShown:
    """A year's budget: allotted by its newest act, and what may still be spent."""

    programme: str
    area: str
    year: int
    amount_tiyn: int
    left_tiyn: int
    acts: tuple[Allotment, ...]


@settles
def allot(
    *,
    programme: str,
    area: str,
    year: int,
    amount_tiyn: int,
    act: str,
    by: Actor,
    now: datetime,
) -> BudgetShown:
    """Set a year's budget by an act; the same act again changes nothing.

    Less than was spent is refused by the ledger itself. Raises Unknown, NoPack, AnotherContent,
    BudgetShort.
    """
    if not by.serves(area):
        raise Unknown()
    load_pack(programme, area)
    kept = store.find_budget(programme, area, year)
    acts = kept.value.acts if kept is not None else ()
    earlier = next((a for a in acts if a.act == act), None)
    if earlier is not None:
        if earlier.amount_tiyn != amount_tiyn:
            raise AnotherContent()
        return see_budget(programme=programme, area=area, year=year, by=by)
    before = kept.value.amount_tiyn if kept is not None else 0
    money = ledger.budget(programme, area, year)
    posting = ledger.posting(
        f"budget#{programme}#{area}#{year}#{len(acts) + 1:04d}",
        (
            (ledger.treasury(programme, area, year), before - amount_tiyn),
            (money, amount_tiyn - before),
        ),
        at=stamp(now),
        act=act,
    )
    budget = Budget(
        programme=programme,
        area=area,
        year=year,
        amount_tiyn=amount_tiyn,
        acts=(*acts, Allotment(act=act, amount_tiyn=amount_tiyn, at=stamp(now))),
    )
    entry = journal.entry(
        "billing/allotted",
        f"budget/{programme}/{area}/{year}",
        by=by,
        now=now,
        act=act,
        amount_tiyn=amount_tiyn,
    )
    short = BudgetShort(programme=programme, area=area, year=year)
    journal.commit(
        entry, store.keep_budget(kept, budget), *books.book(posting, otherwise={money: short})
    )
    return see_budget(programme=programme, area=area, year=year, by=by)


def see_budget(*, programme: str, area: str, year: int, by: Actor) -> BudgetShown:
    """Return a year's budget and what is left of it. Raises Unknown."""
    kept = store.find_budget(programme, area, year)
    if kept is None or not (by.serves(area) or by.has(Role.AUDITOR)):
        raise Unknown()
    money = ledger.budget(programme, area, year)
    return BudgetShown(
        programme=programme,
        area=area,
        year=year,
        amount_tiyn=kept.value.amount_tiyn,
        left_tiyn=books.balances([money])[money],
        acts=kept.value.acts,
    )


# --- what was posted ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonthSeen:
    """A provider-month: statements, what is due now, and what keeps money from being posted."""

    head: SiteMonth
    statements: tuple[Statement, ...]
    waiting: tuple[Waiting, ...]
    pay_on: date


def see_month(site_id: str, month: Month, *, by: Actor) -> SiteMonthSeen:
    """Return a provider-month to those who may see it. Raises Unknown."""
    site = providers.load_site(site_id).value
    if not may_see(by, organisation_id=site.organisation_id, area=site.area):
        raise Unknown()
    kept, statements = store.load_site_month(site_id, month)
    pack = load_pack(site.programme, site.area)
    head = kept.value if kept is not None else None
    return SiteMonthSeen(
        head=head
        or SiteMonth(
            site_id=site_id,
            organisation_id=site.organisation_id,
            programme=site.programme,
            area=site.area,
            month=str(month),
        ),
        statements=tuple(statements),
        waiting=why_not_paid(head),
        pay_on=pack.at(month.last).month_calendar.pay_on(month, pack.calendar),
    )


def may_see(by: Actor, *, organisation_id: str, area: str) -> bool:
    """Return whether a caller may see an organisation's money: its own, its area's, or all."""
    if by.has(Role.HEAD) and organisation_id in by.organisations:
        return True
    if by.has(Role.DEPARTMENT, Role.FINANCE, Role.OPERATOR) and by.serves(area):
        return True
    return by.has(Role.AUDITOR)


def list_heads(programme: str, area: str, month: Month) -> list[SiteMonth]:
    """Return how each provider-month of an area stands, by site; those never billed are absent."""
    load_pack(programme, area)
    found = store.find_heads(month, list_sites(programme, area))
    return [found[site_id].value for site_id in sorted(found)]


def figures(programme: str, area: str, month: Month) -> tuple[public_figures.Figure, ...]:
    """Return an area's public figures of a month. Raises NoPack."""
    return public_figures.public(list_heads(programme, area, month))


def _in_force(pack: Pack, day: date) -> bool:
    return pack.valid_from <= day and (pack.valid_to is None or day <= pack.valid_to)
