"""The month's clock: where each site's month stands, what the public sees of it, "why not yet".

A site's timesheets and statements are looked at once a day and when a statement is posted, and kept
in a row (`refresh`); claims are looked at whenever somebody asks. So a page of a whole region costs
a query and its claims, and what hands have moved is never old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.attendance import rules as attendance
from chalicelib.attendance import store as sheets
from chalicelib.billing import actions as billing
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules.pricing import HELD, Line
from chalicelib.billing.rules.statements import MonthForgotten, SiteMonth
from chalicelib.billing.store import statements
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.payouts import store
from chalicelib.payouts.actions.claiming import Payee, held_code
from chalicelib.payouts.rules import clock
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.clock import Cell, Held, Passage, SiteClock
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import MonthDates, NoRate, NoRuleInForce, Pack, Text
from chalicelib.providers import actions as providers
from chalicelib.providers import store as sites
from chalicelib.providers.rules import Site
from chalicelib.storage.commit import commit, settles

CLOCK = "payouts/clock"
# The month under way, the one that is being paid, and the one that may be late.
MONTHS_WATCHED = 3


# --- where a site's month stands ----------------------------------------------------------------


def reckon(site_id: str, month: Month, *, now: datetime) -> SiteClock:
    """Return where a site's month stands by timesheets and statements. Raises Unknown.

    What is due is priced as billing would price it now; what was posted is billing's head.
    """
    state = sheets.find_site_month(site_id, month).value
    return _reckoned(sites.load_site(site_id).value, month, state, now=now)


def _reckoned(site: Site, month: Month, state: attendance.SiteMonth, *, now: datetime) -> SiteClock:
    site_id = site.site_id
    kept, posted = statements.load_site_month(site_id, month)
    head = kept.value if kept is not None else None
    blank = SiteClock(
        site_id=site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        month=str(month),
        as_of=stamp(now),
        direction=site.direction,
        name=site.name,
        closed=state.closed_at is not None,
    )
    lines, unpriced = _lines(site_id, month, head, now=now)
    if lines is None and head is not None:
        figured = head  # nobody can say what is due by now; what was looked at last stands
    else:
        figured = public_figures.with_due(_no_head(blank), (lines or {}).values())
    return replace(
        blank,
        children=figured.children,
        earners=sum(1 for line in (lines or {}).values() if line.accrual_tiyn > 0),
        days=figured.child_days,
        due_tiyn=figured.due_tiyn,
        posted_tiyn=head.posted_tiyn if head else 0,
        statements=head.statements if head else 0,
        stated=tuple(sum(1 for line in one.lines if line.movement_tiyn) for one in posted),
        short=unpriced or (head.held if head else None),
        held=_held(figured, lines or {}),
    )


def _no_head(site: SiteClock) -> SiteMonth:
    return SiteMonth(
        site_id=site.site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        month=site.month,
        direction=site.direction,
    )


def _lines(
    site_id: str, month: Month, head: SiteMonth | None, *, now: datetime
) -> tuple[dict[str, Line] | None, str | None]:
    """Return each child's line as it would be posted today; None where nobody can say.

    So it is with a month long gone, and where a rate is missing, whose code comes with it.
    """
    try:
        shared = head.shared if head is not None else ()
        return billing.reckon(site_id, month, shared=shared, today=local_day(now)).lines(), None
    except MonthForgotten:
        return None, None
    except NoRate as refusal:
        return None, refusal.code


def _held(figured: SiteMonth, lines: Mapping[str, Line]) -> tuple[Held, ...]:
    """Return the held units by reason; of children that nobody can count any more, one."""
    return tuple(
        Held(
            reason,
            sum(1 for line in lines.values() if line.unpaid.get(reason)) or 1,
            figured.unpaid[reason],
            figured.withheld_tiyn.get(reason, 0),
        )
        for reason in sorted(HELD)
        if figured.unpaid.get(reason)
    )


@settles
def refresh(site_id: str, month: Month, *, now: datetime) -> SiteClock:
    """Look at a site's month and keep where it stands, and what the schedules left undone.

    Looked at twice on one day with nothing changed, nothing is written. Raises Unknown.
    """
    site = sites.load_site(site_id).value
    state = sheets.find_site_month(site_id, month).value
    kept = store.find_clock(site.programme, site.area, month, site_id)
    found = clock.since(
        _reckoned(site, month, state, now=now),
        kept.value if kept else None,
        today=local_day(now),
    )
    found = _with_undone(found, state, now=now)
    if (
        kept is not None
        and local_day(now) == day_of(kept.value.as_of)
        and replace(kept.value, as_of=found.as_of) == found
    ):
        return kept.value
    commit([store.keep_clock(kept, found)])
    return found


def _with_undone(site: SiteClock, state: attendance.SiteMonth, *, now: datetime) -> SiteClock:
    month, today = Month.parse(site.month), local_day(now)
    if not site.children or today <= month.last:
        return site
    pack = load_pack(site.programme, site.area)
    known = store.find_site_claims(site.site_id, month)
    covered = known.value.covered if known else 0
    newest = store.load_claim(known.value.claims[-1]) if known and known.value.claims else None
    if newest is not None and newest.value.state == "signed":
        covered = site.statements  # what is new waits until the signed one is agreed
    return replace(
        site,
        undone=clock.undone(
            site,
            dates=dates_of(pack, month),
            reminded=state.reminded,
            closed_at=state.closed_at,
            handed_over=state.handed_at is not None,
            covered=covered,
            today=today,
        ),
    )


def day_of(at: str) -> date:
    """Return Kazakhstan's day of a stamp."""
    return local_day(from_stamp(at))


def dates_of(pack: Pack, month: Month) -> MonthDates:
    """Return the dates that follow a month, by the rules of its own time."""
    return pack.at(month.last).month_calendar.dates(month, pack.calendar)


def months_watched(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs' months the clock looks at on the day of an event."""
    found: list[tuple[Pack, Month]] = []
    for pack in list_packs():
        month = Month.containing(at)
        for _ in range(MONTHS_WATCHED):
            if pack.holds(month.last):
                found.append((pack, month))
            month = month.before()
    return found


# --- what everybody may see ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Money of one provider that should have passed a step by now.

    site_id, name: None for several small providers together.
    """

    direction: str
    site_id: str | None
    name: str | None
    cell: Cell
    late_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """An area's month by step, and what is overdue, the longest first.

    as_of: of the oldest look at a site's timesheets; None where no site was looked at yet.
    overdue_tiyn: by step.
    """

    programme: str
    area: str
    title: Text
    month: str
    as_of: str | None
    dates: MonthDates
    steps: tuple[Cell, ...]
    overdue_tiyn: Mapping[str, int]
    overdue: tuple[Overdue, ...]


def public_clock(
    month: Month, *, programme: str | None, area: str | None, now: datetime
) -> list[Region]:
    """Return the clock of a month by region and programme; one region where it is named.

    Providers with fewer than five children stand together, and money of fewer than five children
    is told with the next step's. Raises NoPack, NoRuleInForce for a region named.
    """
    if programme is not None and area is not None:
        return [_region(load_pack(programme, area), month, now=now)]
    found: list[Region] = []
    for pack in list_packs():
        if (programme or pack.programme) != pack.programme or (area or pack.area) != pack.area:
            continue
        try:
            found.append(_region(pack, month, now=now))
        except NoRuleInForce:
            continue  # this programme was not there yet, or is over
    return found


def _region(pack: Pack, month: Month, *, now: datetime) -> Region:
    looked = store.list_clocks(pack.programme, pack.area, month)
    claims = [k.value for k in store.list_area_claims(pack.programme, pack.area, month)]
    return region_of(pack, month, looked, claims, today=local_day(now))


def region_of(
    pack: Pack,
    month: Month,
    looked: Sequence[SiteClock],
    claims: Iterable[Claim],
    *,
    today: date,
) -> Region:
    """Return what may be shown of an area's month. Sums are sums of the rows that may be shown."""
    standing = standing_of(pack, looked, claims, today=today)
    names = {one.site_id: one.name for one in looked}
    rows = [
        (direction, site_id, clock.public_cells(clock.added(standing[one] for one in site_ids)))
        for direction, site_id, site_ids in _rows(looked)
    ]
    overdue = [
        Overdue(
            direction=direction,
            site_id=site_id,
            name=names[site_id] if site_id else None,
            cell=cell,
            late_days=cell.late_days(today),
        )
        for direction, site_id, shown in rows
        for cell in shown
        if cell.late_days(today)
    ]
    late: dict[str, int] = {}
    for one in overdue:
        late[one.cell.step] = late.get(one.cell.step, 0) + one.cell.tiyn
    return Region(
        programme=pack.programme,
        area=pack.area,
        title=pack.text,
        month=str(month),
        as_of=min((one.as_of for one in looked), default=None),
        dates=dates_of(pack, month),
        steps=clock.added(shown for _, _, shown in rows),
        overdue_tiyn=late,
        overdue=tuple(
            sorted(
                overdue,
                key=lambda o: (-o.late_days, o.direction, o.site_id or "~", o.cell.step),
            )
        ),
    )


def _rows(found: Iterable[SiteClock]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Return which providers stand alone and which together, direction by direction."""
    by_direction: dict[str, dict[str, int]] = {}
    for one in found:
        by_direction.setdefault(one.direction, {})[one.site_id] = one.children
    return [
        (direction, site_id, site_ids)
        for direction, children in sorted(by_direction.items())
        for site_id, site_ids in public_figures.groups(children)
    ]


def standing_of(
    pack: Pack, looked: Iterable[SiteClock], claims: Iterable[Claim], *, today: date
) -> dict[str, tuple[Cell, ...]]:
    """Return where each site that was looked at stands, its claims as they are now."""
    by_site: dict[str, list[Claim]] = {}
    for claim in claims:
        by_site.setdefault(claim.site_id, []).append(claim)
    known = _remembering(pack)
    return {
        one.site_id: clock.cells(one, by_site.get(one.site_id, ()), dates_for=known, today=today)
        for one in looked
    }


def _remembering(pack: Pack) -> Callable[[Month], MonthDates]:
    known: dict[Month, MonthDates] = {}

    def dates(month: Month) -> MonthDates:
        if month not in known:
            # A correction may be claimed when the programme is over.
            calendar = pack.nearest(month.last).month_calendar
            known[month] = calendar.dates(month, pack.calendar)
        return known[month]

    return dates


# --- why am I not paid yet ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A site's month from its first day to settlement, step by step.

    held: codes of what keeps a claim from being paid besides its steps, such as an account that
    nobody confirmed. owed_tiyn: what the provider owes for this month; owed_by: until when it pays
    that back, owed_late_days: for how many days it has not.
    """

    site: SiteClock
    dates: MonthDates
    passages: tuple[Passage, ...]
    held: tuple[str, ...]
    owed_tiyn: int
    owed_by: date | None
    owed_late_days: int


def why(
    site_id: str, month: Month, *, by: Actor, now: datetime, payee: Payee = providers.payee_of
) -> Why:
    """Return where a site's month stands and who acts next, looked at now.

    Raises Unknown, and NoRuleInForce for a month before or after the programme.
    """
    of = sites.load_site(site_id).value
    access.demand(by, organisation=of.organisation_id, area=of.area, direction=of.direction)
    pack = load_pack(of.programme, of.area)
    dates = dates_of(pack, month)
    found = reckon(site_id, month, now=now)
    known = store.find_site_claims(site_id, month)
    claims = [kept.value for kept in store.find_claims(known.value.claims if known else ())]
    today = local_day(now)
    standing = clock.cells(found, claims, dates_for=_remembering(pack), today=today)
    unpaid = any(cell.step not in ("paid", "settle", "case") for cell in standing)
    account = held_code(of.organisation_id, payee) if unpaid else None
    unpriced = found.short if found.short != BudgetShort.code else None
    by_day = clock.owed_by(claims)
    return Why(
        site=found,
        dates=dates,
        passages=clock.passages(found, standing, dates=dates, today=today),
        held=tuple(code for code in (unpriced, account) if code),
        owed_tiyn=clock.owed(claims),
        owed_by=by_day,
        owed_late_days=max(0, (today - by_day).days) if by_day else 0,
    )
