"""Whose hands money passes, and how many an amount takes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.payouts.rules import repayments
from chalicelib.payouts.rules.claims import Claim, Hand
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.policy.rules import Rules as PackRules
from chalicelib.policy.rules.paying import Step

ANSWER_WORKING_DAYS = 3  # where a pack says nothing; defaults set by policy
CASE_WORKING_DAYS = 5
STEPS: tuple[Step, Step] = ("agree", "release")


def hand(by: Actor, now: datetime, *, others: Collection[str] = ()) -> Hand:
    """Return a person's hand, under the sign-in by which they are among the others already.

    Two sign-ins that are linked to one registration are one person. One read.
    """
    return Hand(access.known_among(by.subject, others), stamp(now))


def needed(
    programme: str,
    area: str,
    step: Step,
    amount_tiyn: int,
    *,
    now: datetime,
    direction: str = "",
) -> int:
    """Return how many different persons a step takes for an amount, as of today's rules."""
    rules = rules_now(load_pack(programme, area), now)
    return rules.persons_for(step, amount_tiyn, direction=direction)


def needed_for(claim: Claim, step: Step, *, now: datetime) -> int:
    """Return how many different persons a step takes for a claim."""
    return needed(
        claim.programme,
        claim.area,
        step,
        claim.amount_tiyn,
        now=now,
        direction=claim.direction,
    )


def hands_of(claim: Claim, *, now: datetime) -> tuple[int, int]:
    """Return how many persons agree a claim and how many release it."""
    agree, release = (needed_for(claim, step, now=now) for step in STEPS)
    return agree, release


def rules_now(pack: Pack, now: datetime) -> PackRules:
    """Return today's rules; of a programme that is over and still pays, its last ones."""
    return pack.nearest(local_day(now))


def answer_working_days(pack: Pack, now: datetime) -> int:
    """Return how many working days the bank has to answer."""
    terms = rules_now(pack, now).bank_terms
    return terms.answer_working_days if terms else ANSWER_WORKING_DAYS


def case_working_days(pack: Pack, now: datetime) -> int:
    """Return how many working days officers have to decide a case."""
    terms = rules_now(pack, now).bank_terms
    return terms.case_working_days if terms else CASE_WORKING_DAYS


def repay_working_days(pack: Pack, now: datetime) -> int:
    """Return how many working days a provider has to pay back what was agreed too much."""
    terms = rules_now(pack, now).bank_terms
    return terms.repay_working_days if terms else repayments.WORKING_DAYS
