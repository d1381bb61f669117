"""Writes for the commits of slices above: a voucher is issued, confirmed, or ends unsigned.

They come without holdings and without the journal's entry, which the caller's commit has.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.kernel.periods import local_day, shown_day
from chalicelib.providers import store as providers
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, enrolments
from chalicelib.vouchers.rules import Closing, Enrolment, Voucher


def issuing(voucher: Voucher) -> list[Write]:
    """Describe a new voucher, its waiting lists and clocks; the seat is the caller's to write.

    So is the money it holds (`budgets.reserving`): an iteration gives many seats of one group and
    takes much from one account, and a commit writes each row once.
    """
    return [
        store.create_voucher(voucher),
        *change.waiting_rows(None, voucher, version=1),
        *change.reserved_rows(None, voucher, version=1),
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


def releasing(
    kept: Kept[Voucher], reason: Closing, *, now: datetime, last_day: date | None = None
) -> tuple[Voucher, list[Write], tuple[str, ...]]:
    """Return a voucher that ends by itself, the writes of it, and what the child holds no longer.

    Its row comes first; its enrolment, if it has one, ends on a day, yesterday if none is said.
    Then its seat is free at once and offered on. The notices to the family are the caller's, the
    one to the provider is here. Raises WrongState.
    """
    voucher, today = kept.value, local_day(now)
    current = None
    if voucher.enrolment_id is not None and voucher.state == "used":
        current = store.load_enrolment(voucher.site_id or "", voucher.enrolment_id)
    last = last_day or today - timedelta(days=1)
    ended = rules.release(
        voucher, current.value if current else None, reason=reason, last_day=last, now=now
    )
    described = change.writes(kept, ended.voucher, now=now)
    gone = [voucher.voucher_id]
    if current is not None and ended.enrolment is not None:
        described += enrolments.ends(current, ended.enrolment, now=now)
        described.append(_told_head(kept, ended.enrolment, reason, now=now))
        if ended.at_once:
            gone.append(ended.enrolment.enrolment_id)
    return ended.voucher, described, tuple(gone)


def _told_head(kept: Kept[Voucher], ended: Enrolment, reason: Closing, *, now: datetime) -> Put:
    group = providers.find_group(ended.group_id)
    return change.tell_head(
        ended.organisation_id,
        kept.value,
        "left",
        kept.version + 1,
        now=now,
        group=group.value.name if group else "",
        last_day=shown_day(ended.ends_on or local_day(now)),
        reason=reason,
    )
