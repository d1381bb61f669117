"""Special needs found while a voucher is in hand: raised financing from a day on.

Days before it stay as they were paid for: an enrolment that runs ends on the day before, and
another begins in the same group and seat. Months that have begun keep the money they hold; those
that have not hold the dearest month of a child with special needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.budgets.rules.reserving import rest
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.vouchers.rules.enrolling import ONE_DAY
from chalicelib.vouchers.rules.moving import may
from chalicelib.vouchers.rules.refusals import BadStart
from chalicelib.vouchers.rules.reserving import Reserve, reserves_of
from chalicelib.vouchers.rules.values import Enrolment, Voucher

WITHIN_DAYS = 366


@dataclass(frozen=True, slots=True)
class Raised:
    """The voucher of a child with special needs, what it holds besides, and its enrolments."""

    voucher: Voucher
    more: tuple[Reserve, ...]
    ended: Enrolment | None = None
    started: Enrolment | None = None


def raised_already(voucher: Voucher, asked: str) -> bool:
    """Return whether the voucher is one for special needs already. Raises AnotherContent.

    asked: digest of what is asked; a voucher issued as such was asked for by nobody.
    """
    if voucher.sen and voucher.raised not in ("", asked):
        raise AnotherContent(voucher_id=voucher.voucher_id)
    return voucher.sen


def raise_financing(
    voucher: Voucher,
    current: Enrolment | None,
    *,
    enrolment_id: str,
    from_on: date | None,
    month_tiyn: int,
    asked: str,
    now: datetime,
) -> Raised:
    """Return a voucher with raised financing from a day on, tomorrow if none is said.

    current: the enrolment that runs; from_on never lies before its first day. month_tiyn: what a
    month of such a voucher holds. Raises WrongState, BadStart.
    """
    state = may(voucher, "raise")
    tomorrow = local_day(now) + ONE_DAY
    last = local_day(now) + WITHIN_DAYS * ONE_DAY
    if voucher.reserved_to is not None:
        last = min(last, Month.parse(voucher.reserved_to).last)
    if from_on is not None and not tomorrow <= from_on <= last:
        raise BadStart(first=tomorrow.isoformat(), last=last.isoformat())
    begins = from_on or tomorrow
    after, more = _topped_up(
        replace(voucher, state=state, sen=True, raised=asked),
        month_tiyn,
        after=Month.of(local_day(now)) if from_on is None else Month.of(from_on).before(),
        today=local_day(now),
    )
    if current is None:
        return Raised(after, more)
    begins = max(begins, current.starts_on)
    ended = replace(current, ends_on=begins - ONE_DAY, state="ended", reason="raised")
    started = replace(current, enrolment_id=enrolment_id, starts_on=begins, sen=True)
    if current.used_month != str(Month.of(begins)):
        started = replace(started, used_month=None, used_tiyn=0)
    return Raised(replace(after, enrolment_id=enrolment_id), more, ended, started)


def _topped_up(
    voucher: Voucher, month_tiyn: int, *, after: Month, today: date
) -> tuple[Voucher, tuple[Reserve, ...]]:
    """Return the voucher that holds so much in each month to come, and what that is more."""
    held = reserves_of(voucher)
    if not held:
        return voucher, ()
    ahead = [rest(each, after=max(after, Month.of(today))) for each in held]
    ahead = [each for each in ahead if each.first <= each.last]
    if not ahead:
        return voucher, ()
    most = max([month_tiyn, *(each.month_tiyn for each in ahead)])
    more = tuple(replace(each, month_tiyn=most - each.month_tiyn) for each in ahead)
    first = ahead[0].first
    begun = [each for each in held if each.first < first]
    if not begun:
        voucher = replace(voucher, reserve_tiyn=most, renewed_from=None, renewed_tiyn=0)
    else:
        voucher = replace(
            voucher,
            reserve_tiyn=begun[-1].month_tiyn,
            reserved_from=str(begun[-1].first),
            renewed_from=str(first),
            renewed_tiyn=most,
        )
    return voucher, tuple(each for each in more if each.month_tiyn)
