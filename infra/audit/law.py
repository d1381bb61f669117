"""What the rule packs say of a month, as numbers, and the law itself for lines that need it.

Most children's months are plain: approved, one site, one rate. DuckDB reckons those from the tables
below. Whoever was disputed, decided, silent, at two sites, paid at two rates or within a yearly
cap is judged and priced by the rules that bill, from the rows of the export alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec

from chalicelib.attendance.actions.lines import SiteAndPack, dates_of, facts_of
from chalicelib.attendance.rules import EMPTY, MonthFacts, Sheet
from chalicelib.attendance.rules import Stay as RosterStay
from chalicelib.attendance.rules.devices import Doubt
from chalicelib.attendance.store import ChildSheet
from chalicelib.billing.actions.billing import judge_month
from chalicelib.billing.actions.gathering import provided
from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import Claim, used_units
from chalicelib.billing.rules.judging import BY_THE_MONTH, PRESENT
from chalicelib.billing.store.statements import Claimants
from chalicelib.kernel.money import daily_share
from chalicelib.kernel.periods import Month
from chalicelib.lessons.rules import Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers.rules import Site
from chalicelib.storage.shelf import Kept

_SHEET = msgspec.json.Decoder(Sheet)
_SITE = msgspec.json.Decoder(Site)


@dataclass(frozen=True, slots=True)
class PlainRules:
    """What a month of days says in one area, where it says the same on all its days.

    codes: paid code → whether it needs a paper, and how many units earn in a month (None: no
    limit). unpaid: codes that earn nothing. A code in neither needs the law.
    rates: (sort, sen) → what a unit earns, exact. working: mask of days, the first is bit 0.
    """

    working: int
    codes: Mapping[str, tuple[bool, int | None]]
    unpaid: frozenset[str]
    rates: Mapping[tuple[str, bool], Fraction]


def plain_rules(pack: Pack, month: Month, sorts: Iterable[tuple[str, bool]]) -> PlainRules | None:
    """Return what DuckDB needs; None where the month must be judged by the law itself."""
    if pack.at(month.last).programme.unit != "day":
        return None
    days = pack.calendar.working_days_in(month)
    every = [pack.at(on) for on in days]
    if not every or any(rules.programme.pays != BY_THE_MONTH for rules in every):
        return None
    said = {tuple(sorted((str(r.reason), *_facts(r)) for r in rules.absence)) for rules in every}
    if len(said) != 1:
        return None
    codes: dict[str, tuple[bool, int | None]] = {
        str(row.reason): (row.proof is not None and row.reason != PRESENT, row.days_max_month)
        for row in every[0].absence
        # A yearly cap asks what earlier months used.
        if row.paid and row.days_max_year is None
    }
    rates: dict[tuple[str, bool], Fraction] = {}
    for sort, sen in sorts:
        kind, hours, locality = sort.split("/")
        found = {
            daily_share(rate.rate_tiyn, of=len(days), coefficients=rate.coefficients)
            for rate in (rules.rate_for(kind, hours, locality, sen) for rules in every)
        }
        if len(found) == 1:
            rates[sort, sen] = found.pop()
    working = sum(1 << (on.day - 1) for on in days)
    unpaid = frozenset(str(row.reason) for row in every[0].absence if not row.paid)
    return PlainRules(working, codes, unpaid, rates)


def _facts(row: Any) -> tuple[str, ...]:
    return tuple(str(x) for x in (row.paid, row.counted, row.days_max_month, row.days_max_year,
                                  row.proof))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A child-month at one site as the export holds it."""

    site_id: str
    child_id: str
    marks: Sequence[int]
    late: Sequence[int]
    said: str | None
    stays: tuple[RosterStay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Children to be judged, with all sites of each, and all that it takes.

    sites: their rows, by site. doubts: what is held against a site's tablets. timetables: by site,
    then by group. earlier: by child and programme, the claims of the year's earlier months.
    """

    month: Month
    today: date
    raws: tuple[Raw, ...]
    sites: Mapping[str, str]
    doubts: Mapping[str, tuple[Doubt, ...]]
    timetables: Mapping[str, Mapping[str, Timetable]]
    earlier: Mapping[tuple[str, str], tuple[Claimants, ...]]


def due_by_law(case: Case) -> dict[tuple[str, str], int]:
    """Return what children are due, by site and child."""
    of_site: dict[str, list[Raw]] = {}
    for raw in case.raws:
        of_site.setdefault(raw.site_id, []).append(raw)
    claimed: dict[tuple[str, str], list[Claim]] = {}
    for site_id, raws in of_site.items():
        site = _SITE.decode(case.sites[site_id])
        known = load_pack(site.programme, site.area).known_on(case.today)
        for one in judge_month(provided(_facts_of(site, raws, case), case.month), known):
            claimed.setdefault((site.programme, one.child_id), []).append(one.claim)
    due: dict[tuple[str, str], int] = {}
    for (programme, child_id), claims in claimed.items():
        codes = {code for claim in claims for code, cap in claim.caps.items() if cap.year}
        months = [filed.claims for filed in case.earlier.get((child_id, programme), ())]
        used = {code: used_units(months, code) for code in codes}
        for site_id, priced in pricing.price(claims, used=used).items():
            due[site_id, child_id] = sum(tiyn for _, tiyn in priced.parts.values())
    return due


def _facts_of(site: Site, raws: Iterable[Raw], case: Case) -> MonthFacts:
    """Return what attendance would tell billing of these children."""
    pack, month = load_pack(site.programme, site.area), case.month
    lessons = {
        group_id: lessons_in(timetable, month, pack.calendar, holidays=True)
        for group_id, timetable in case.timetables.get(site.site_id, {}).items()
    }
    where = SiteAndPack(site, pack, month, dates_of(pack, month), lessons)
    stays: list[RosterStay] = []
    sheets: dict[str, ChildSheet] = {}
    for raw in raws:
        stays += raw.stays
        said = Kept(EMPTY if raw.said is None else _SHEET.decode(raw.said), "", "", 0, "{}")
        sheets[raw.child_id] = ChildSheet(
            tuple(map(str, raw.marks)), tuple(map(str, raw.late)), said
        )
    doubts = case.doubts.get(site.site_id, ())
    return facts_of(where, stays, sheets, closed=True, doubts=doubts, today=case.today)
