"""HTTP of ratings: families rate, the provider answers, everybody reads; no author is shown."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.children.rules import RegisterFirst
from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.ids import SiteId
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.ratings import actions, rules

routes = Routes(__name__, "ratings")

Code = Annotated[str, Meta(min_length=1, max_length=40)]
Said = Annotated[
    str, Meta(min_length=2, max_length=1000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f<>]+$(?!\n)")
]


class RatingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A score from 1 to 5 for each criterion of the rule pack."""

    scores: Annotated[dict[Code, int], Meta(max_length=40)]


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The quarter (YYYY-Qn) and what the provider says publicly."""

    quarter: Annotated[str, Meta(min_length=7, max_length=7)]
    text: Said


class RatingSeen(Struct, frozen=True):
    """The caller's own rating."""

    site_id: str
    quarter: str
    scores: dict[str, int]
    at: str


class AnswerSeen(Struct, frozen=True):
    """The provider's answer."""

    site_id: str
    quarter: str
    text: str
    at: str


class CriterionSeen(Struct, frozen=True):
    """A criterion in the caller's language."""

    code: str
    name: str


class MeanSeen(Struct, frozen=True):
    """A criterion's mean in hundredths: 437 is 4.37."""

    criterion: str
    mean_hundredths: int


class QuarterSeen(Struct, frozen=True):
    """A quarter. answers: how many the means are made of; 0 while there are too few to show."""

    quarter: str
    answers: int
    means: list[MeanSeen]
    overall_hundredths: int | None
    site_answer: str | None


class SiteRatings(Struct, frozen=True):
    """The last four quarters, newest first. Answers are shown `shown_from` at a time."""

    site_id: str
    shown_from: int
    criteria: list[CriterionSeen]
    quarters: list[QuarterSeen]


@routes.put(
    "/sites/{site_id}/quarters/{quarter}",
    action="ratings/rate",
    asks=RatingAsked,
    answers=RatingSeen,
    refuses=(
        rules.BadQuarter,
        Unknown,
        RegisterFirst,
        AnotherContent,
        rules.QuarterClosed,
        NoRuleInForce,
        rules.BadScores,
        rules.NotEnoughDays,
    ),
)
def rate(call: Call[RatingAsked], site_id: SiteId, quarter: str) -> RatingSeen:
    """Rate a kindergarten for a quarter in which one's child attended long enough."""
    rating = actions.rate(site_id, quarter, call.asked.scores, by=call.actor, now=call.now)
    return RatingSeen(site_id, rating.quarter, rating.scores, rating.at)


@routes.put(
    "/sites/{site_id}/answer",
    action="ratings/answer",
    asks=AnswerAsked,
    answers=AnswerSeen,
    refuses=(Unknown, rules.BadQuarter, AnotherContent, NoRuleInForce, rules.NotShown),
)
def answer(call: Call[AnswerAsked], site_id: SiteId) -> AnswerSeen:
    """Answer publicly to a quarter's ratings, once."""
    said = actions.answer(site_id, call.asked.quarter, call.asked.text, by=call.actor, now=call.now)
    return AnswerSeen(site_id, said.quarter, said.text, said.at)


@routes.get(
    "/sites/{site_id}",
    action="ratings/see",
    answers=SiteRatings,
    refuses=(Unknown, NoRuleInForce),
)
def see(call: Call[None], site_id: SiteId) -> SiteRatings:
    """Show how families rate a kindergarten, from enough answers up, and what it answers."""
    seen = actions.see(site_id, now=call.now)
    return SiteRatings(
        site_id,
        seen.rule.shown_from,
        [CriterionSeen(c.code, c.text.in_(call.language)) for c in seen.rule.criteria],
        [
            QuarterSeen(
                summary.quarter,
                summary.answers,
                [MeanSeen(mean.criterion, mean.mean_hundredths) for mean in summary.means],
                summary.overall_hundredths,
                summary.site_answer,
            )
            for summary in seen.summaries
        ],
    )
