"""The ledger's rows: postings booked once, balances by ADD, a line per account and posting.

A posting's existence condition stands in the same transaction as its ADDs, so an ADD that is sent
twice counts once; an account's limit is a condition of the very update that would pass it. Hot
accounts lie in several rows (`rules.sharding`), each with its own limit and lines.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.budgets.rules import ledger, sharding
from chalicelib.budgets.rules.checking import Row, Tally
from chalicelib.budgets.rules.ledger import AccountShort, Posting
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import keys
from chalicelib.storage.commit import Raced, Update, Write
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.storage.snapshot import read_at_once

_BATCH = 100
LINE = "LINE#"


class AccountRow(MoneyRow):
    """A row of an account, where an ADD and a condition can reach it.

    room_tiyn: what may still be taken back of a site's month, where it is recoverable. shards: in
    how many rows the account lies, on its first; absent for one.
    """

    balance_tiyn = NumberAttribute(null=True)
    room_tiyn = NumberAttribute(null=True)
    shards = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """What one posting moved on one account."""

    posting: str
    amount_tiyn: int
    at: str


@dataclass(slots=True)
class _Change:
    """What a posting does to one row of an account."""

    amount_tiyn: int = 0
    room_tiyn: int = 0
    shards: int = 0
    enough: bool = False  # other rows were asked before: what it lacks now was taken meanwhile


POSTINGS: Shelf[Posting] = Shelf(MoneyRow, Posting)
LINES: Shelf[AccountLine] = Shelf(MoneyRow, AccountLine)


# --- booking ------------------------------------------------------------------------------------


def book(
    posting: Posting, *, otherwise: Mapping[str, Refusal] | None = None, shards: int = 1
) -> list[Write]:
    """Describe a posting: 1 + 2 writes for each row it moves; none for one that moves nothing.

    otherwise: by account, the refusal when it holds less than is taken (AccountShort). shards: in
    how many rows an allotment opens a budget; it has as many from then on.

    A hot account costs a read, two where it lies in several rows.
    """
    if not posting.movements:
        return []
    writes: list[Write] = [POSTINGS.create(keys.posting(posting.name), posting, otherwise=Raced())]
    for (account, shard), change in _changes(posting, shards).items():
        refusal = (otherwise or {}).get(account) or AccountShort(account=ledger.kind_of(account))
        writes.append(
            Update(
                AccountRow(*keys.account(account, shard)),
                _adds(change),
                only_if=_limit(account, change),
                # What was owed was read, and is less by now: whoever books it looks again.
                otherwise=Raced() if change.enough or _fills(account, change) else refusal,
            )
        )
        if change.amount_tiyn:
            key = keys.account_line(account, posting.at, posting.name, shard)
            line = AccountLine(posting.name, change.amount_tiyn, posting.at)
            writes.append(LINES.create(key, line))
    return writes


def _changes(posting: Posting, shards: int) -> dict[tuple[str, int], _Change]:
    """Return what a posting does, by account and row, in the order of its movements."""
    changes: dict[tuple[str, int], _Change] = {}
    books = _Books(posting, shards)
    for movement in posting.movements:
        account, amount = movement.account, movement.amount_tiyn
        parts, enough = books.parts(account, amount)
        for shard, part in parts:
            changes[account, shard] = _Change(amount_tiyn=part, enough=enough)
        laid = 1 + max(shard for shard, _ in parts)
        if laid > books.widths.get(account, 1):
            changes.setdefault((account, 0), _Change()).shards = laid
    for account, room in ledger.rooms(posting.movements).items():
        changes.setdefault((account, 0), _Change()).room_tiyn = room
    return changes


class _Books:
    """What a posting must know of the hot accounts it moves before it is written."""

    def __init__(self, posting: Posting, shards: int) -> None:
        self.name, self.shards = posting.name, shards
        hot = [m for m in posting.movements if sharding.is_sharded(m.account)]
        self.widths, rows = _widths(m.account for m in hot)
        lying = [
            (m.account, shard)
            for m in hot
            if self._opens(m.account) or (m.amount_tiyn < 0 and self.widths[m.account] > 1)
            for shard in range(self.widths[m.account])
        ]
        self.held = _held(lying, known=rows)

    def _opens(self, account: str) -> bool:
        return self.shards > 1 and ledger.kind_of(account) == "budget"

    def parts(self, account: str, amount: int) -> tuple[sharding.Parts, bool]:
        """Return which rows of an account move and by how much; whether they were seen to hold it.

        Where all rows together hold too little, the one that is named refuses.
        """
        width = self.widths.get(account, 1)
        picked = keys.shard(self.name, shards=width)
        if amount > 0 and self._opens(account):
            laid = max(width, self.shards)
            return sharding.fill(amount, self.held[account], shards=laid), False
        if amount > 0:
            return ((picked, amount),), False
        if width == 1:
            return ((0, amount),), False
        taken = sharding.take(-amount, self.held[account], picked=picked)
        if taken is None:
            # Read one after the other, the rows may seem to hold less than they ever did.
            taken = sharding.take(-amount, _at_once(account), picked=picked)
        if taken is None:
            return ((picked, amount),), False
        return tuple((shard, -part) for shard, part in taken), True


def _adds(change: _Change) -> list[Action]:
    actions: list[Action] = []
    if change.amount_tiyn:
        actions.append(AccountRow.balance_tiyn.add(change.amount_tiyn))
    if change.room_tiyn:
        actions.append(AccountRow.room_tiyn.add(change.room_tiyn))
    if change.shards:
        actions.append(AccountRow.shards.set(change.shards))
    return actions


def _fills(account: str, change: _Change) -> bool:
    return change.amount_tiyn > 0 and ledger.capped(account)


def _limit(account: str, change: _Change) -> Condition | None:
    """Return what must hold of a row before it is changed so; None where nothing must."""
    limit: Condition | None = None
    if change.amount_tiyn < 0 and ledger.floored(account):
        limit = AccountRow.balance_tiyn >= -change.amount_tiyn
    if _fills(account, change):
        limit = AccountRow.balance_tiyn <= -change.amount_tiyn
    if change.room_tiyn < 0:
        room = AccountRow.room_tiyn >= -change.room_tiyn
        limit = room if limit is None else limit & room
    return limit


# --- reading ------------------------------------------------------------------------------------


def balances(accounts: Iterable[str]) -> dict[str, int]:
    """Return the balances of accounts; zero for one that was never moved.

    A call per hundred rows; one more where hot accounts lie in several rows.
    """
    names = list(dict.fromkeys(accounts))
    widths, rows = _widths((n for n in names if sharding.is_sharded(n)), others=names)
    held = _held(((n, k) for n in names for k in range(widths.get(n, 1))), known=rows)
    return {name: sum(held.get(name, {}).values()) for name in names}


def width(account: str) -> int:
    """Return in how many rows an account lies."""
    return _widths([account])[0][account] if sharding.is_sharded(account) else 1


def room(account: str) -> int:
    """Return what may still be taken back of a site's month, by its account recoverable."""
    row = _rows([(account, 0)]).get((account, 0))
    return int(row.room_tiyn or 0) if row else 0


def _widths(
    hot: Iterable[str], *, others: Iterable[str] = ()
) -> tuple[dict[str, int], dict[str, AccountRow]]:
    """Return in how many rows hot accounts lie, and the first rows that were read for it."""
    budgets = {account: sharding.width_of(account) for account in hot}
    first = {
        account: row
        for (account, _), row in _rows(
            (name, 0) for name in dict.fromkeys([*others, *budgets.values()])
        ).items()
    }
    widths = {
        account: int(first[budget].shards or 1) if budget in first else 1
        for account, budget in budgets.items()
    }
    return widths, first


def _held(
    wanted: Iterable[tuple[str, int]], *, known: Mapping[str, AccountRow]
) -> dict[str, dict[int, int]]:
    """Return balances by account and row; known: first rows that were read already."""
    every = list(wanted)
    read = _rows(one for one in every if one[1] or one[0] not in known)
    held: dict[str, dict[int, int]] = {}
    for account, shard in every:
        row = read.get((account, shard)) or (known.get(account) if shard == 0 else None)
        held.setdefault(account, {})[shard] = int(row.balance_tiyn or 0) if row else 0
    return held


def _rows(wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], AccountRow]:
    """Return those rows of accounts that exist; a call per hundred."""
    by_key = {keys.account(*one): one for one in wanted}
    ordered = list(by_key)
    found: dict[tuple[str, int], AccountRow] = {}
    for start in range(0, len(ordered), _BATCH):
        for row in AccountRow.batch_get(ordered[start : start + _BATCH], consistent_read=True):
            found[by_key[row.pk, row.sk]] = row
    return found


def _at_once(account: str) -> dict[int, int]:
    """Return what every row of a hot account holds at one instant."""
    every = [keys.account(account, shard) for shard in range(sharding.MOST_SHARDS)]
    rows = read_at_once(AccountRow.Meta.table_name, every)
    return {
        shard: int(row.get("balance_tiyn", {}).get("N", 0)) if row else 0
        for shard, row in enumerate(rows)
    }


def was_booked(name: str) -> bool:
    """Return whether a posting of that name exists."""
    return find_posting(name) is not None


def find_posting(name: str) -> Posting | None:
    """Return a posting, or None. One read."""
    kept = POSTINGS.find(keys.posting(name))
    return kept.value if kept else None


def find_postings(names: Iterable[str]) -> dict[str, Posting]:
    """Return those postings that exist, by name; a call per hundred."""
    found = POSTINGS.find_many([keys.posting(name) for name in names])
    return {kept.value.name: kept.value for kept in found.values()}


def list_lines(account: str, *, limit: int | None = None) -> list[AccountLine]:
    """Return an account's lines, oldest first."""
    return list(itertools.islice(each_line(account), limit))


def each_line(
    account: str, *, after: str | None = None, upto: str | None = None
) -> Iterator[AccountLine]:
    """Yield an account's lines, oldest first, one for each posting whatever rows it moved.

    after: places (`place_of`) above; upto: below or at. A query for each of its rows.
    """
    rows = [
        LINES.each(
            keys.account(account, shard)[0],
            after=after if after is not None else LINE,
            upto=upto if upto is not None else LINE + "~",
        )
        for shard in range(width(account))
    ]

    def place(kept: Kept[AccountLine]) -> str:
        return kept.sk

    for _, same in itertools.groupby(heapq.merge(*rows, key=place), key=place):
        lines = [kept.value for kept in same]
        moved = sum(line.amount_tiyn for line in lines)
        yield AccountLine(lines[0].posting, moved, lines[0].at)


def place_of(line: AccountLine) -> str:
    """Return where a line stands among its account's, as text that sorts so."""
    return f"{LINE}{line.at}#{line.posting}"


# --- all of it ----------------------------------------------------------------------------------


def take_in(tally: Tally, *, segment: int = 0, segments: int = 1) -> Iterator[int]:
    """Put a segment of the whole ledger into a tally; yield now and then how many rows were read.

    Reads the table through, page after page: never for a request.
    """
    mine = AccountRow.pk.startswith("POSTING#") | AccountRow.pk.startswith("ACCOUNT#")
    rows = AccountRow.scan(mine, segment=segment, total_segments=segments, consistent_read=True)
    for read, row in enumerate(rows, start=1):
        _take(tally, row)
        if read % 1_000 == 0:
            yield read


def take_accounts(tally: Tally, accounts: Iterable[str]) -> None:
    """Put some accounts' rows and lines, and the postings of these lines, into a tally."""
    named: set[str] = set()
    for account in dict.fromkeys(accounts):
        shards = sharding.MOST_SHARDS if sharding.is_sharded(account) else 1
        for row in _rows((account, shard) for shard in range(shards)).values():
            _take(tally, row)
        for shard in range(shards):
            for kept in LINES.each(keys.account(account, shard)[0], begins=LINE):
                named.add(kept.value.posting)
                _take_line(tally, account, shard, kept.value)
    for posting in find_postings(sorted(named)).values():
        tally.take_posting(posting)


def _take(tally: Tally, row: AccountRow) -> None:
    kind, _, name = row.pk.partition("#")
    if kind == "POSTING":
        tally.take_posting(POSTINGS.kept(row).value)
        return
    account, _, shard = name.partition("#")
    number = int(shard or 0)
    if row.sk.startswith(LINE):
        _take_line(tally, account, number, LINES.kept(row).value)
        return
    balance, room = int(row.balance_tiyn or 0), int(row.room_tiyn or 0)
    tally.take_row(Row(account, number, balance, room, int(row.shards or 1)))


def _take_line(tally: Tally, account: str, shard: int, line: AccountLine) -> None:
    tally.take_line(account, shard, posting=line.posting, amount_tiyn=line.amount_tiyn)


# --- the drill ----------------------------------------------------------------------------------


def restore_balance(account: str) -> int:
    """Set an account's rows to the sums of their lines and return its balance; for the drill.

    What may be taken back of a site's month is counted anew from its postings.
    """
    most = sharding.MOST_SHARDS if sharding.is_sharded(account) else 1
    sums: dict[int, int] = {}
    for shard in range(most):
        lines = list(LINES.each(keys.account(account, shard)[0], begins=LINE))
        if lines:
            sums[shard] = sum(kept.value.amount_tiyn for kept in lines)
    laid = max(sums, default=0) + 1
    room = _room_counted(account)
    if room is not None and 0 not in sums:
        AccountRow(*keys.account(account), room_tiyn=room).save(add_version_condition=False)
    for shard, balance in sums.items():
        AccountRow(
            *keys.account(account, shard),
            balance_tiyn=balance,
            room_tiyn=room if shard == 0 else None,
            shards=laid
            if laid > 1 and shard == 0 and ledger.kind_of(account) == "budget"
            else None,
        ).save(add_version_condition=False)
    return sum(sums.values())


def _room_counted(account: str) -> int | None:
    """Return what the postings of a site's month leave to be taken back; None for none of them."""
    kind, _, month = account.partition(":")
    if kind != "recoverable":
        return None
    named = {
        kept.value.posting
        for each in (account, f"accrued:{month}")
        for kept in LINES.each(keys.account(each)[0], begins=LINE)
    }
    changes = [
        change
        for posting in find_postings(sorted(named)).values()
        if (change := ledger.rooms(posting.movements).get(account)) is not None
    ]
    return sum(changes) if changes else None
