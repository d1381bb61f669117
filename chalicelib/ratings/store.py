"""Rows of ratings: one per site, quarter and representative, and the provider's answers."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.ratings.rules import Rating, SiteAnswer, Tally
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

RATINGS: Shelf[Rating] = Shelf(FactsRow, Rating)
TALLIES: Shelf[Tally] = Shelf(FactsRow, Tally)
ANSWERS: Shelf[SiteAnswer] = Shelf(FactsRow, SiteAnswer)


def find_rating(site_id: str, quarter: str, person_id: str) -> Kept[Rating] | None:
    """Return what a representative said for a quarter, or None. One read."""
    return RATINGS.find(keys.rating(site_id, quarter, person_id))


def list_ratings(site_id: str, quarters: Iterable[str]) -> dict[str, list[Rating]]:
    """Return the ratings of some quarters in a row, by quarter. One query."""
    wanted = sorted(quarters)
    pk, _ = keys.rating(site_id, "", "")
    found: dict[str, list[Rating]] = {quarter: [] for quarter in wanted}
    for kept in RATINGS.each(pk, after=wanted[0], upto=f"{wanted[-1]}~"):
        found[kept.value.quarter].append(kept.value)
    return found


def create_rating(site_id: str, person_id: str, rating: Rating) -> Put:
    """Describe a representative's rating; one per quarter."""
    return RATINGS.create(keys.rating(site_id, rating.quarter, person_id), rating)


def find_tally(site_id: str, quarter: str) -> Kept[Tally]:
    """Return how many rated so far; none yet is at version 0. One read."""
    pk, sk = keys.rating_tally(site_id, quarter)
    return TALLIES.find((pk, sk)) or Kept(Tally(), pk, sk, 0, "{}")


def keep_tally(kept: Kept[Tally], tally: Tally) -> Put:
    """Describe a tally's next version."""
    if kept.version == 0:
        return TALLIES.create((kept.pk, kept.sk), tally)
    return TALLIES.replace(kept, tally)


def find_answer(site_id: str, quarter: str) -> Kept[SiteAnswer] | None:
    """Return what the provider answered to a quarter, or None. One read."""
    return ANSWERS.find(keys.rating_answer(site_id, quarter))


def list_answers(site_id: str, quarters: Iterable[str]) -> dict[str, SiteAnswer]:
    """Return the provider's answers to some quarters. One call."""
    wanted = [keys.rating_answer(site_id, quarter) for quarter in quarters]
    return {kept.value.quarter: kept.value for kept in ANSWERS.find_many(wanted).values()}


def create_answer(site_id: str, answer: SiteAnswer) -> Put:
    """Describe the provider's answer to a quarter; one per quarter."""
    return ANSWERS.create(keys.rating_answer(site_id, answer.quarter), answer)
