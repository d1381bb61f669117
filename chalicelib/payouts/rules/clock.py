"""The month's clock: at which step the money of a month stands, who acts next and by when.

Money moves through the steps in their order. What is shown of a site's month always sums to what is
known of it: each tiyn stands at exactly one step. Before a statement is posted the timesheets say
where; after it, the claims do.

Nobody is late by somebody else's fault: a step has its own last day, by the pack's calendar. A
correction that is claimed after the claiming days of its month goes by the calendar of the month in
which it was claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from chalicelib.billing.rules.figures import FEWEST_SHOWN
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.kernel.periods import Month, from_stamp, last_day, local_day
from chalicelib.payouts.rules.claims import Claim, State
from chalicelib.policy.rules import MonthDates

Step = Literal[
    "attend",
    "close",
    "approve",
    "decide",
    "check",
    "fund",
    "sign",
    "agree",
    "release",
    "send",
    "settle",
    "case",
    "paid",
]
Who = Literal["provider", "families", "department", "kezek", "finance", "bank", "nobody"]
Standing = Literal["done", "now", "late", "later"]

# In the order in which money passes them, and who acts at each.
WHO: Mapping[Step, Who] = {
    "attend": "provider",
    "close": "provider",
    "approve": "families",
    "decide": "department",
    "check": "kezek",
    "fund": "finance",
    "sign": "provider",
    "agree": "department",
    "release": "finance",
    "send": "finance",
    "settle": "bank",
    "case": "finance",
    "paid": "nobody",
}
STEPS: tuple[Step, ...] = tuple(WHO)
# Steps that are spoken of only where money stands at them.
EXCEPTIONS: frozenset[Step] = frozenset({"fund", "case"})
# What waits for the families' word, and only in their days; all else that is held is decided.
UNDECIDED = "undecided"
AT_STATE: Mapping[State, Step] = {
    "calculated": "sign",
    "signed": "agree",
    "agreed": "release",
    "released": "send",
    "sent": "settle",
    "settled": "paid",
    "returned": "release",
    "refused": "release",
    "open-case": "case",
}


@dataclass(frozen=True, slots=True)
class Held:
    """Units of a month whose money is held, for one reason; of how many children."""

    reason: str
    children: int
    days: int
    tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClock:
    """A site's month as the timesheets and statements leave it; claims are looked at afresh.

    due_tiyn: what is due now, posted or not, for `days` units of `earners` children. stated: of how
    many children each statement moved money. unposted_since: the day on which a look first found
    more due than was posted, None where all is posted. held: units that wait for somebody. short:
    the code of what keeps a statement from being posted: a budget, a rate that nobody adopted.
    undone: what should have been done here by itself and was not, as `undone` names it.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    as_of: str
    direction: str = ""
    name: str = ""
    children: int = 0
    earners: int = 0
    days: int = 0
    closed: bool = False
    due_tiyn: int = 0
    posted_tiyn: int = 0
    statements: int = 0
    stated: tuple[int, ...] = ()
    unposted_since: str | None = None
    held: tuple[Held, ...] = ()
    short: str | None = None
    undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """The days of a step, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Money that stands at a step, and until when it should have passed it.

    children: of how many it is, at least; 1 where that is not known. since: the day on which the
    oldest of it came to the step, None where no hand has moved it yet.
    """

    step: Step
    by: date
    tiyn: int
    children: int
    units: int = 0
    since: date | None = None

    @property
    def who(self) -> Who:
        return WHO[self.step]

    def late_days(self, today: date) -> int:
        """Return for how many days this has been overdue; 0 while it is not."""
        return 0 if self.step == "paid" else max(0, (today - self.by).days)


def term_of(step: Step, month: Month, dates: MonthDates) -> Term:
    """Return the days of a step in the calendar that follows a month."""
    after = month.next().first
    return {
        "attend": Term(month.first, month.last),
        "close": Term(after, dates.close_on),
        "approve": Term(dates.approve_from, dates.approve_to),
        "decide": Term(dates.department_from, dates.department_to),
        "check": Term(dates.check_from, dates.check_to),
        "fund": Term(dates.check_from, dates.check_to),
        "sign": Term(dates.claim_from, dates.claim_to),
        "agree": Term(dates.claim_from, dates.claim_to),
        "release": Term(dates.claim_from, dates.claim_to),
        "send": Term(dates.claim_from, dates.pay_on),
        "settle": Term(dates.claim_from, dates.pay_on),
        "case": Term(dates.claim_from, dates.pay_on),
        "paid": Term(dates.claim_from, dates.pay_on),
    }[step]


def is_told(term: Term, today: date) -> bool:
    """Return whether who acts at a step is told on a day that money waits there.

    On its first and its last day, on the day after it, and every week from then on.
    """
    return today in (term.first, term.last) or is_told_late(term, today)


def is_told_late(term: Term, today: date) -> bool:
    """Return whether a day is the one after a step's last, or whole weeks after that one."""
    return today > term.last and (today - term.last).days % 7 == 1


def month_of_terms(claim: Claim, dates_for: Callable[[Month], MonthDates]) -> Month:
    """Return by which month's calendar a claim goes.

    A month's first claim goes by its own, however late it was drawn up; a correction by that of the
    first month in whose claiming days it can still be signed.
    """
    month = Month.parse(claim.month)
    if claim.number == 1:
        return month
    posted = local_day(from_stamp(claim.calculated_at))
    while dates_for(month).claim_to < posted:
        month = month.next()
    return month


def cells(
    site: SiteClock,
    claims: Iterable[Claim],
    *,
    dates_for: Callable[[Month], MonthDates],
    today: date,
) -> tuple[Cell, ...]:
    """Return where a site's month stands, in the order of steps; steps without money are absent."""
    month = Month.parse(site.month)
    found: list[Cell] = []

    def put(step: Step, tiyn: int, children: int, days: int = 0) -> None:
        by = term_of(step, month, dates_for(month)).last
        if tiyn > 0:
            found.append(Cell(step=step, by=by, tiyn=tiyn, children=children, units=days))

    dates = dates_for(month)
    unposted = max(0, site.due_tiyn - site.posted_tiyn)
    unposted_days = 0 if site.statements else site.days
    waiting: Step = "fund" if site.short == BudgetShort.code else "check"
    if today <= month.last:
        waiting = "attend"
    elif not site.closed:
        waiting = "close"
    # Of how many children a difference is, nobody says before it is posted.
    put(waiting, unposted, 1 if site.statements else site.earners, unposted_days)
    for one in site.held:
        step: Step = waiting
        if waiting not in ("attend", "close"):
            early = one.reason == UNDECIDED and today <= dates.approve_to
            step = "approve" if early else "decide"
        put(step, one.tiyn, one.children, one.days)
    claimed = 0
    for claim in claims:
        claimed -= claim.repaid_tiyn  # what was agreed too much is no less agreed for that
        if claim.is_owed:
            claimed -= claim.amount_tiyn
            continue
        claimed += claim.amount_tiyn
        of = month_of_terms(claim, dates_for)
        step = AT_STATE[claim.state]
        found.append(
            Cell(
                step=step,
                by=term_of(step, of, dates_for(of)).last,
                tiyn=claim.amount_tiyn,
                children=max(site.stated[claim.first - 1 : claim.last], default=1),
                units=site.days if claim.number == 1 else 0,
                since=_since(claim),
            )
        )
    put("check", site.posted_tiyn - claimed, site.stated[-1] if site.stated else 1)
    return summed(found)


def owed(claims: Iterable[Claim]) -> int:
    """Return what a provider owes of what was agreed too much."""
    return sum(c.amount_tiyn for c in claims if c.is_owed)


def owed_by(claims: Iterable[Claim]) -> date | None:
    """Return the last day on which a provider pays back what it owes; None where it owes nothing.

    Of several debts, the first to fall due.
    """
    terms = [c.repay_by for c in claims if c.is_owed and c.repay_by is not None]
    return last_day(min(terms)) if terms else None


def summed(found: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return one cell per step: sums, the earliest last day, the oldest instant."""
    by_step: dict[Step, Cell] = {}
    for cell in found:
        if cell.tiyn <= 0:
            continue
        known = by_step.get(cell.step)
        by_step[cell.step] = cell if known is None else _together(known, cell, cell.step)
    return tuple(by_step[step] for step in STEPS if step in by_step)


def public_cells(found: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return what may be shown: money of fewer than five children is told with the next step's.

    The children of two steps may be the same ones, so together they count as the greater number.
    What is left alone at the end is told with the step before it.
    """
    shown: list[Cell] = []
    for cell in found:
        few = bool(shown) and shown[-1].children < FEWEST_SHOWN
        shown.append(_together(shown.pop(), cell, cell.step) if few else cell)
    while len(shown) > 1 and shown[-1].children < FEWEST_SHOWN:
        last = shown.pop()
        shown[-1] = _together(shown[-1], last, shown[-1].step)
    return tuple(shown)


def added(many: Iterable[Sequence[Cell]]) -> tuple[Cell, ...]:
    """Return the cells of several sites as one: their children are different ones."""
    by_step: dict[Step, Cell] = {}
    for found in many:
        for cell in found:
            known = by_step.get(cell.step)
            by_step[cell.step] = (
                cell
                if known is None
                else replace(
                    _together(known, cell, cell.step), children=known.children + cell.children
                )
            )
    return tuple(by_step[step] for step in STEPS if step in by_step)


def _together(one: Cell, other: Cell, step: Step) -> Cell:
    known = [c.since for c in (one, other) if c.since is not None]
    same = one.step == other.step
    return Cell(
        step=step,
        # Told with another step, money goes by that step's days.
        by=min(one.by, other.by) if same else (one.by if one.step == step else other.by),
        tiyn=one.tiyn + other.tiyn,
        children=max(one.children, other.children),
        units=one.units + other.units,
        since=min(known, default=None),
    )


def _since(claim: Claim) -> date:
    hands = [h.at for h in (claim.signed, claim.agreed, claim.released) if h is not None]
    newest = claim.settled_at or max([claim.calculated_at, *hands])
    return local_day(from_stamp(newest))


# --- why am I not paid yet ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One step of a month for one site: how it stands, who acts, in which days.

    reason: the code of what keeps it, where something besides the step does.
    """

    step: Step
    standing: Standing
    term: Term
    tiyn: int = 0
    children: int = 0
    units: int = 0
    late_days: int = 0
    reason: str | None = None

    @property
    def who(self) -> Who:
        return WHO[self.step]


def passages(
    site: SiteClock, found: Sequence[Cell], *, dates: MonthDates, today: date
) -> tuple[Passage, ...]:
    """Return every step from the first day of the month to settlement, as it stands today.

    A step is done when nothing stands at it and something has come further; a month in which
    nothing has been earned yet stands at its first step that is not over; one that has not begun
    has all of them before it. Where no child was, nothing waits.
    """
    month = Month.parse(site.month)
    at = {cell.step: cell for cell in found}
    reached = max((STEPS.index(step) for step in at), default=_reached(site, month, dates, today))
    told: list[Passage] = []
    for number, step in enumerate(STEPS):
        cell = at.get(step)
        if cell is None and step in EXCEPTIONS:
            continue
        term = term_of(step, month, dates)
        if cell is None:
            empty: Standing = "done" if number < reached else "later"
            begun = month.first <= today
            if not at and number == reached and (site.children or today <= month.last) and begun:
                empty = "now"
            told.append(Passage(step=step, standing=empty, term=term))
            continue
        late = cell.late_days(today)
        standing: Standing = "done" if step == "paid" else "late" if late else "now"
        told.append(
            Passage(
                step=step,
                standing=standing,
                term=Term(min(term.first, cell.by), cell.by),
                tiyn=cell.tiyn,
                children=cell.children,
                units=cell.units,
                late_days=late,
                reason=site.short if step == "fund" else None,
            )
        )
    return tuple(told)


def _reached(site: SiteClock, month: Month, dates: MonthDates, today: date) -> int:
    """Return at which step a month stands in which no money stands anywhere."""
    if today <= month.last:
        return STEPS.index("attend")
    if not site.closed:
        return STEPS.index("close")
    if today <= dates.approve_to:
        return STEPS.index("approve")
    return STEPS.index("check")


# --- what runs by itself ------------------------------------------------------------------------


def since(site: SiteClock, before: SiteClock | None, *, today: date) -> SiteClock:
    """Return a look with the day since when more is due than was posted, by the look before it."""
    if site.posted_tiyn >= site.due_tiyn:
        return site
    known = before.unposted_since if before is not None else None
    return replace(site, unposted_since=known or today.isoformat())


def undone(
    site: SiteClock,
    *,
    dates: MonthDates,
    reminded: Sequence[str],
    closed_at: str | None,
    handed_over: bool,
    covered: int,
    today: date,
) -> tuple[str, ...]:
    """Return what the schedules should have done for a site's month by now and did not.

    Asked after the day's schedules have run. reminded: the days whose reminder went out. covered:
    the last statement that a claim covers. A site without children asks for nothing.
    """
    month = Month.parse(site.month)
    if not site.children or today <= month.last:
        return ()
    found: list[str] = []
    if not site.closed and today > dates.close_on:
        found.append("close")
    if closed_at is not None and today <= dates.approve_to:
        # Closing tells the families by itself.
        told = local_day(from_stamp(closed_at))
        due = [d.isoformat() for d in dates.reminders if told < d <= today]
        if any(day not in reminded for day in due):
            found.append("remind")
    if site.closed and today >= dates.department_from and not handed_over:
        found.append("hand-over")
    if site.short is None and dates.check_from <= today:
        # What was decided after the morning's billing is billed the next morning.
        known = site.unposted_since is not None and site.unposted_since < today.isoformat()
        billed = today <= max(dates.claim_to, dates.pay_on)
        if not site.statements or (known and billed and today > dates.check_from):
            found.append("bill")
    if site.statements > covered:
        found.append("claim")
    return tuple(found)
