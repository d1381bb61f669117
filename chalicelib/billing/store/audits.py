"""Rows of the self-audit and of savings: nights, their parts, open cases, months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from chalicelib.billing.rules.auditing import Case, Night, Part
from chalicelib.billing.rules.savings import SavedMonth
from chalicelib.billing.rules.statements import SiteMonth
from chalicelib.billing.store.statements import HEADS
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Kept, Shelf

# A case is looked at once a night, so its versions grow by one a day; a case that comes back is
# another writing of the same key, and begins above all that the key ever had.
_VERSIONS_A_DAY = 4


NIGHTS: Shelf[Night] = Shelf(MoneyRow, Night)
PARTS: Shelf[Part] = Shelf(MoneyRow, Part)
CASES: Shelf[Case] = Shelf(MoneyRow, Case)
SAVED: Shelf[SavedMonth] = Shelf(MoneyRow, SavedMonth)


# --- nights and parts ---------------------------------------------------------------------------


def find_night(programme: str, area: str, on: date) -> Kept[Night] | None:
    return NIGHTS.find(keys.audit_night(programme, area, on.isoformat()))


def newest_nights(programme: str, area: str, *, most: int) -> list[Night]:
    """Return an area's last nights, newest first. One query."""
    pk, _ = keys.audit_night(programme, area, "")
    return [kept.value for kept in NIGHTS.each(pk, newest_first=True, limit=most)]


def open_night(night: Night) -> Put:
    return NIGHTS.create(keys.audit_night(night.programme, night.area, night.on.isoformat()), night)


def keep_night(kept: Kept[Night], night: Night) -> Put:
    return NIGHTS.replace(kept, night)


def list_parts(programme: str, area: str, on: date) -> list[Part]:
    """Return the parts of a night that are done. One query."""
    pk, _ = keys.audit_part(programme, area, on.isoformat(), 0)
    return [kept.value for kept in PARTS.each(pk)]


def find_part(programme: str, area: str, on: date, part: int) -> Kept[Part] | None:
    return PARTS.find(keys.audit_part(programme, area, on.isoformat(), part))


def finish_part(part: Part) -> Put:
    """Describe a part that is done; it is done once."""
    key = keys.audit_part(part.programme, part.area, part.on.isoformat(), part.part)
    return PARTS.create(key, part)


def find_heads(site_id: str, months: Sequence[Month]) -> dict[str, SiteMonth]:
    """Return the heads of a site's months that exist, by month; a call per hundred."""
    wanted = [keys.site_month_head(site_id, month) for month in months]
    return {kept.value.month: kept.value for kept in HEADS.find_many(wanted).values()}


# --- cases --------------------------------------------------------------------------------------


def find_cases(programme: str, area: str, site_id: str) -> dict[tuple[str, str], Kept[Case]]:
    """Return a site's open cases by month and question. One query."""
    pk, _ = keys.audit_case(programme, area, "", "", "")
    found = CASES.each(pk, begins=f"{site_id}#")
    return {(kept.value.month, kept.value.asked): kept for kept in found}


def each_case(programme: str, area: str, *, after: str | None = None) -> Iterator[Kept[Case]]:
    """Yield an area's open cases in order, page after page."""
    pk, _ = keys.audit_case(programme, area, "", "", "")
    return CASES.each(pk, after=after, upto="~" if after is not None else None)


def open_case(case: Case) -> Put:
    key = keys.audit_case(case.programme, case.area, case.site_id, case.month, case.asked)
    return CASES.create(key, case, version=case.opened_on.toordinal() * _VERSIONS_A_DAY)


def keep_case(kept: Kept[Case], case: Case) -> Put:
    return CASES.replace(kept, case)


def close_case(kept: Kept[Case]) -> Delete:
    return CASES.remove(kept)


# --- savings ------------------------------------------------------------------------------------


def find_saved(programme: str, area: str, month: str) -> Kept[SavedMonth] | None:
    return SAVED.find(keys.savings(programme, area, month))


def list_saved(programme: str, area: str, first: str, last: str) -> list[SavedMonth]:
    """Return an area's months from first to last, both included. One query."""
    pk, _ = keys.savings(programme, area, "")
    found = SAVED.each(pk, begins=None, upto=last)
    return [kept.value for kept in found if kept.value.month >= first]


def keep_saved(kept: Kept[SavedMonth] | None, saved: SavedMonth) -> Put:
    if kept is None:
        return SAVED.create(keys.savings(saved.programme, saved.area, saved.month), saved)
    return SAVED.replace(kept, saved)
