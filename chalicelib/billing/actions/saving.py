"""What an area's months saved: reckoned at night, read by everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.actions.showing import list_heads
from chalicelib.billing.rules import savings as rules
from chalicelib.billing.rules.savings import SavedMonth, Savings
from chalicelib.billing.store import audits as store
from chalicelib.billing.store import statements as billed
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, stamp
from chalicelib.kernel.refusals import Malformed
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Text
from chalicelib.storage.commit import settles

SAVE = "billing/savings"
# A month is corrected for as long as rosters know it: the fifth month back cannot change.
MONTHS_RECKONED_AGAIN = 5
MONTHS_SHOWN = 24


class BadPeriod(Malformed):
    """A period ends where it begins or later, and has at most twenty-four months."""

    code = "billing/bad-period"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsSeen:
    """An area's savings by month, and together. missing: months of the period not reckoned yet.

    pays: what the programme pays, which says what the list is. codes: the pack's words for reasons.
    """

    months: tuple[SavedMonth, ...]
    total: Savings
    missing: tuple[str, ...]
    pays: str
    codes: dict[str, Text]


def months_to_save(pack: Pack, now: datetime) -> list[Month]:
    """Return the months of a pack whose savings are to be reckoned: new ones and those never done.

    One query.
    """
    last = Month.containing(now).before()
    done = {
        saved.month for saved in store.list_saved(pack.programme, pack.area, "0000-00", str(last))
    }
    found: list[Month] = []
    month, again = last, MONTHS_RECKONED_AGAIN
    while month.last >= pack.valid_from:
        if pack.holds(month.last) and (again > 0 or str(month) not in done):
            found.append(month)
        month, again = month.before(), again - 1
    return found


@settles
def reckon_savings(programme: str, area: str, month: Month, *, by: Actor, now: datetime) -> bool:
    """Reckon an area's month; return whether its sums changed. Raises NoPack."""
    heads = list_heads(programme, area, month)
    taken = {
        head.site_id: rules.taken_back(billed.load_site_month(head.site_id, month)[1])
        # A first statement takes nothing back.
        for head in heads
        if head.statements > 1
    }
    savings = rules.savings_of(heads, taken)
    kept = store.find_saved(programme, area, str(month))
    if kept is not None and kept.value.savings == savings:
        return False
    saved = SavedMonth(
        programme=programme, area=area, month=str(month), as_of=stamp(now), savings=savings
    )
    entry = journal.entry(
        "billing/savings-reckoned",
        f"savings/{programme}/{area}/{month}",
        by=by,
        now=now,
        saved_tiyn=sum(one.saved_tiyn for one in savings),
    )
    journal.commit(entry, store.keep_saved(kept, saved))
    return True


def see_savings(programme: str, area: str, first: Month, last: Month) -> SavingsSeen:
    """Return what an area saved from one month to another, both included. One query.

    Raises NoPack, BadPeriod.
    """
    pack = load_pack(programme, area)
    wanted: list[str] = []
    month = first
    while month <= last and len(wanted) <= MONTHS_SHOWN:
        wanted.append(str(month))
        month = month.next()
    if not wanted or len(wanted) > MONTHS_SHOWN:
        raise BadPeriod(first=str(first), last=str(last), months_max=MONTHS_SHOWN)
    months = store.list_saved(programme, area, str(first), str(last))
    found = {saved.month for saved in months}
    rules_then = pack.at(min(last.last, pack.valid_to or last.last))
    return SavingsSeen(
        months=tuple(months),
        total=rules.together(one for saved in months for one in saved.savings),
        missing=tuple(name for name in wanted if name not in found),
        pays=rules_then.programme.pays,
        codes={row.reason: row.text for row in rules_then.absence},
    )
