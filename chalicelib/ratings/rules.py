"""Who may rate, what a rating is, and what may be shown without showing who said it.

Answers are published in whole steps of the pack's number (five), in order of arrival. Somebody who
looks before and after therefore sees five new answers together, never one alone: whoever could
guess the last visitor of the page would otherwise read one family's scores from the difference.
Source: domain sheet §9.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.policy.rules import RatingRule

LEAST, MOST = 1, 5
QUARTERS_SHOWN = 4
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])\Z")


class BadQuarter(Malformed):
    """A quarter is written YYYY-Qn, for example 2026-Q1."""

    code = "ratings/bad-quarter"


class BadScores(Malformed):
    """Each criterion in force has one whole score from 1 to 5, and no other has."""

    code = "ratings/bad-scores"


class QuarterClosed(OutOfTurn):
    """Only this quarter and the one before it are rated."""

    code = "ratings/quarter-closed"


class NotEnoughDays(OutOfTurn):
    """No child of the caller attended there on enough days of the quarter."""

    code = "ratings/not-enough-days"


class NotShown(OutOfTurn):
    """There are too few ratings to show, so there is nothing to answer."""

    code = "ratings/not-shown"


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Three months; written YYYY-Qn."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        found = _QUARTER.match(text)
        if found is None or not 2000 <= int(found[1]) <= 2999:
            raise BadQuarter()
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def containing(cls, day: date) -> Quarter:
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        return self.next().first - timedelta(days=1)

    def next(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    def before(self) -> Quarter:
        return Quarter(self.year - (self.number == 1), (self.number - 2) % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-Q{self.number}"


@dataclass(frozen=True, slots=True)
class Rating:
    """What one representative said of a site for a quarter; the row's key says who.

    number: its place in the order of arrival at that site and quarter, from 1.
    """

    quarter: str
    number: int
    scores: dict[str, int]
    at: str
    pack: str
    asked: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rated a site for a quarter. No clock orders ratings: two may share an instant."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """What the provider answers publicly to a quarter's ratings."""

    quarter: str
    text: str
    at: str
    asked: str


@dataclass(frozen=True, slots=True)
class Mean:
    """A criterion's mean score in hundredths: 437 is 4.37."""

    criterion: str
    mean_hundredths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A quarter as anybody sees it. answers: how many the means are made of, 0 while too few."""

    quarter: str
    answers: int
    means: tuple[Mean, ...]
    overall_hundredths: int | None
    site_answer: str | None


def check_quarter(quarter: Quarter, today: date) -> None:
    """Raise QuarterClosed unless it is this quarter or the one before."""
    this = Quarter.containing(today)
    if quarter not in (this, this.before()):
        raise QuarterClosed(first=str(this.before()), last=str(this))


def judged_on(quarter: Quarter, today: date) -> date:
    """Return the day whose rules judge a quarter: its last, or today while it runs."""
    return min(quarter.last, today)


def check_scores(scores: Mapping[str, int], rule: RatingRule) -> None:
    """Raise BadScores unless each criterion in force has one score from 1 to 5."""
    known = {criterion.code for criterion in rule.criteria}
    missing = sorted(known - scores.keys())
    unknown = sorted(code[:40] for code in scores.keys() - known)
    outside = sorted(
        code for code, score in scores.items() if code in known and not LEAST <= score <= MOST
    )
    if missing or unknown or outside:
        raise BadScores(missing=missing, unknown=unknown, outside=outside, least=LEAST, most=MOST)


def check_days(attended: Iterable[int], rule: RatingRule) -> None:
    """Raise NotEnoughDays unless one child attended on enough days; reads no more than needed.

    The days of several children are not added up: each experience must be long enough by itself.
    """
    most = 0
    for days in attended:
        if days >= rule.min_days:
            return
        most = max(most, days)
    raise NotEnoughDays(days=most, needed=rule.min_days)


def published(ratings: Iterable[Rating], rule: RatingRule) -> list[Rating]:
    """Return those answers that are shown: whole steps of `shown_from`, in order of arrival."""
    arrived = sorted(ratings, key=lambda rating: rating.number)
    return arrived[: len(arrived) - len(arrived) % rule.shown_from]


def summarise(
    quarter: str, ratings: Sequence[Rating], rule: RatingRule, site_answer: SiteAnswer | None
) -> Summary:
    """Return what is shown of a quarter."""
    shown = published(ratings, rule)
    means = tuple(
        Mean(criterion.code, _mean([rating.scores[criterion.code] for rating in given]))
        for criterion in rule.criteria
        if (given := [rating for rating in shown if criterion.code in rating.scores])
    )
    every = [score for rating in shown for score in rating.scores.values()]
    return Summary(
        quarter=quarter,
        answers=len(shown),
        means=means,
        overall_hundredths=_mean(every) if every else None,
        site_answer=site_answer.text if site_answer else None,
    )


def check_answerable(ratings: Iterable[Rating], rule: RatingRule) -> None:
    """Raise NotShown while no rating of the quarter is shown."""
    if not published(ratings, rule):
        raise NotShown(shown_from=rule.shown_from)


def _mean(scores: Sequence[int]) -> int:
    """Return the mean in hundredths, half up."""
    return (200 * sum(scores) + len(scores)) // (2 * len(scores))
