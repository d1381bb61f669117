"""Rate a kindergarten, answer as its provider, and show what may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.attendance import actions as attendance
from chalicelib.children import actions as children
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, RatingRule
from chalicelib.providers import actions as providers
from chalicelib.providers import store as providers_store
from chalicelib.providers.rules import Site
from chalicelib.ratings import rules, store
from chalicelib.ratings.rules import Quarter, Rating, SiteAnswer, Summary, Tally
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint


@dataclass(frozen=True, slots=True)
class SiteRatings:
    """The last quarters of a site, newest first, and the rule that judges today."""

    summaries: list[Summary]
    rule: RatingRule


@settles
def rate(
    site_id: str, quarter_text: str, scores: dict[str, int], *, by: Actor, now: datetime
) -> Rating:
    """Rate a site for a quarter, once; the same scores again are the same answer.

    Checks in order: quarter, site, the caller's registration, earlier content, whether the
    quarter is still open, scores, attended days.
    """
    quarter = Quarter.parse(quarter_text)
    site = _known_site(site_id)
    person = children.person_of(by)
    whole = fingerprint(sorted(scores.items()))
    earlier = store.find_rating(site_id, str(quarter), person.person_id)
    if earlier is not None:
        if earlier.value.asked != whole:
            raise AnotherContent()
        return earlier.value
    today = local_day(now)
    rules.check_quarter(quarter, today)
    pack, rule = _rule(site, quarter, today)

    rules.check_scores(scores, rule)
    rules.check_days(_attended(site_id, person.person_id, quarter, today), rule)

    tally = store.find_tally(site_id, str(quarter))
    counted = Tally(tally.value.count + 1)
    rating = Rating(str(quarter), counted.count, scores, stamp(now), pack.version, whole)
    journal.commit(
        journal.entry(
            "ratings/rated",
            f"ratings/{site_id}/{quarter}",
            by=by,
            now=now,
            pack=pack.version,
            site_id=site_id,
            quarter=str(quarter),
            number=rating.number,
        ),
        store.keep_tally(tally, counted),
        store.create_rating(site_id, person.person_id, rating),
    )
    return rating


@settles
def answer(site_id: str, quarter_text: str, text: str, *, by: Actor, now: datetime) -> SiteAnswer:
    """Answer publicly to a quarter's ratings, once, as the site's head.

    Checks in order: own site, quarter, earlier content, whether any rating is shown.
    """
    site = providers.own_site(site_id, by).value
    quarter = Quarter.parse(quarter_text)
    whole = fingerprint(text)
    earlier = store.find_answer(site_id, str(quarter))
    if earlier is not None:
        if earlier.value.asked != whole:
            raise AnotherContent()
        return earlier.value
    pack, rule = _rule(site, quarter, local_day(now))
    rules.check_answerable(store.list_ratings(site_id, [str(quarter)])[str(quarter)], rule)

    said = SiteAnswer(str(quarter), text, stamp(now), whole)
    journal.commit(
        journal.entry(
            "ratings/answered",
            f"rating-answer/{site_id}/{quarter}",
            by=by,
            now=now,
            pack=pack.version,
            site_id=site_id,
            quarter=str(quarter),
        ),
        store.create_answer(site_id, said),
    )
    return said


def see(site_id: str, *, now: datetime) -> SiteRatings:
    """Return the last quarters of a site as anybody sees them, newest first. Raises Unknown."""
    site = _known_site(site_id)
    today = local_day(now)
    pack = load_pack(site.programme, site.area)
    quarters = [Quarter.containing(today)]
    while len(quarters) < rules.QUARTERS_SHOWN:
        quarters.append(quarters[-1].before())
    names = [str(quarter) for quarter in quarters if quarter.last >= pack.valid_from]
    ratings = store.list_ratings(site_id, names)
    answers = store.list_answers(site_id, names)
    summaries = [
        rules.summarise(
            name,
            ratings[name],
            pack.at(rules.judged_on(Quarter.parse(name), today)).rating,
            answers.get(name),
        )
        for name in names
    ]
    return SiteRatings(summaries, pack.at(today).rating)


def _known_site(site_id: str) -> Site:
    """Return a site that is or was on the List; others are nobody's to see here."""
    site = providers_store.load_site(site_id).value
    if site.listed_from is None:
        raise Unknown()
    return site


def _rule(site: Site, quarter: Quarter, today: date) -> tuple[Pack, RatingRule]:
    pack = load_pack(site.programme, site.area)
    return pack, pack.at(rules.judged_on(quarter, today)).rating


def _attended(site_id: str, person_id: str, quarter: Quarter, today: date) -> Iterator[int]:
    """Yield for each child of a representative how many days of the quarter it was there."""
    for child_id in children.children_of(person_id, today):
        yield attendance.attended_days(site_id, child_id, quarter.first, quarter.last)
