"""What a voucher holds of a budget: a fixed sum for each month it may still be used in.

A promise cannot outgrow the budget: the sum leaves `budget` when the voucher is issued, in the
same commit, and lies in `committed` of each month. A statement uses it; what a month did not use
goes back once late corrections are unlikely (`settle_after_months`). Months that had not begun
when a voucher ends go back at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.budgets.rules import ledger
from chalicelib.kernel.periods import Month


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Money held for one voucher: month_tiyn in each month, both ends included.

    direction: whose budget holds it, "" where budgets have no directions.
    """

    programme: str
    area: str
    direction: str
    month_tiyn: int
    first: Month
    last: Month

    def months(self) -> Iterator[Month]:
        """Yield the months it holds money in; none when it ended before it began."""
        month = self.first
        while month <= self.last:
            yield month
            month = month.next()

    @property
    def total_tiyn(self) -> int:
        """Return what it takes from the budget."""
        return self.month_tiyn * sum(1 for _ in self.months())


def last_month(reserve_until: str, month: Month) -> Month:
    """Return the last month a voucher issued in `month` reserves, of the same budget year.

    reserve_until: MM-DD, as the pack has it; a month that begins after it reserves itself alone.
    """
    return max(month, Month(month.year, int(reserve_until[:2])))


def promisable(free_tiyn: int, allotted_tiyn: int, kept_free_per_mille: int) -> int:
    """Return what a queue may be promised of a budget: what is free, less the share kept free."""
    return max(0, free_tiyn - allotted_tiyn * kept_free_per_mille // 1000)


def rest(reserve: Reserve, *, after: Month) -> Reserve:
    """Return what a reserve holds after a month; months begun are kept for their statements."""
    return replace(reserve, first=max(reserve.first, after.next()))


def taking(reserves: Iterable[Reserve]) -> tuple[tuple[str, int], ...]:
    """Return the movements budget → committed of several vouchers, one per account."""
    moved: Counter[str] = Counter()
    for reserve in reserves:
        for month in reserve.months():
            of = (reserve.programme, reserve.area)
            moved[ledger.budget(*of, month.year, reserve.direction)] -= reserve.month_tiyn
            moved[ledger.committed(*of, month, reserve.direction)] += reserve.month_tiyn
    return tuple(sorted(moved.items()))


def giving_back(reserves: Iterable[Reserve]) -> tuple[tuple[str, int], ...]:
    """Return the movements committed → budget of several vouchers, one per account."""
    return tuple((account, -amount) for account, amount in taking(reserves))


def moving(reserve: Reserve, to_direction: str) -> tuple[tuple[str, int], ...]:
    """Return the movements of a reserve from its direction to another, month by month.

    The treasury's accounts say that the one direction was given less and the other more, so that
    what each has spent can still be told.
    """
    moved: Counter[str] = Counter()
    for month in reserve.months():
        of = (reserve.programme, reserve.area)
        moved[ledger.committed(*of, month, reserve.direction)] -= reserve.month_tiyn
        moved[ledger.committed(*of, month, to_direction)] += reserve.month_tiyn
        moved[ledger.treasury(*of, month.year, reserve.direction)] += reserve.month_tiyn
        moved[ledger.treasury(*of, month.year, to_direction)] -= reserve.month_tiyn
    return tuple(sorted(moved.items()))


def paying(
    amount_tiyn: int, promised: Sequence[tuple[str, int]], *, budget: str
) -> tuple[tuple[str, int], ...]:
    """Return the movements that pay a statement's amount.

    promised: accounts that are committed for the month and what they hold, the statement's own
    direction first. Plus is spent: the own promise first, then those of other directions, because
    a child who moved in mid-month was promised where it came from, then the budget. Minus is a
    reversal and goes back to where it can be used again for the same month.
    """
    if amount_tiyn <= 0:
        return ((promised[0][0], -amount_tiyn),)
    movements: list[tuple[str, int]] = []
    left = amount_tiyn
    for account, held in promised:
        taken = min(left, held)
        if taken > 0:
            movements.append((account, -taken))
            left -= taken
    return (*movements, (budget, -left)) if left else tuple(movements)
