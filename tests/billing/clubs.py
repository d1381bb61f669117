"""Invented months of a club: lessons instead of days, a price per lesson, a cap per child."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, time
from functools import cache

from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.judging import ChildMonth, Day, Judged, Standing, Stay, judge
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import DateRange
from chalicelib.policy.rules import Pack, Payable, ProgrammeRule, Rate, SenPart

from .builders import OCTOBER, pack

ALWAYS = DateRange(date(2025, 1, 1), None)
SEN_PARTS = (("assistant", 500), ("adapted-programme", 300), ("small-group", 200))
# Mondays, Wednesdays and Fridays of October 2026.
TWELVE = (2, 5, 7, 9, 12, 14, 16, 19, 21, 23, 26, 28)


def dated(row: type, /, **said: object) -> object:
    text = pack().rows["rates"][0].text
    return row(during=ALWAYS, source="policy", text=text, **said)


@cache
def clubs_pack(*, pays: str = "per-unit", unit: str = "lesson") -> Pack:
    """The domain sheet's defaults: 12 lessons of 1,500, a cap of 18,000, SEN 1.5, rural 1.2."""
    loaded = pack()
    rates = tuple(
        dated(
            Rate,
            kind=kind,
            hours="60",
            locality=locality,
            per="unit",
            rate_tiyn=rate,
            cap_tiyn=cap,
            sen_per_mille=1500,
            rural_per_mille=1200,
            ecology_per_mille=1000,
        )
        for kind, rate, cap in (
            ("sport", tenge(1_500), tenge(18_000)),
            ("creative", tenge(1_500), tenge(18_000)),
            ("education", tenge(2_000), tenge(20_000)),
        )
        for locality in ("urban", "rural")
    )
    absence = (
        *(row for row in loaded.rows["absence"] if row.reason != "L"),
        dated(Payable, reason="L", paid=False, counted=False),
    )
    # In clubs only what was attended is paid.
    absence = tuple(
        replace(row, paid=False) if row.reason in ("S", "Q", "W", "V", "F") else row
        for row in absence
    )
    programme = dated(ProgrammeRule, unit=unit, pays=pays, by_direction=True)
    parts = tuple(dated(SenPart, code=code, share_per_mille=share) for code, share in SEN_PARTS)
    return dataclasses.replace(
        loaded,
        rows={
            **loaded.rows,
            "programme": (programme,),
            "rates": rates,
            "absence": absence,
            "sen_parts": parts,
        },
    )


def a_stay(**other: object) -> Stay:
    usual = Stay(first=date(2026, 9, 1), last=None, kind="sport", hours="60", locality="urban")
    return replace(usual, **other)


def lesson(day: int, starts: str = "16:00", code: str = "P", **other: object) -> Day:
    at = time.fromisoformat(starts)
    usual = Day(
        date(2026, 10, day), code, True, "confirmed", starts=at.hour * 60 + at.minute, minutes=60
    )
    return replace(usual, **other)


def lessons(
    days: Iterable[int] = TWELVE,
    *,
    starts: str = "16:00",
    standings: Mapping[int, Standing] | None = None,
    codes: Mapping[int, str] | None = None,
) -> tuple[Day, ...]:
    """A lesson on each of these days of October; standings and codes by day."""
    return tuple(
        lesson(
            day,
            starts,
            (codes or {}).get(day, "P"),
            standing=(standings or {}).get(day, "confirmed"),
        )
        for day in days
    )


def a_pupil(child_id: str = "child-aaaa", days: Iterable[Day] | None = None, **other: object):
    usual = ChildMonth(
        child_id=child_id,
        days=tuple(lessons() if days is None else days),
        stays=(a_stay(),),
    )
    return replace(usual, **other)


def judged(child: ChildMonth, site_id: str = "club-aaaa", rules: Pack | None = None) -> Judged:
    rules = rules or clubs_pack()
    return judge(
        child,
        site_id=site_id,
        working=rules.calendar.working_days_in(OCTOBER),
        rules_on=rules.at,
        unit=rules.at(OCTOBER.last).programme.unit,
    )


def line(child: ChildMonth, *others: Judged, rules: Pack | None = None) -> pricing.Line:
    """What a child's month brings a club; others: what other clubs claim."""
    one = judged(child, rules=rules)
    foreign = {child.child_id: [other.claim for other in others]}
    return pricing.due([one], foreign, pack="p")[child.child_id]


def lines_at(**clubs: ChildMonth) -> dict[str, pricing.Line]:
    """One child in several clubs: the line at each."""
    all_judged = {site_id: judged(child, site_id) for site_id, child in clubs.items()}
    return {
        site_id: pricing.due(
            [one], {one.child_id: [o.claim for o in all_judged.values()]}, pack="p"
        )[one.child_id]
        for site_id, one in all_judged.items()
    }
