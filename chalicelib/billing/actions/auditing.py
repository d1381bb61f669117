"""The self-audit: each night everything that was ever stated against what is due now.

A night has a row with its parts, ten sites in each; the work queue does the parts in any order, as
often as it likes, and each is done once. When all are there the night is published: one number with
its date. Whoever asks again on the same night gets the parts that are missing, so a night that was
killed goes on where it stopped.

A month that the rosters still know is reckoned anew from its timesheets. An older one cannot change
any more but by a fault of ours: its statements and postings are looked at every night, and its
claims are priced again every fourth week.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.billing.actions.gathering import is_known
from chalicelib.billing.actions.listing import list_sites, next_billing
from chalicelib.billing.actions.reckoning import reckon
from chalicelib.billing.rules import auditing as rules
from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.auditing import Case, Difference, Night, Part, Reach
from chalicelib.billing.rules.claimed import used_units
from chalicelib.billing.rules.statements import SiteMonth, posted_lines
from chalicelib.billing.store import audits as store
from chalicelib.billing.store import statements as billed
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack, Text
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.storage.commit import Raced, settles
from chalicelib.storage.shelf import Kept

AUDIT = "billing/audit"
SITES_IN_A_PART = 10
NIGHTS_SHOWN = 31


@dataclass(slots=True)
class _Counts:
    provider_months: int = 0
    repriced: int = 0
    statements: int = 0
    lines: int = 0


# --- a night ------------------------------------------------------------------------------------


@settles
def begin_night(programme: str, area: str, on: date, *, by: Actor, now: datetime) -> Night:
    """Return an area's night, with the sites of each part; the same night again is the same."""
    kept = store.find_night(programme, area, on)
    if kept is not None:
        return kept.value
    site_ids = sorted(list_sites(programme, area))
    parts = tuple(
        tuple(site_ids[start : start + SITES_IN_A_PART])
        for start in range(0, len(site_ids), SITES_IN_A_PART)
    )
    night = Night(programme=programme, area=area, on=on, begun_at=stamp(now), parts=parts)
    entry = journal.entry(
        "billing/audit-begun",
        f"self-audit/{programme}/{area}/{on}",
        by=by,
        now=now,
        sites=len(site_ids),
    )
    journal.commit(entry, store.open_night(night))
    return night


def missing_parts(night: Night) -> list[int]:
    """Return which parts of a night are not done yet. One query."""
    done = {part.part for part in store.list_parts(night.programme, night.area, night.on)}
    return [number for number in range(len(night.parts)) if number not in done]


@settles
def publish_night(programme: str, area: str, on: date, *, by: Actor, now: datetime) -> Night | None:
    """Publish a night's number when all its parts are done; None while some are missing.

    A night that is published stays as it was published.
    """
    kept = store.find_night(programme, area, on)
    if kept is None:
        raise Unknown()
    night = kept.value
    if night.published_at is not None:
        return night
    parts = store.list_parts(programme, area, on)
    if len(parts) < len(night.parts):
        return None
    cases = [case.value for case in store.each_case(programme, area)]
    published = replace(
        night,
        published_at=stamp(now),
        provider_months=sum(part.provider_months for part in parts),
        repriced=sum(part.repriced for part in parts),
        statements=sum(part.statements for part in parts),
        lines=sum(part.lines for part in parts),
        cases=len(cases),
        stuck=sum(case.reason in rules.STUCK for case in cases),
        difference_tiyn=sum(case.difference_tiyn for case in cases),
    )
    entry = journal.entry(
        "billing/audit-published",
        f"self-audit/{programme}/{area}/{on}",
        by=by,
        now=now,
        provider_months=published.provider_months,
        cases=published.cases,
        difference_tiyn=published.difference_tiyn,
    )
    journal.commit(entry, store.keep_night(kept, published))
    return published


# --- a part -------------------------------------------------------------------------------------


def audit_part(
    programme: str, area: str, on: date, number: int, *, by: Actor, now: datetime
) -> Part | None:
    """Look at the sites of one part; None where it was done already.

    Cases are opened, changed and closed one by one, the part is marked last: killed anywhere, the
    same part again ends as if it had been done once. Raises Unknown for no such night or part.
    """
    kept = store.find_night(programme, area, on)
    if kept is None or not 0 <= number < len(kept.value.parts):
        raise Unknown()
    if store.find_part(programme, area, on, number) is not None:
        return None
    counts = _Counts()
    pack = load_pack(programme, area)
    for site_id in kept.value.parts[number]:
        _audit_site(providers.load_site(site_id).value, pack, on, counts, by=by, now=now)
    part = Part(
        programme=programme,
        area=area,
        on=on,
        part=number,
        at=stamp(now),
        provider_months=counts.provider_months,
        repriced=counts.repriced,
        statements=counts.statements,
        lines=counts.lines,
    )
    entry = journal.entry(
        "billing/audited",
        f"self-audit/{programme}/{area}/{on}/{number:04d}",
        by=by,
        now=now,
        provider_months=counts.provider_months,
    )
    try:
        journal.commit(entry, store.finish_part(part))
    except Raced:
        return None  # somebody else did the same part meanwhile
    return part


def _audit_site(
    site: Site, pack: Pack, on: date, counts: _Counts, *, by: Actor, now: datetime
) -> None:
    months = list(_months(pack, on))
    heads = store.find_heads(site.site_id, months)
    open_cases = store.find_cases(site.programme, site.area, site.site_id)
    for month in months:
        head = heads.get(str(month))
        if head is None and not _is_past_payday(pack, month, on):
            continue
        found = _audit_month(site, pack, month, on, head is not None, counts, now=now)
        for asked, difference in found.items():
            kept = open_cases.get((str(month), asked))
            _settle_case(site, month, asked, difference, kept, on, by=by, now=now)


def _months(pack: Pack, on: date) -> Iterator[Month]:
    """Yield the months of a pack that are over, the oldest first."""
    month, last = Month.of(pack.valid_from), Month.of(on).before()
    while month <= last:
        if pack.holds(month.last):
            yield month
        month = month.next()


def _audit_month(
    site: Site,
    pack: Pack,
    month: Month,
    on: date,
    was_billed: bool,
    counts: _Counts,
    *,
    now: datetime,
) -> dict[rules.Asked, Difference | None]:
    """Return what differs in one provider-month by question, None where nothing does.

    A question that was not asked tonight is not among them: its case stays as it was found.
    """
    kept, statements = billed.load_site_month(site.site_id, month) if was_billed else (None, [])
    head = kept.value if kept is not None else None
    due = _due(site, month, head, on, now=now)
    if head is None and not any((due or {}).values()):
        return {} if due is None else {"due": None}
    counts.provider_months += 1
    counts.statements += len(statements)
    counts.lines += sum(len(statement.lines) for statement in statements)
    found: dict[rules.Asked, Difference | None] = {}
    if due is not None:
        counts.repriced += 1
        stated = {c: line.accrual_tiyn for c, line in posted_lines(statements).items()}
        held = head.held if head is not None else None
        reach = _reach(pack, month, on)
        found["due"] = rules.check_due(stated, due, held=held, reach=reach)
    found["statements"] = rules.check_statements(head, statements)
    found["ledger"] = rules.check_ledger(
        statements,
        books.find_postings([s.posting for s in statements]),
        frozenset({ledger.accrued(site.site_id, month), ledger.recoverable(site.site_id, month)}),
    )
    return found


def _due(
    site: Site, month: Month, head: SiteMonth | None, on: date, *, now: datetime
) -> dict[str, int] | None:
    """Return what a month is due now, by child; None where it is not its turn to be priced."""
    # Work that comes a day late asks what rosters know today, as billing does.
    today = local_day(now)
    if is_known(month, today):
        shared = head.shared if head is not None else ()
        lines = reckon(site.site_id, month, shared=shared, today=today).lines()
        return {child_id: line.accrual_tiyn for child_id, line in lines.items()}
    if head is None or not rules.is_turn(site.site_id, month, on):
        return None
    return _due_by_claims(site, month, head)


def _due_by_claims(site: Site, month: Month, head: SiteMonth) -> dict[str, int]:
    """Price a month again from the claims that are filed: all that is left of an old one."""
    children = sorted(head.claimed)
    due: dict[str, int] = {}
    for child_id, kept in billed.find_claimants(children, site.programme, month).items():
        claims = kept.value.claims
        codes = {c for claim in claims for c, cap in claim.caps.items() if cap.year is not None}
        months = billed.list_earlier_claims(child_id, site.programme, month) if codes else []
        used = {code: used_units(months, code) for code in sorted(codes)}
        priced = pricing.price(claims, used=used).get(site.site_id)
        due[child_id] = sum(tiyn for _, tiyn in priced.parts.values()) if priced else 0
    return due


def _reach(pack: Pack, month: Month, on: date) -> Reach:
    """Return when billing looks at a month again by itself, from a day on."""
    again_on = next_billing(pack, month, on)
    if again_on is not None and not is_known(month, again_on):
        again_on = None
    return Reach(again_on, is_known(month, on))


def _is_past_payday(pack: Pack, month: Month, on: date) -> bool:
    """Return whether a month should have been billed by now, and the rosters still know it."""
    pay_on = pack.at(month.last).month_calendar.pay_on(month, pack.calendar)
    return on > pay_on and is_known(month, on)


def _settle_case(
    site: Site,
    month: Month,
    asked: rules.Asked,
    found: Difference | None,
    kept: Kept[Case] | None,
    on: date,
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Open, change or close the case of one question; nothing where it is as it was.

    Where somebody does the same part at once, one of the two is Raced and the queue repeats it.
    """
    stream = f"audit-case/{site.site_id}/{month}/{asked}"
    if found is None:
        if kept is not None:
            entry = journal.entry("billing/difference-ended", stream, by=by, now=now)
            journal.commit(entry, store.close_case(kept))
        return
    case = Case(
        programme=site.programme,
        area=site.area,
        site_id=site.site_id,
        organisation_id=site.organisation_id,
        direction=site.direction,
        month=str(month),
        asked=asked,
        difference_tiyn=found.tiyn,
        lines=found.lines,
        reason=found.reason,
        until=found.until,
        opened_on=kept.value.opened_on if kept is not None else on,
    )
    if kept is not None and kept.value == case:
        return
    entry = journal.entry(
        "billing/difference-found",
        stream,
        by=by,
        now=now,
        reason=found.reason,
        difference_tiyn=found.tiyn,
    )
    journal.commit(entry, store.keep_case(kept, case) if kept else store.open_case(case))


# --- what people see ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AreaAudited:
    """An area's newest published night, and those before it, newest first."""

    programme: str
    area: str
    title: Text
    nights: tuple[Night, ...]


def published(programme: str | None = None, area: str | None = None) -> tuple[AreaAudited, ...]:
    """Return the published nights of areas; of all where none is named. One query an area.

    Raises NoPack.
    """
    if programme is not None and area is not None:
        load_pack(programme, area)
    return tuple(
        AreaAudited(pack.programme, pack.area, pack.text, _nights(pack))
        for pack in list_packs()
        if programme in (None, pack.programme) and area in (None, pack.area)
    )


def _nights(pack: Pack) -> tuple[Night, ...]:
    found = store.newest_nights(pack.programme, pack.area, most=NIGHTS_SHOWN + 1)
    return tuple(night for night in found if night.published_at is not None)[:NIGHTS_SHOWN]


def list_cases(
    programme: str, area: str, *, by: Actor, after: str | None, most: int
) -> tuple[list[Case], str | None]:
    """Return open cases of an area in order, and where to go on. Raises Unknown, NoPack."""
    access.demand(by, area=area)
    load_pack(programme, area)
    found: list[Case] = []
    position: str | None = None
    for kept in store.each_case(programme, area, after=after):
        if len(found) == most:
            return found, position
        if access.may(by, area=area, direction=kept.value.direction):
            found.append(kept.value)
        position = kept.sk
    return found, None
