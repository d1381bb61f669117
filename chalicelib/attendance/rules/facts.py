"""What a provider's month says to billing: lines and their standing, no money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chalicelib.attendance.rules.lines import Line
from chalicelib.kernel.periods import DateRange

Unit = Literal["day", "lesson"]


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
    """A child's lines at one site in one month, in order; outside its stays they have the code X.

    stays: its enrolments at the site, oldest first; each line belongs to at most one. digest: of
    what the family approved, None while it has not. sheet_version: of the row with approval,
    confirmations, disputes and decisions; 0 while nobody said anything.
    """

    child_id: str
    stays: tuple[Stay, ...]
    lines: tuple[Line, ...]
    approved_at: str | None = None
    digest: str | None = None
    sheet_version: int = 0

    @property
    def held(self) -> tuple[Line, ...]:
        """Return the lines whose money waits for a decision."""
        return tuple(line for line in self.lines if line.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """All children of a site in a month, in order of id.

    unit: what a line is, a day or a lesson. pack: version of the rules that made the lines.
    closed: the provider closed the month. direction, form: the site's, as the pack names them.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    unit: Unit
    pack: str
    closed: bool
    children: tuple[ChildMonth, ...]
    direction: str = ""
    form: str = ""
