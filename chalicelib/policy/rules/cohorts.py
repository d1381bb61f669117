"""Birth cohorts and the categories they form with the tiers.

The queue of a voucher has one category per tier and birth cohort, numbered tier by tier from the
oldest children to the youngest: three tiers and six cohorts make 1 to 18. A child born in the
last months of a year starts school a year later and stays with the oldest cohort until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.policy.rules.places import AcademicYear, AgeRule, Tier, completed_months
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
    """The age rule, the academic year and the tiers in force, asked together."""

    rule: AgeRule
    year: AcademicYear
    tiers: tuple[Tier, ...]  # best first

    @property
    def oldest_age(self) -> int:
        return self.rule.oldest_age

    @property
    def youngest_age_months(self) -> int:
        return self.rule.youngest_age_months

    @property
    def youngest_last(self) -> bool:
        return self.rule.youngest_last

    def cohorts(self, academic_year: int) -> tuple[int, ...]:
        """Return the birth years that queue for an academic year, oldest children first."""
        oldest = academic_year - self.rule.oldest_age
        return tuple(range(oldest, oldest + self.rule.cohorts))

    def cohort_of(self, birth_date: date, academic_year: int) -> int:
        """Return the birth year a child queues under. Raises OutOfAge.

        A child that is not yet too old on the first day of the academic year, though born before
        the oldest cohort (September to December), queues with the oldest.
        """
        years = self.cohorts(academic_year)
        if self.year.age_on(birth_date, academic_year) > self.rule.oldest_age:
            raise OutOfAge(reason="too-old", academic_year=academic_year)
        if birth_date.year > years[-1]:
            raise OutOfAge(reason="too-young", academic_year=academic_year)
        return max(birth_date.year, years[0])

    def is_youngest(self, birth_year: int, academic_year: int) -> bool:
        """Return whether a cohort is the one that is served after all others."""
        return birth_year == self.cohorts(academic_year)[-1]

    def categories_max(self) -> int:
        """Return how many categories there are: the highest category number."""
        return len(self.tiers) * self.rule.cohorts

    def category_number(self, tier_code: str, birth_year: int, academic_year: int) -> int:
        """Return 1 to categories_max(): tier by tier, oldest cohort first.

        Raises UnknownTier, OutOfAge.
        """
        years = self.cohorts(academic_year)
        if birth_year not in years:
            raise OutOfAge(birth_year=birth_year, academic_year=academic_year)
        place = self.tiers.index(self.tier(tier_code))
        return place * len(years) + years.index(birth_year) + 1

    def category_text(self, tier_code: str, birth_year: int, academic_year: int) -> Text:
        """Return the name of a category. Raises UnknownTier, OutOfAge."""
        self.category_number(tier_code, birth_year, academic_year)
        tier, label = self.tier(tier_code).text, self.rule.label

        def filled(template: str, name: str) -> str:
            return template.replace("{tier}", name).replace("{year}", str(birth_year))

        return Text(filled(label.kk, tier.kk), filled(label.ru, tier.ru), filled(label.en, tier.en))

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
