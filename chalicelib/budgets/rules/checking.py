"""The ledger checked against itself: whatever was done to it, by whatever way.

Each posting balances and is what its lines say; each row holds the sum of its lines and is within
its limit; what may be taken back is what went out; all balances together are nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.budgets.rules import ledger, sharding
from chalicelib.budgets.rules.ledger import Posting

UNBALANCED, MIXED, LINE, BALANCE = "unbalanced", "mixed", "line", "balance"
LIMIT, ROOM, SHARD, TRIAL = "limit", "room", "shard", "trial-balance"


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """What is wrong and where: a posting's name, or an account's; and what was found, in tiyn.

    what: unbalanced   a posting's movements do not sum to zero
          mixed        a posting moves money between the state and parents
          line         an account's lines of a posting are not what it moved (posting and account)
          balance      a row's balance is not the sum of its lines
          limit        a row is below zero and must not be
          room         what may be taken back is not what went out, or below zero
          shard        money lies in a row that is not one of the account's
          trial-balance  all accounts together are not nothing
    """

    what: str
    where: str
    expected_tiyn: int
    found_tiyn: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an account as it stands."""

    account: str
    shard: int
    balance_tiyn: int
    room_tiyn: int = 0
    shards: int = 1


@dataclass(slots=True)
class Tally:
    """All of a ledger, or some of it, taken in in any order."""

    postings: int = 0
    lines: int = 0
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    # What postings moved and no line has told yet, by posting and account; zero is left out.
    open: dict[tuple[str, str], int] = field(default_factory=dict)
    sums: Counter[tuple[str, int]] = field(default_factory=Counter)
    rooms: Counter[str] = field(default_factory=Counter)

    def take_posting(self, posting: Posting) -> None:
        self.postings += 1
        moved = sum(m.amount_tiyn for m in posting.movements)
        if moved:
            self.flaws.append(Flaw(UNBALANCED, posting.name, 0, moved))
        mixed = ledger.of_parents(posting.movements)
        if mixed:
            self.flaws.append(Flaw(MIXED, posting.name, 0, mixed))
        for movement in posting.movements:
            self._told(posting.name, movement.account, movement.amount_tiyn)
        self.rooms.update(ledger.rooms(posting.movements))

    def take_line(self, account: str, shard: int, *, posting: str, amount_tiyn: int) -> None:
        self.lines += 1
        self.sums[account, shard] += amount_tiyn
        self._told(posting, account, -amount_tiyn)

    def take_row(self, row: Row) -> None:
        self.rows[row.account, row.shard] = row

    def by_kind(self) -> dict[str, int]:
        """Return the trial balance: what the accounts of each kind hold together."""
        kinds: Counter[str] = Counter()
        for row in self.rows.values():
            kinds[ledger.kind_of(row.account)] += row.balance_tiyn
        return dict(sorted(kinds.items()))

    def accounts(self) -> int:
        """Return how many accounts there are."""
        return len({account for account, _ in self.rows})

    def found(self) -> list[Flaw]:
        """Return every flaw, postings' first, in the order of their names."""
        return sorted({*self.flaws, *self._unlike_lines(), *self._of_rows()}) + self._trial()

    def _told(self, posting: str, account: str, amount_tiyn: int) -> None:
        left = self.open.pop((posting, account), 0) + amount_tiyn
        if left:
            self.open[posting, account] = left

    def _unlike_lines(self) -> Iterator[Flaw]:
        for (posting, account), left in self.open.items():
            yield Flaw(LINE, f"{posting} {account}", left, 0)

    def _of_rows(self) -> Iterator[Flaw]:
        for key in self.rows.keys() | self.sums.keys():
            account, shard = key
            row = self.rows.get(key)
            held = row.balance_tiyn if row else 0
            name = f"{account}#{shard}" if shard else account
            if held != self.sums[key]:
                yield Flaw(BALANCE, name, self.sums[key], held)
            if held < 0 and ledger.floored(account):
                yield Flaw(LIMIT, name, 0, held)
            if shard >= self._width(account):
                yield Flaw(SHARD, name, 0, held)
        for account in self.rooms.keys() | {a for a, _ in self.rows}:
            yield from self._room(account)

    def _room(self, account: str) -> Iterator[Flaw]:
        row = self.rows.get((account, 0))
        stored, counted = row.room_tiyn if row else 0, self.rooms[account]
        if stored != counted or stored < 0:
            yield Flaw(ROOM, account, max(0, counted), stored)

    def _width(self, account: str) -> int:
        if not sharding.is_sharded(account):
            return 1
        first = self.rows.get((sharding.width_of(account), 0))
        return first.shards if first else 1

    def _trial(self) -> list[Flaw]:
        total = sum(row.balance_tiyn for row in self.rows.values())
        return [Flaw(TRIAL, "all accounts", 0, total)] if total else []
