"""HTTP of claims and the hands they pass, of set-offs, and of public figures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chalicelib.budgets.rules.ledger import AccountShort
from chalicelib.edge import pages, tables
from chalicelib.edge.routes import Call, File
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import actions
from chalicelib.payouts.routes.shapes import MonthText, Named, routes
from chalicelib.payouts.rules.claims import (
    AdmittedHere,
    Claim,
    NothingToClaim,
    NotNow,
    ReasonNeeded,
    SecondPerson,
    SumChanged,
)
from chalicelib.payouts.rules.repayments import MoreThanOwed, NoSetOff, NothingOwed
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers.rules import AccountUnconfirmed

WAITS_FOR = {
    "calculated": "signature",
    "signed": "agreement",
    "agreed": "release",
    "released": "payment-run",
    "sent": "bank-answer",
    "returned": "release",
    "refused": "release",
    "open-case": "decision",
}


class SignatureAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The head signs over the sum they saw."""

    amount_tiyn: Annotated[int, Meta(ge=1)]


class AgreementAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The department agrees, or not, with a reason."""

    agreed: bool
    reason: Literal["attendance-doubt", "wrong-sum", "wrong-account", "other"] | None = None


class ReleaseAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Finance releases; nothing more to say."""


class SetOffAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The agreed claim of which a debt is kept back, and the sum that the two persons saw."""

    against: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$(?!\n)")]
    amount_tiyn: Annotated[int, Meta(ge=1)]


class ClaimSeen(msgspec.Struct, frozen=True):
    """A claim. waits_for: the next step, "why am I not paid yet"; held: what else keeps it.

    why: both in words. direction: whose department agrees, "" in a programme that has one.
    agreements, releases: how many persons agreed or released it so far, of as many as the amount
    takes. repaid_tiyn: what the provider gave back of what was agreed too much; repay_by: until
    when it gives the rest, amount_tiyn.
    """

    claim_id: str
    number: int
    site_id: str
    organisation_id: str
    programme: str
    area: str
    direction: str
    month: str
    statements: Annotated[tuple[int, ...], Meta(min_length=2, max_length=2)]
    amount_tiyn: int
    state: str
    waits_for: str | None
    reason: str | None
    held: str | None
    why: str | None
    calculated_at: str
    signed_at: str | None
    agreed_at: str | None
    released_at: str | None
    settled_at: str | None
    run_id: str | None
    end_to_end_id: str | None
    agreements: int
    agreements_needed: int
    releases: int
    releases_needed: int
    repaid_tiyn: int
    repay_by: str | None


class ClaimsAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A month; officers name programme and area, a head sees the own organisations' claims."""

    month: MonthText
    programme: Named | None = None
    area: Named | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=400)] | None = None


class ClaimsSeen(msgspec.Struct, frozen=True):
    claims: tuple[ClaimSeen, ...]
    next: str | None


class FiguresAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    programme: Named
    area: Named
    month: MonthText
    format: Literal["json", "csv"] = "json"


class FigureSeen(msgspec.Struct, frozen=True):
    """A provider's money of a month; without site_id several small ones of a direction."""

    direction: str
    site_id: str | None
    accrued_tiyn: int
    claimed_tiyn: int
    paid_tiyn: int
    returned_tiyn: int
    overdue_tiyn: int


class FiguresSeen(msgspec.Struct, frozen=True):
    programme: str
    area: str
    month: str
    pay_on: date
    providers: tuple[FigureSeen, ...]


# --- claims -------------------------------------------------------------------------------------


@routes.put(
    "/claims/{claim_id}/signature",
    action="payouts/sign",
    asks=SignatureAsked,
    answers=ClaimSeen,
    refuses=(Unknown, NothingToClaim, SumChanged, NotNow),
)
def put_signature(call: Call[SignatureAsked], claim_id: str) -> ClaimSeen:
    """Sign a claim for the provider, over the sum that was seen."""
    claim = actions.sign(claim_id, amount_tiyn=call.asked.amount_tiyn, by=call.actor, now=call.now)
    return _claim(claim, call)


@routes.put(
    "/claims/{claim_id}/agreement",
    action="payouts/agree",
    asks=AgreementAsked,
    answers=ClaimSeen,
    refuses=(Unknown, ReasonNeeded, NotNow, SecondPerson, AccountShort),
)
def put_agreement(call: Call[AgreementAsked], claim_id: str) -> ClaimSeen:
    """Agree a signed claim for the department, or give it back with a reason."""
    asked = call.asked
    claim = actions.agree(
        claim_id, agreed=asked.agreed, reason=asked.reason, by=call.actor, now=call.now
    )
    return _claim(claim, call)


@routes.put(
    "/claims/{claim_id}/release",
    action="payouts/release",
    asks=ReleaseAsked,
    answers=ClaimSeen,
    refuses=(
        Unknown,
        NotNow,
        SecondPerson,
        AdmittedHere,
        AccountUnconfirmed,
        AccountShort,
    ),
)
def put_release(call: Call[ReleaseAsked], claim_id: str) -> ClaimSeen:
    """Release an agreed or returned claim for payment; never what one signed or agreed oneself."""
    return _claim(actions.release(claim_id, by=call.actor, now=call.now), call)


@routes.get(
    "/claims",
    action="payouts/list-claims",
    query=ClaimsAsked,
    answers=ClaimsSeen,
    refuses=(Unknown, BadMonth, pages.BadCursor),
)
def get_claims(call: Call[None]) -> ClaimsSeen:
    """List a month's claims with their state and what each waits for."""
    asked: ClaimsAsked = call.query
    month = Month.parse(asked.month)
    whose = f"claims#{month}#{asked.programme}#{asked.area}#{call.actor.subject}"
    after = pages.position(asked.cursor, of=whose) if asked.cursor else ""
    found = actions.list_claims(month, programme=asked.programme, area=asked.area, by=call.actor)
    rest = [claim for claim in found if claim.claim_id > after]
    page = rest[: asked.limit]
    more = len(rest) > len(page)
    return ClaimsSeen(
        tuple(_claim(claim, call) for claim in page),
        pages.cursor(page[-1].claim_id, of=whose) if more else None,
    )


@routes.put(
    "/claims/{claim_id}/set-off",
    action="payouts/set-off",
    asks=SetOffAsked,
    answers=ClaimSeen,
    refuses=(
        Unknown,
        NothingOwed,
        NoSetOff,
        MoreThanOwed,
        SumChanged,
        AnotherContent,
        NoPack,
        NoRuleInForce,
    ),
)
def put_set_off(call: Call[SetOffAsked], claim_id: str) -> ClaimSeen:
    """Set what a provider owes off against its agreed claim; two persons ask the same."""
    asked = call.asked
    owed, _ = actions.set_off(
        claim_id,
        against=asked.against,
        amount_tiyn=asked.amount_tiyn,
        by=call.actor,
        now=call.now,
    )
    return _claim(owed, call)


# --- figures ------------------------------------------------------------------------------------


@routes.get(
    "/figures",
    action="payouts/figures",
    query=FiguresAsked,
    answers=FiguresSeen,
    refuses=(NoPack, BadMonth, NoRuleInForce),
)
def get_figures(call: Call[None]) -> FiguresSeen | File:
    """Show what was accrued, claimed, paid, returned and is overdue per provider, against payday.

    overdue: posted and not paid after payday. Directions stand apart; in each, providers with
    fewer than five children stand together.
    """
    asked: FiguresAsked = call.query
    found = actions.figures(asked.programme, asked.area, Month.parse(asked.month), now=call.now)
    if asked.format == "json":
        return FiguresSeen(
            found.programme,
            found.area,
            found.month,
            found.pay_on,
            tuple(
                FigureSeen(
                    f.direction,
                    f.site_id,
                    f.accrued_tiyn,
                    f.claimed_tiyn,
                    f.paid_tiyn,
                    f.returned_tiyn,
                    f.overdue_tiyn,
                )
                for f in found.providers
            ),
        )
    content = tables.csv_file(
        [
            "month",
            "pay_on",
            "direction",
            "site_id",
            "accrued_tiyn",
            "claimed_tiyn",
            "paid_tiyn",
            "returned_tiyn",
            "overdue_tiyn",
        ],
        [
            [
                found.month,
                found.pay_on,
                f.direction,
                f.site_id or "several",
                f.accrued_tiyn,
                f.claimed_tiyn,
                f.paid_tiyn,
                f.returned_tiyn,
                f.overdue_tiyn,
            ]
            for f in found.providers
        ],
    )
    return File(content, tables.CSV_MEDIA_TYPE, f"payouts-{asked.area}-{asked.month}.csv")


def _claim(claim: Claim, call: Call[Any]) -> ClaimSeen:
    agree, release = actions.hands_of(claim, now=call.now)
    waits_for = "repayment" if claim.is_owed else WAITS_FOR.get(claim.state)
    by_direction = waits_for == "agreement" and claim.direction != ""
    reasons = [f"why:{waits_for}{'-of-direction' if by_direction else ''}"] if waits_for else []
    reasons += [claim.held] if claim.held else []
    facts = {"month": claim.month, "tenge": claim.amount_tiyn // 100}
    return ClaimSeen(
        claim_id=claim.claim_id,
        number=claim.number,
        site_id=claim.site_id,
        organisation_id=claim.organisation_id,
        programme=claim.programme,
        area=claim.area,
        direction=claim.direction,
        month=claim.month,
        statements=(claim.first, claim.last),
        amount_tiyn=claim.amount_tiyn,
        state=claim.state,
        waits_for=waits_for,
        reason=claim.reason,
        held=claim.held,
        why=" ".join(text(reason, call.language, facts) for reason in reasons) or None,
        calculated_at=claim.calculated_at,
        signed_at=claim.signed.at if claim.signed else None,
        agreed_at=claim.agreed.at if claim.agreed else None,
        released_at=claim.released.at if claim.released else None,
        settled_at=claim.settled_at,
        run_id=claim.run_id,
        end_to_end_id=claim.end_to_end_id,
        agreements=len(claim.agreed_by),
        agreements_needed=agree,
        releases=len(claim.released_by),
        releases_needed=release,
        repaid_tiyn=claim.repaid_tiyn,
        repay_by=claim.repay_by,
    )
