"""The money a voucher holds: what follows it, and what goes back when it ends.

A month that has begun stays where it was: its lessons may be billed. Only months not yet begun move
with the child to another direction, and only they go back when the voucher ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from chalicelib.budgets.rules.reserving import Reserve, last_month, rest
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import Rules
from chalicelib.vouchers.rules.moving import age_in
from chalicelib.vouchers.rules.values import Reserved, Stay, Voucher

__all__ = [
    "LIVE",
    "Reserve",
    "moved",
    "released",
    "renew",
    "renewal",
    "reserved",
    "reserves_of",
    "warn",
]

LIVE = ("issued", "confirmed", "used")


def reserves_of(voucher: Voucher) -> tuple[Reserve, ...]:
    """Return the money a voucher holds, earlier months first; none when it holds none.

    A renewal may hold another sum in its months than was held before.
    """
    if not voucher.reserve_tiyn or voucher.reserved_from is None or voucher.reserved_to is None:
        return ()
    first, last = Month.parse(voucher.reserved_from), Month.parse(voucher.reserved_to)
    if voucher.renewed_from is None:
        return (_reserve(voucher, voucher.reserve_tiyn, first, last),)
    renewed = Month.parse(voucher.renewed_from)
    return (
        _reserve(voucher, voucher.reserve_tiyn, first, renewed.before()),
        _reserve(voucher, voucher.renewed_tiyn, renewed, last),
    )


def reserved(voucher: Voucher) -> Reserved | None:
    """Return the voucher's row in its area's list of those that hold money, if it is to stand."""
    if not voucher.reserve_tiyn or voucher.reserved_to is None or voucher.state not in LIVE:
        return None
    return Reserved(
        voucher.voucher_id,
        voucher.order,
        voucher.direction,
        voucher.reserved_to,
        warned=voucher.warned_of == voucher.reserved_to,
    )


def released(before: Voucher, after: Voucher, today: date) -> tuple[Reserve, ...]:
    """Return what goes back to the budget when a voucher ends: months after its last day.

    Of a voucher that nobody signed with the month that has begun too, and the one before it, in
    which its term may have begun: no provider can be owed anything. Older ones are settled.
    """
    if before.state not in LIVE or after.state in LIVE:
        return ()
    if before.used_from is None:
        return _after(before, Month.of(today).before().before())
    last_day = max([today, *(leaving.until for leaving in after.leaving)])
    return _after(before, Month.of(last_day))


def moved(
    before: Voucher, after: Voucher, stays: Iterable[Stay], today: date
) -> tuple[Reserve, ...]:
    """Return the months whose money moves to the direction of `after`.

    Those in which the child had a day with a provider stay with that provider's direction.
    """
    if before.direction == after.direction:
        return ()
    days = [leaving.until for leaving in after.leaving]
    days += [
        stay.ends_on
        for stay in stays
        if stay.voucher_id == before.voucher_id
        and stay.ends_on is not None
        and stay.ends_on >= stay.starts_on
    ]
    return _after(before, max([Month.of(today).before(), *(Month.of(day) for day in days)]))


def renewal(voucher: Voucher, rules: Rules) -> Reserve | None:
    """Return what the voucher is to hold after its last month; None when the child is too old then.

    From the month after it to the last that year's budget reserves, at the rates in force.
    """
    if voucher.reserved_to is None:
        return None
    first = Month.parse(voucher.reserved_to).next()
    year = rules.academic_year.year_of(first.first)
    if age_in(voucher, year) > rules.cohorts.oldest_age:
        return None
    last = last_month(rules.budget.reserve_until, first)
    return _reserve(voucher, rules.month_max_tiyn(voucher.sen), first, last)


def renew(voucher: Voucher, reserve: Reserve) -> Voucher:
    """Return the voucher with the money of its next months."""
    now_held = reserves_of(voucher)[-1]
    return replace(
        voucher,
        reserve_tiyn=now_held.month_tiyn,
        reserved_from=str(now_held.first),
        renewed_tiyn=reserve.month_tiyn,
        renewed_from=str(reserve.first),
        reserved_to=str(reserve.last),
        warned_of=None,
    )


def warn(voucher: Voucher) -> Voucher:
    """Return the voucher whose family is told that no money is there after its last month."""
    return replace(voucher, warned_of=voucher.reserved_to)


def _reserve(voucher: Voucher, month_tiyn: int, first: Month, last: Month) -> Reserve:
    return Reserve(
        programme=voucher.programme,
        area=voucher.area,
        direction=voucher.direction,
        month_tiyn=month_tiyn,
        first=first,
        last=last,
    )


def _after(voucher: Voucher, month: Month) -> tuple[Reserve, ...]:
    left = (rest(reserve, after=month) for reserve in reserves_of(voucher))
    return tuple(reserve for reserve in left if reserve.first <= reserve.last)
