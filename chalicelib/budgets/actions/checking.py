"""The whole ledger read and checked against itself.

Whoever works meanwhile makes what is read of several instants: what seems wrong is therefore read
again by itself, a few times, and is a flaw when it stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.budgets.rules import checking, sharding
from chalicelib.budgets.rules.checking import Flaw, Tally
from chalicelib.budgets.store import checks
from chalicelib.budgets.store import ledger as books
from chalicelib.budgets.store.checks import Night
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage.commit import settles

MOST_FLAWS = 100
_TRIES = 3
_PAUSE_S = 0.2
_OF_AN_ACCOUNT = frozenset({checking.BALANCE, checking.ROOM, checking.LIMIT, checking.SHARD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. by_kind: the trial balance; flaws: none where all is as it must be."""

    postings: int
    lines: int
    accounts: int
    by_kind: dict[str, int]
    flaws: tuple[Flaw, ...]

    @property
    def total_tiyn(self) -> int:
        """Return what all accounts hold together: nothing, or it is a flaw."""
        return sum(self.by_kind.values())


def check_ledger(
    *,
    tell: Callable[[int], None] = lambda rows: None,
    pause: Callable[[float], None] = time.sleep,
) -> Checked:
    """Read all postings, lines and balances, and return what does not agree."""
    tally = _all(tell)
    found = tally.found()
    for _ in range(_TRIES - 1):
        if not found:
            break
        pause(_PAUSE_S)
        found = [flaw for flaw in found if _stays(flaw, tell)]
    return Checked(
        postings=tally.postings,
        lines=tally.lines,
        accounts=tally.accounts(),
        by_kind=tally.by_kind(),
        flaws=tuple(found),
    )


@settles
def check_night(*, by: Actor, now: datetime) -> Night:
    """Check the ledger for the night of an instant and keep what was found; once for a night."""
    on = local_day(now).isoformat()
    done = checks.find_night(on)
    if done is not None:
        return done
    found = check_ledger()
    night = Night(
        on=on,
        at=stamp(now),
        postings=found.postings,
        lines=found.lines,
        accounts=found.accounts,
        by_kind=found.by_kind,
        flawed=len(found.flaws),
        flaws=found.flaws[:MOST_FLAWS],
    )
    entry = journal.entry(
        "budgets/checked",
        f"ledger-check/{on}",
        by=by,
        now=now,
        postings=night.postings,
        flawed=night.flawed,
        total_tiyn=found.total_tiyn,
    )
    journal.commit(entry, checks.keep_night(night))
    return night


def trial_balance() -> Night | None:
    """Return what the newest check of the whole ledger found; None before the first."""
    return checks.newest_night()


def _all(tell: Callable[[int], None]) -> Tally:
    tally = Tally()
    for rows in books.take_in(tally):
        tell(rows)
    return tally


def _stays(flaw: Flaw, tell: Callable[[int], None]) -> bool:
    """Return whether what was found is there when it alone is read again."""
    if flaw.what in _OF_AN_ACCOUNT:
        account = flaw.where.partition("#")[0]
        beside = {
            checking.SHARD: [sharding.width_of(account)] if sharding.is_sharded(account) else [],
            checking.ROOM: [f"accrued:{account.partition(':')[2]}"],
        }
        again = Tally()
        books.take_accounts(again, [account, *beside.get(flaw.what, [])])
        return any((one.what, one.where) == (flaw.what, flaw.where) for one in again.found())
    if flaw.what == checking.LINE:
        posting, _, account = flaw.where.rpartition(" ")
        booked = books.find_posting(posting)
        moved = (
            sum(m.amount_tiyn for m in booked.movements if m.account == account) if booked else 0
        )
        told = sum(x.amount_tiyn for x in books.each_line(account) if x.posting == posting)
        return moved != told
    if flaw.what == checking.TRIAL:
        return bool(sum(_all(tell).by_kind().values()))
    return True
