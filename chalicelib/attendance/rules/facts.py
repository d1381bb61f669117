"""What a provider's month says to billing: days and their standing, no money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from chalicelib.attendance.rules.days import Day


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMonth:
    """One enrolment's days in one month, in order; days outside it have the code X.

    A child that changed groups within a site has one ChildMonth per enrolment, each day counted in
    exactly one. digest: of what the family approved, None while it has not. sheet_version: of the
    row with approval, disputes and decisions; 0 while nobody said anything.
    """

    child_id: str
    enrolment_id: str
    group_id: str
    starts_on: date
    ends_on: date | None
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
    """All children of a site in a month, by child and enrolment.

    pack: version of the rules that made the days. closed: the provider closed the month.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    pack: str
    closed: bool
    children: tuple[ChildMonth, ...]
