"""A child-month on the desk: what judges it, who was where, what is stored, what it folds to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.lines import SiteAndPack, lines_of, load_site_month
from chalicelib.attendance.rules import Doubt, Line, LineName, Place, Plan, Sheet, Stay
from chalicelib.attendance.store import ChildSheet
from chalicelib.kernel.periods import DateRange, Month, local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Stays


@dataclass(frozen=True, slots=True)
class Desk:
    """A child-month to look at or to change: its stays, what is stored, what it folds to.

    where: with the lessons of the stays' groups, where lessons are counted.
    """

    where: SiteAndPack
    child_id: str
    stays: tuple[Stay, ...]
    sheet: ChildSheet
    lines: tuple[Line, ...]

    @property
    def said(self) -> Sheet:
        return self.sheet.said.value

    @property
    def digest(self) -> str:
        site_id = self.where.site.site_id
        return rules.digest_of(site_id, self.where.month, self.child_id, self.lines)

    @property
    def plan(self) -> Plan:
        return self.where.plan(self.stays)

    @property
    def place(self) -> Place:
        """Return it as what is compared with the child's other providers."""
        return Place(self.stays, self.lines, self.where.pack.at)

    def line(self, name: LineName) -> Line | None:
        """Return a line; None for one that is not on the sheet yet.

        Raises Unknown for one that this child never has, like a day where lessons are counted.
        """
        found = next((line for line in self.lines if line.key == name.key), None)
        if found is None and not self.plan.has(name):
            raise Unknown()
        return found


def sites_of(child_id: str, month: Month, programme: str) -> dict[str, tuple[Stay, ...]]:
    """Return site → the child's stays there in a month, oldest first."""
    return _sites(child_id, month, vouchers.find_stays(child_id, programme).value)


def priced(sites: Mapping[str, Sequence[Stay]]) -> dict[str, tuple[Stay, ...]]:
    """Return stays with what their enrolments say of money: sort of group, coefficient, use."""
    places = [(site_id, stay.enrolment_id) for site_id, stays in sites.items() for stay in stays]
    known = {kept.value.enrolment_id: kept.value for kept in vouchers.find_enrolments(places)}
    return {
        site_id: tuple(
            replace(
                stay,
                sort=enrolment.sort,
                sen=enrolment.sen,
                used_month=enrolment.used_month,
                used_tiyn=enrolment.used_tiyn,
            )
            if (enrolment := known.get(stay.enrolment_id)) is not None
            else stay
            for stay in stays
        )
        for site_id, stays in sites.items()
    }


def elsewhere(
    site_id: str, child_ids: Collection[str], month: Month, *, programme: str, today: date
) -> dict[str, list[Desk]]:
    """Return the child-months at other sites of those children who were at any that month.

    One call per hundred children; four more for each child-month that is found.
    """
    found: dict[str, list[Desk]] = {}
    for child_id, stays in vouchers.find_stays_of(child_ids, programme).items():
        sites = _sites(child_id, month, stays)
        sites.pop(site_id, None)
        if sites:
            found[child_id] = [
                load_desk(other_id, month, child_id, there, today=today)
                for other_id, there in priced(sites).items()
            ]
    return found


def _sites(child_id: str, month: Month, stays: Stays) -> dict[str, tuple[Stay, ...]]:
    whole = DateRange(month.first, month.last)
    found: dict[str, tuple[Stay, ...]] = {}
    for kept in stays.stays:
        days = DateRange(kept.starts_on, kept.ends_on)
        stay = Stay(child_id, kept.enrolment_id, kept.group_id, days)
        if not stay.never and days.overlaps(whole):
            found[kept.site_id] = (*found.get(kept.site_id, ()), stay)
    return found


def load_desk(
    site_id: str, month: Month, child_id: str, stays: Sequence[Stay], *, today: date
) -> Desk:
    where = load_site_month(site_id, month, groups={stay.group_id for stay in stays})
    sheet = store.find_sheet(site_id, month, child_id)
    lines = lines_of(sheet, stays, where, today=today)
    return Desk(where, child_id, tuple(stays), sheet, lines)


def desk_of(
    where: SiteAndPack,
    child_id: str,
    stays: Sequence[Stay],
    sheet: ChildSheet | None,
    *,
    now: datetime,
    doubts: Sequence[Doubt] = (),
) -> Desk:
    """Return a child-month on the desk. doubts: where an officer looks, who decides such lines."""
    sheet = sheet or store.no_sheet(where.site.site_id, where.month, child_id)
    lines = lines_of(sheet, stays, where, today=local_day(now), doubts=doubts)
    return Desk(where, child_id, tuple(stays), sheet, lines)
