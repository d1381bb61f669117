"""A hot account in several rows: which of them a posting moves.

In a billing night each statement of a region draws on one budget, and in the store a row takes one
transaction at a time. Such an account therefore lies in up to sixteen rows, each with a part of its
balance and its own limit; the account's balance is their sum. What a posting takes comes from the
row that its name picks. Where that row holds too little the others help, fullest first, in the same
transaction. Only when all of them together hold too little is the account short.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_SHARDS = 16
# A dozen statements of a big kindergarten: less in a row, and it would lend all the time.
A_SHARD_HOLDS_TIYN = 10_000_000_000
_KINDS = frozenset({"budget", "committed"})

Parts = tuple[tuple[int, int], ...]  # row and what it gives or gets


def is_sharded(account: str) -> bool:
    """Return whether an account is of a kind that every statement of a region moves."""
    return account.partition(":")[0] in _KINDS


def shards_for(amount_tiyn: int) -> int:
    """Return in how many rows an allotment of a year is laid; one for a small budget."""
    return max(1, min(MOST_SHARDS, amount_tiyn // A_SHARD_HOLDS_TIYN))


def width_of(account: str) -> str:
    """Return the account that says how many rows a sharded one has: the budget of its year."""
    kind, _, rest = account.partition(":")
    if kind == "budget":
        return account
    programme, area, month, *direction = rest.split(":")
    return ":".join(("budget", programme, area, month[:4], *direction))


def take(amount_tiyn: int, held: Mapping[int, int], *, picked: int) -> Parts | None:
    """Return which rows give an amount, and how much each; None where they hold too little.

    held: balance by row. The picked row gives alone if it can.
    """
    if picked in held and held[picked] >= amount_tiyn:
        return ((picked, amount_tiyn),)
    parts: list[tuple[int, int]] = []
    left = amount_tiyn
    for shard, holds in sorted(held.items(), key=lambda one: (-one[1], one[0])):
        given = min(left, holds)
        if given > 0:
            parts.append((shard, given))
            left -= given
    return None if left else tuple(sorted(parts))


def fill(amount_tiyn: int, held: Mapping[int, int], *, shards: int) -> Parts:
    """Return how an amount is laid into rows so that they end as level as can be."""
    levels = {shard: held.get(shard, 0) for shard in range(shards)}
    left = amount_tiyn
    parts = dict.fromkeys(levels, 0)
    lowest = sorted(levels, key=lambda shard: (levels[shard], shard))
    for n, shard in enumerate(lowest, start=1):
        # Raise the n lowest together up to the next one, or until nothing is left.
        above = levels[lowest[n]] if n < shards else None
        step = left if above is None else min(left, (above - levels[shard]) * n)
        each, rest = divmod(step, n)
        for place, low in enumerate(lowest[:n]):
            parts[low] += each + (place < rest)
        left -= step
    return tuple((shard, part) for shard, part in parts.items() if part)
