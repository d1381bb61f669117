"""What a provider's month says to billing: days and their standing, no money."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.attendance.rules.days import Day
from chalicelib.kernel.periods import DateRange


@dataclass(frozen=True, slots=True)
class Stay:
    """A child's days at one group of a site, both ends included; sort: what sets the rate.

    sen: financed as a child with special educational needs. used_month, used_tiyn: what a platform
    that closed had paid of that month.
    """

    child_id: str
    enrolment_id: str
    group_id: str
    days: DateRange
    sort: str | None = None
    sen: bool = False
    used_month: str | None = None
    used_tiyn: int = 0

    @property
    def never(self) -> bool:
        """Return whether the enrolment was cancelled before it began."""
        return self.days.last is not None and self.days.last < self.days.first


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMonth:
    """A child's days at one site in one month, in order; days outside its stays have the code X.

    stays: its enrolments at the site, oldest first; each day belongs to at most one. digest: of
    what the family approved, None while it has not. sheet_version: of the row with approval,
    disputes and decisions; 0 while nobody said anything.
    """

    child_id: str
    stays: tuple[Stay, ...]
    days: tuple[Day, ...]
    approved_at: str | None = None
    digest: str | None = None
    sheet_version: int = 0

    @property
    def held(self) -> tuple[Day, ...]:
        """Return the days whose money waits for a decision."""
        return tuple(day for day in self.days if day.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """All children of a site in a month, in order of id.

    pack: version of the rules that made the days. closed: the provider closed the month.
    direction, form: the site's, as the pack names them.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    pack: str
    closed: bool
    children: tuple[ChildMonth, ...]
    direction: str = ""
    form: str = ""
