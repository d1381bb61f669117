"""What our own data say of a child: no register is asked and no paper shown.

no-recent-voucher: on none of the last twelve months' days had the child a voucher of the programme,
in any area. The twelve months are counted back from the day of the application: a voucher whose
last day is 10 September 2025 is recent up to 9 September 2026 and not from the 10th on. A voucher
is had from the day it is confirmed to the last day of the place it paid for; one that was never
signed for, to the day it ended; one refused or not confirmed was never had. What was found holds
as long as the application lives, so that nobody loses a category by waiting or by a voucher that
came back.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date

NO_RECENT_VOUCHER = "no-recent-voucher"
MONTHS = 12


def months_before(on: date, months: int) -> date:
    """Return the same day so many months earlier; the last of the month where there is none."""
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


def had_recently(last_days: Iterable[date | None], *, on: date) -> bool:
    """Return whether one of a child's vouchers reached into the last twelve months.

    last_days: of each voucher; None while it is still had.
    """
    since = months_before(on, MONTHS)
    return any(last is None or last > since for last in last_days)
