"""The ledger as a small model: a dictionary of balances, and what may be taken back of a month.

It knows nothing of rows, shards, conditions or lines, and shares no code with the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

Moves = tuple[tuple[str, int], ...]
BELOW_ZERO = ("treasury", "recoverable", "fees")
STATE = ("treasury", "budget", "committed")


class Ledger:
    """What is booked, and what each account holds."""

    def __init__(self) -> None:
        self.balance: Counter[str] = Counter()
        self.stated: Counter[str] = Counter()  # by a site's month
        self.booked: dict[str, Moves] = {}
        self.history: list[tuple[str, str, Moves]] = []

    def says(self, name: str, moves: Moves) -> str:
        """Return what becomes of a posting: booked, again, short, full, or nothing."""
        if not any(amount for _, amount in moves):
            return "nothing"
        if name in self.booked:
            return "again"
        if self._short(moves):
            return "short"
        return "full" if self._full(moves) else "booked"

    def book(self, name: str, at: str, moves: Moves) -> None:
        assert sum(amount for _, amount in moves) == 0
        self.booked[name] = moves
        self.history.append((at, name, moves))
        for account, amount in moves:
            self.balance[account] += amount
        for month, amount in self._stated(moves).items():
            self.stated[month] += amount

    def room(self, month: str) -> int:
        """Return what may still be taken back of a site's month."""
        return self.stated[month] - self.balance[f"accrued:{month}"]

    def at(self, account: str, instant: str) -> int:
        """Return what an account held after everything that was booked up to an instant."""
        return sum(
            amount
            for at, _, moves in self.history
            for name, amount in moves
            if name == account and at <= instant
        )

    def _short(self, moves: Moves) -> bool:
        for account, amount in moves:
            kind = account.split(":")[0]
            if amount < 0 and kind not in BELOW_ZERO and self.balance[account] + amount < 0:
                return True
        after = Counter(self.balance)
        for account, amount in moves:
            after[account] += amount
        stated = self._stated(moves)
        for month in self._months(moves):
            room = self.stated[month] + stated[month] - after[f"accrued:{month}"]
            if room < 0:
                return True
        return False

    def _full(self, moves: Moves) -> bool:
        """Return whether more would be paid back than is owed."""
        return any(
            amount > 0 and self.balance[account] + amount > 0
            for account, amount in moves
            if account.split(":")[0] == "recoverable"
        )

    def _stated(self, moves: Moves) -> Counter[str]:
        months = self._months(moves)
        drawn = -sum(amount for account, amount in moves if account.split(":")[0] in STATE)
        return Counter(dict.fromkeys(months, drawn))

    @staticmethod
    def _months(moves: Moves) -> set[str]:
        return {
            account.partition(":")[2]
            for account, _ in moves
            if account.split(":")[0] in ("accrued", "recoverable")
        }

    def accounts(self) -> Iterable[str]:
        return sorted({account for moves in self.booked.values() for account, _ in moves})
