"""The year's end of vouchers that hold money: who goes on, who is told, who ends.

Before the last reserved month is over, the next year's months are reserved in the order in which
the vouchers were issued, as far as the next budgets reach. A pass begins anew each day, so money
that is allotted late goes to the first of those who wait for it. Whoever is not covered a month
before is told so once, and ends with the reserved time. An area's vouchers are read from its list
of those that hold money, a part per message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.children import store as people
from chalicelib.children.rules import swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, shown_day, stamp
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.storage.commit import settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.parts import releasing
from chalicelib.vouchers.rules import Reserved, Voucher

RENEWALS_TOPIC = "vouchers/renewals"
AHEAD = timedelta(days=60)
TOLD_AHEAD = timedelta(days=30)
IN_A_PART = 25
LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Pass:
    """How far a day's pass over an area has come: after this place, these budgets spent.

    refused: vouchers that something stands in the way of, with its code; for somebody to look at.
    """

    after: str = ""
    short: frozenset[str] = frozenset()
    refused: tuple[tuple[str, str], ...] = ()
    more: bool = True


def renew_some(programme: str, area: str, so_far: Pass, *, by: Actor, now: datetime) -> Pass:
    """Take care of the next vouchers of an area whose reserved time ends; `more` while some are.

    What stands in one voucher's way keeps nobody else waiting. Doing it twice changes nothing
    more. Raises Unavailable.
    """
    today = local_day(now)
    upto = Month.of(today + AHEAD)
    # The last reserved month lies wholly within the days ahead.
    upto = upto if upto.last <= today + AHEAD else upto.before()
    listed = store.each_reserved(programme, area, after=so_far.after, upto=str(upto))
    short = set(so_far.short)
    acted = 0
    refused: list[tuple[str, str]] = []
    last = so_far.after
    more = False
    for kept in _some(listed):
        if acted == IN_A_PART:
            more = True
            break
        last = kept.sk
        try:
            acted += _look(kept.value, short, by=by, now=now)
        except Unavailable:
            raise
        except Refusal as refusal:
            refused.append((kept.value.voucher_id, refusal.code))
    else:
        more = next(iter(listed), None) is not None
    return Pass(last, frozenset(short), tuple(refused), more)


def _some(listed: Iterable[Kept[Reserved]]) -> Iterator[Kept[Reserved]]:
    return islice(listed, LOOKED_AT)


def _look(reserved: Reserved, short: set[str], *, by: Actor, now: datetime) -> int:
    """Renew, warn or end one voucher; return 1 when its rows were asked, 0 without."""
    last_day = Month.parse(reserved.reserved_to).last
    if last_day < local_day(now):
        _end(reserved, by=by, now=now)
        return 1
    if reserved.direction not in short:
        try:
            if _renew(reserved, by=by, now=now):
                return 1
        except BudgetShort:
            short.add(reserved.direction)
    if reserved.warned or local_day(now) < last_day - TOLD_AHEAD:
        return 0
    _warn(reserved, by=by, now=now)
    return 1


@settles
def _renew(reserved: Reserved, *, by: Actor, now: datetime) -> bool:
    """Reserve a voucher's next months; return whether it is covered now. Raises BudgetShort."""
    kept = store.find_voucher(reserved.voucher_id)
    if kept is None or rules.reserved(kept.value) != reserved:
        return True
    voucher = kept.value
    reserve = _renewal(voucher)
    if reserve is None:
        return False
    after = rules.renew(voucher, reserve)
    mark = kept.version + 1
    told = []
    if voucher.warned_of is not None:
        told = change.tell(after, "renewed", mark, now=now, until=shown_day(reserve.last.last))
    journal.commit(
        journal.entry(
            "vouchers/renewed",
            f"voucher/{voucher.voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(voucher).version,
            reserved_from=str(reserve.first),
            reserved_to=str(reserve.last),
            reserved_tiyn=reserve.total_tiyn,
        ),
        store.keep_voucher(kept, after),
        *change.reserved_rows(voucher, after, version=mark),
        *budgets.reserving(
            f"reserve#{voucher.voucher_id}#{reserve.first}", [reserve], at=stamp(now)
        ),
        *told,
    )
    return True


def _renewal(voucher: Voucher) -> rules.Reserve | None:
    """Return the next months by the rules that begin them; None where the programme is over."""
    if voucher.reserved_to is None:
        return None
    try:
        in_force = change.pack_of(voucher).at(Month.parse(voucher.reserved_to).next().first)
    except (NoPack, NoRuleInForce):
        return None
    return rules.renewal(voucher, in_force)


@settles
def _warn(reserved: Reserved, *, by: Actor, now: datetime) -> None:
    kept = store.find_voucher(reserved.voucher_id)
    if kept is None or rules.reserved(kept.value) != reserved:
        return
    after = rules.warn(kept.value)
    mark = kept.version + 1
    last_day = Month.parse(reserved.reserved_to).last
    what = "not-renewed-soon" if _renewal(kept.value) else "too-old-soon"
    journal.commit(
        journal.entry(
            "vouchers/not-covered",
            f"voucher/{reserved.voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(after).version,
            reserved_to=reserved.reserved_to,
        ),
        store.keep_voucher(kept, after),
        *change.reserved_rows(kept.value, after, version=mark),
        *change.tell(after, what, mark, now=now, until=shown_day(last_day)),
    )


@settles
def _end(reserved: Reserved, *, by: Actor, now: datetime) -> None:
    """End a voucher whose reserved time is over, on that time's last day."""
    kept = store.find_voucher(reserved.voucher_id)
    if kept is None or rules.reserved(kept.value) != reserved or kept.value.state == "issued":
        return
    last_day = Month.parse(reserved.reserved_to).last
    after, described, gone = releasing(kept, "not-renewed", now=now, last_day=last_day)
    own, rest = change.puts(described)
    holdings = people.load_holdings(after.child_id)
    held = holdings.value
    for gone_id in gone:
        held = swap(held, gone_id)
    journal.commit(
        journal.entry(
            "vouchers/not-renewed",
            f"voucher/{after.voucher_id}",
            by=by,
            now=now,
            pack=after.pack,
            reserved_to=reserved.reserved_to,
        ),
        own,
        *rest,
        people.keep_holdings(holdings, held),
        *change.tell(after, "not-renewed", kept.version + 1, now=now, last_day=shown_day(last_day)),
    )
