"""Cohorts and the categories they form with the tiers.

The queue of a voucher has one category per tier and cohort, numbered tier by tier from the
oldest children to the youngest: three tiers and six cohorts make 1 to 18. A cohort is a birth
year, or a band of ages, named by its oldest age; with the bands switched off all ages are one
cohort, number 0, and a tier is a category.

A child born in the last months of a year starts school a year later and stays with the oldest
birth year until then. Bands are taken by the age on the first day of the academic year.

The order of serving differs: birth years are served one after the other, oldest first, each with
all its tiers; bands are served tier by tier, so that 1 to n is the order itself.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.policy.rules.places import (
    AcademicYear,
    AgeRule,
    Interleave,
    Tier,
    completed_months,
)
from chalicelib.policy.rules.texts import Text

AgeReason = Literal["too-young", "too-old"]


class OutOfAge(OutOfTurn):
    """No category of that academic year is for children of this age."""

    code = "policy/out-of-age"


class UnknownTier(Malformed):
    """The rules in force know no tier of that code."""

    code = "policy/unknown-tier"


class Eligibility(NamedTuple):
    """Whether a child may hold a voucher; `reason` is None when it may. True when it may."""

    ok: bool
    reason: AgeReason | None

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The age rule, the academic year, the tiers and what alternates, asked together."""

    rule: AgeRule
    year: AcademicYear
    tiers: tuple[Tier, ...]  # best first
    interleave: Interleave | None = None

    @property
    def oldest_age(self) -> int:
        return self.rule.oldest_age

    @property
    def youngest_age_months(self) -> int:
        return self.rule.youngest_age_months

    @property
    def youngest_last(self) -> bool:
        return self.rule.youngest_last

    @property
    def by_birth_year(self) -> bool:
        """Return whether cohorts are birth years; else they are bands, or one for all."""
        return self.rule.grouping == "birth-year"

    def cohorts(self, academic_year: int) -> tuple[int, ...]:
        """Return the cohorts that queue for an academic year, oldest children first.

        Birth years, or the oldest ages of the bands; (0,) when the bands are switched off.
        """
        if not self.by_birth_year:
            return tuple(reversed(self.rule.bands)) or (0,)
        return _birth_years(academic_year - self.rule.oldest_age, self.rule.cohorts)

    def cohort_of(self, birth_date: date, academic_year: int) -> int:
        """Return the cohort a child queues under. Raises OutOfAge."""
        age = self.year.age_on(birth_date, academic_year)
        return self.cohort_at(birth_year=birth_date.year, age=age, academic_year=academic_year)

    def cohort_at(self, *, birth_year: int, age: int, academic_year: int) -> int:
        """Return the cohort of a child of whom only year and age are known. Raises OutOfAge.

        age: completed years on the first day of that academic year. A child that is not yet too
        old then, though born before the oldest cohort (September to December), queues with the
        oldest; bands take everybody up to their oldest age.
        """
        cohorts = self.cohorts(academic_year)
        if age > self.rule.oldest_age:
            raise OutOfAge(reason="too-old", academic_year=academic_year)
        if not self.by_birth_year:
            return min((band for band in cohorts if age <= band), default=cohorts[0])
        if birth_year > cohorts[-1]:
            raise OutOfAge(reason="too-young", academic_year=academic_year)
        return max(birth_year, cohorts[0])

    def is_youngest(self, cohort: int, academic_year: int) -> bool:
        """Return whether a cohort is the one that is served after all others."""
        return cohort == self.cohorts(academic_year)[-1]

    def categories_max(self) -> int:
        """Return how many categories there are: the highest category number."""
        apart = self.rule.cohorts if self.by_birth_year else max(1, len(self.rule.bands))
        return len(self.tiers) * apart

    def category_number(self, tier_code: str, cohort: int, academic_year: int) -> int:
        """Return 1 to categories_max(): tier by tier, oldest cohort first.

        Raises UnknownTier, OutOfAge.
        """
        cohorts = self.cohorts(academic_year)
        if cohort not in cohorts:
            raise OutOfAge(birth_year=cohort, academic_year=academic_year)
        place = self.tiers.index(self.tier(tier_code))
        return place * len(cohorts) + cohorts.index(cohort) + 1

    def category_text(self, tier_code: str, cohort: int, academic_year: int) -> Text:
        """Return the name of a category. Raises UnknownTier, OutOfAge."""
        self.category_number(tier_code, cohort, academic_year)
        tier, label = self.tier(tier_code).text, self.rule.label
        fills = {"{year}": cohort, "{from}": self._youngest_of(cohort), "{to}": cohort}

        def filled(template: str, name: str) -> str:
            for mark, value in fills.items():
                template = template.replace(mark, str(value))
            return template.replace("{tier}", name)

        return Text(filled(label.kk, tier.kk), filled(label.ru, tier.ru), filled(label.en, tier.en))

    def serving_order(self, academic_year: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return the lanes in the order of serving: a cohort and the tiers that stand in it.

        Two tiers that alternate are one lane, at the place of the better one; every other tier
        is a lane of its own. With youngest_last the youngest cohort's lanes come last.
        """
        lanes = self._lanes()
        cohorts = self.cohorts(academic_year)
        if self.by_birth_year:
            return tuple((cohort, lane) for cohort in cohorts for lane in lanes)
        last = cohorts[-1:] if self.youngest_last and len(cohorts) > 1 else ()
        usual = [cohort for cohort in cohorts if cohort not in last]
        return tuple(
            (cohort, lane) for group in (usual, last) for lane in lanes for cohort in group
        )

    def _lanes(self) -> tuple[tuple[str, ...], ...]:
        pair = (self.interleave.first, self.interleave.then) if self.interleave else ()
        lanes: list[tuple[str, ...]] = []
        for tier in self.tiers:
            lane = pair if tier.code in pair else (tier.code,)
            if lane not in lanes:
                lanes.append(lane)
        return tuple(lanes)

    def _youngest_of(self, band: int) -> int:
        younger = [other for other in self.rule.bands if other < band]
        return younger[-1] + 1 if younger else self.rule.youngest_age_months // 12

    def tier(self, code: str) -> Tier:
        """Return a tier by its code. Raises UnknownTier."""
        for tier in self.tiers:
            if tier.code == code:
                return tier
        raise UnknownTier(tier=code)

    def eligible(self, birth_date: date, on: date) -> Eligibility:
        """Return whether a child may hold a voucher given on a day, and if not, why not.

        Too young is judged by months lived on that day, too old by the age on the first day of
        the academic year for which that day allocates places.
        """
        if completed_months(birth_date, on) < self.rule.youngest_age_months:
            return Eligibility(False, "too-young")
        if self.year.age_on(birth_date, self.year.year_of(on)) > self.rule.oldest_age:
            return Eligibility(False, "too-old")
        return Eligibility(True, None)


@functools.lru_cache(maxsize=64)
def _birth_years(oldest: int, count: int) -> tuple[int, ...]:
    """Return some birth years in a row; a run asks for them twice for every child."""
    return tuple(range(oldest, oldest + count))
