"""Writes for the commits of slices above: a voucher is issued, confirmed, or ends unsigned.

They come without holdings and without the journal's entry, which the caller's commit has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from chalicelib.kernel.periods import local_day
from chalicelib.storage.commit import Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.rules import Voucher


def issuing(voucher: Voucher) -> list[Write]:
    """Describe a new voucher, its waiting lists and clocks; the seat is the caller's to write.

    An iteration gives many seats of one group, and a commit writes each row once.
    """
    return [
        store.create_voucher(voucher),
        *change.waiting_rows(None, voucher, version=1),
        *change.clocks(None, voucher),
    ]


def confirming(kept: Kept[Voucher], *, now: datetime) -> tuple[Voucher, list[Write]]:
    """Return the voucher confirmed and the writes of it: its row first, then its clocks.

    Confirmed already: the same voucher and nothing to write. Raises WrongState, TermPassed.
    """
    pack = change.pack_of(kept.value)
    terms = pack.at(local_day(now)).terms
    after = rules.confirm(kept.value, now=now, terms=terms, calendar=pack.calendar)
    if after == kept.value:
        return after, []
    return after, change.writes(kept, after, now=now)


def ending(
    kept: Kept[Voucher], move: Literal["lapse", "refuse", "return", "cancel"], *, now: datetime
) -> tuple[Voucher, list[Write]]:
    """Return the voucher ended before any contract and the writes of it.

    They free every seat it held, take it off its waiting lists and have each seat offered on; the
    voucher's own row comes first. Raises WrongState.
    """
    after = rules.end(kept.value, move)
    return after, change.writes(kept, after, now=now)
