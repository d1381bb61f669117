"""The self-audit: everything ever stated, held against what is due now and against the ledger.

Three questions of each provider-month, each with at most one answer that is not "yes":

    due         is the newest line of each child what the rules say it earns now?
    statements  is each statement the sum of its lines, each line the follower of the one before,
                and the head the sum of the statements?
    ledger      did each statement move on the provider's accounts what it says?

A difference is a case until a later night finds none. What a late event has changed is a case too,
with the day on which billing posts it by itself, or the word that somebody must ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from chalicelib.billing.rules.statements import SiteMonth, Statement
from chalicelib.budgets.rules.ledger import Posting
from chalicelib.kernel.periods import Month

Asked = Literal["due", "statements", "ledger"]
Reason = Literal["next-billing", "held", "ask-for-billing", "too-old", "broken"]
# What no later billing ends by itself, and no addition to a budget.
STUCK = frozenset({"ask-for-billing", "too-old", "broken"})
# How often a month that rosters have forgotten is priced again from its claims; its statements and
# postings are looked at every night.
OLD_MONTHS_EVERY = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one question found of a provider-month.

    tiyn: how far the two sides are apart, child by child where it is about what is due, so that
    what one child has too much does not hide what another has too little. lines: how many differ.
    reason: why it is open, and who ends it. until: the day on which billing looks at it by itself.
    """

    asked: Asked
    tiyn: int
    lines: int
    reason: Reason
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """When billing looks at a month again by itself (None: never), and whether it still can."""

    again_on: date | None
    billable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night's self-audit of an area: which sites in which part, and what came out.

    on: the day on which it was begun, Kazakhstan's. published_at: None until every part is done.
    provider_months, statements, lines: how many were looked at. repriced: of the provider-months,
    those whose every line was reckoned anew that night. cases: open ones, and difference_tiyn:
    their sum. stuck: cases that no later billing ends by itself.
    """

    programme: str
    area: str
    on: date
    begun_at: str
    parts: tuple[tuple[str, ...], ...]
    published_at: str | None = None
    provider_months: int = 0
    repriced: int = 0
    statements: int = 0
    lines: int = 0
    cases: int = 0
    stuck: int = 0
    difference_tiyn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of a night looked at."""

    programme: str
    area: str
    on: date
    part: int
    at: str
    provider_months: int
    repriced: int
    statements: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A provider-month of which a question of the self-audit is not answered by "yes".

    opened_on: the first night that found it. until: when billing looks at the month by itself.
    """

    programme: str
    area: str
    site_id: str
    organisation_id: str
    direction: str
    month: str
    asked: Asked
    difference_tiyn: int
    lines: int
    reason: Reason
    until: date | None
    opened_on: date


def check_due(
    stated: Mapping[str, int], due: Mapping[str, int], *, held: str | None, reach: Reach
) -> Difference | None:
    """Return how stated lines differ from what is due, by child; None where they do not.

    stated, due: tiyn by child. held: what keeps a statement from being posted.
    """
    apart = {
        child_id: abs(stated.get(child_id, 0) - due.get(child_id, 0))
        for child_id in {*stated, *due}
        if stated.get(child_id, 0) != due.get(child_id, 0)
    }
    if not apart:
        return None
    reason: Reason
    if held is not None:
        reason = "held"
    elif reach.again_on is not None:
        reason = "next-billing"
    else:
        reason = "ask-for-billing" if reach.billable else "too-old"
    until = reach.again_on if reason == "next-billing" else None
    return Difference(
        asked="due", tiyn=sum(apart.values()), lines=len(apart), reason=reason, until=until
    )


def check_statements(head: SiteMonth | None, statements: Iterable[Statement]) -> Difference | None:
    """Return how a month's statements contradict themselves or their head; None where not."""
    tiyn = lines = 0
    newest: dict[str, int] = {}
    every = sorted(statements, key=lambda s: s.number)
    for number, statement in enumerate(every, start=1):
        lines += statement.number != number
        said = sum(stated.movement_tiyn for stated in statement.lines)
        if said != statement.movement_tiyn:
            tiyn += abs(said - statement.movement_tiyn)
            lines += 1
        for stated in statement.lines:
            before = newest.get(stated.line.child_id, 0)
            if stated.before_tiyn != before:
                tiyn += abs(stated.before_tiyn - before)
                lines += 1
            newest[stated.line.child_id] = stated.line.accrual_tiyn
    posted = sum(statement.movement_tiyn for statement in every)
    counted = (head.statements, head.posted_tiyn) if head is not None else (0, 0)
    if counted != (len(every), posted):
        tiyn += abs(counted[1] - posted)
        lines += 1
    if not lines:
        return None
    return Difference(asked="statements", tiyn=tiyn, lines=lines, reason="broken")


def check_ledger(
    statements: Iterable[Statement], postings: Mapping[str, Posting], accounts: frozenset[str]
) -> Difference | None:
    """Return how postings differ from the statements they book; None where they do not.

    postings: by name, those that exist. accounts: the provider-month's own.
    """
    tiyn = lines = 0
    for statement in statements:
        posting = postings.get(statement.posting)
        moved = 0
        if posting is not None:
            moved = sum(m.amount_tiyn for m in posting.movements if m.account in accounts)
        if moved != statement.movement_tiyn:
            tiyn += abs(moved - statement.movement_tiyn)
            lines += 1
    if not lines:
        return None
    return Difference(asked="ledger", tiyn=tiyn, lines=lines, reason="broken")


def is_turn(site_id: str, month: Month, on: date) -> bool:
    """Return whether a month that rosters have forgotten is priced again on a night."""
    number = sum(site_id.encode()) + month.year * 12 + month.month
    return (number + on.toordinal()) % OLD_MONTHS_EVERY == 0
