"""Standing wishes: holders who are moved when it is their turn, without being asked again.

A holder names, best first, groups it would rather have its place in. When a place there is its to
take it moves at once: an enrolled child by a transfer, with all that a transfer asks; a voucher
without a contract to a seat reserved in the new group. Whoever could not do this by hand today is
not moved either, and keeps its places on the lists.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import Rules, Terms
from chalicelib.providers.rules import Group, GroupClosed
from chalicelib.vouchers.rules.enrolling import may_transfer, next_start, pending
from chalicelib.vouchers.rules.moving import (
    check_group,
    check_term,
    directed,
    may,
    overdue_contract,
    resumed,
    seated,
)
from chalicelib.vouchers.rules.refusals import WishWithdrawn
from chalicelib.vouchers.rules.values import Voucher

# How a standing wish is carried out: by runs too, or only as a place becomes free between them.
CarriedOut = Literal["in-runs", "as-freed"]
NotNow = Literal[
    "no-wish",  # nothing is wished, or what is wished is offered already
    "not-confirmed",  # not confirmed yet, or ended
    "no-seat",  # holds no seat that it could leave
    "term-passed",  # the term to sign the contract is over
    "transfer-pending",  # a transfer was agreed and has not begun
    "month-used",  # the month has no transfer left
]


@dataclass(frozen=True, slots=True)
class Mover:
    """A voucher whose holder is moved when it is its turn; wishes: groups, best first."""

    voucher: Voucher
    wishes: tuple[str, ...]


def standing_wishes(voucher: Voucher) -> tuple[str, ...]:
    """Return where a holder is to be moved, best first; what is offered to it is not among them."""
    return tuple(w.group_id for w in voucher.waiting if w.standing and w.state == "waiting")


def in_runs(voucher: Voucher, group: Group) -> bool:
    """Return whether runs could move a holder to a group, where the pack lets holders move in them.

    A voucher taken over from another platform has no ticket, so no proof of a run could name it;
    and a run gives nobody a group of another language or kind than it waited for. Such a wish is
    carried out between runs, as a place becomes free.
    """
    alike = (group.language, group.kind) == (voucher.language, voucher.kind)
    return alike and bool(voucher.application_id)


def not_now(
    voucher: Voucher, *, now: datetime, terms: Terms, calendar: Calendar, limited: bool = True
) -> NotNow | None:
    """Return why a holder could not be moved now, None when it could.

    limited: False when its own provider is suspended or removed; then no monthly limit counts.
    """
    if not standing_wishes(voucher):
        return "no-wish"
    if voucher.state not in ("confirmed", "used"):
        return "not-confirmed"
    if voucher.group_id is None:
        return "no-seat"
    if voucher.state == "confirmed":
        return "term-passed" if overdue_contract(voucher, now) else None
    if terms.transfers_per_month and pending(voucher, local_day(now)):
        return "transfer-pending"
    if limited and not may_transfer(voucher, next_start(now, terms, calendar), terms):
        return "month-used"
    return None


def demand_wish(voucher: Voucher, group_id: str) -> None:
    """Raise WishWithdrawn unless the holder still wants to be moved to a group."""
    if group_id not in standing_wishes(voucher):
        raise WishWithdrawn(group_id=group_id)


def reseat(
    voucher: Voucher,
    group: Group,
    *,
    form: str,
    now: datetime,
    rules: Rules,
    calendar: Calendar,
) -> Voucher:
    """Return a voucher without a contract with the wished seat instead of its own.

    The new kindergarten judges papers of its own, so the term is at least a whole one from now.
    Who is enrolled transfers instead. Raises WrongState, TermPassed, WishWithdrawn, what
    `check_group` raises, GroupClosed.
    """
    state = may(voucher, "take-offered")
    check_term(voucher, now)
    demand_wish(voucher, group.group_id)
    check_group(voucher, group, form=form, rules=rules)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    taken = directed(seated(resumed(replace(voucher, state=state), now, calendar), group), group)
    fresh = stamp(calendar.deadline(now, working_days=rules.terms.contract_working_days))
    return replace(taken, contract_by=max(taken.contract_by or fresh, fresh))


def enrolment_id_for(voucher: Voucher, group_id: str, version: int) -> str:
    """Return the id of the enrolment that a move begins: the same however often it is tried.

    version: of the voucher's row before the move.
    """
    told = f"{voucher.voucher_id}\n{version}\n{group_id}"
    return base64.b32encode(hashlib.sha256(told.encode()).digest()).decode().lower()[:26]
