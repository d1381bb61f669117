"""A claim: what a site's month asks for, and the hands it passes through.

    calculated ─sign→ signed ─agree→ agreed ─release→ released ─send→ sent ─settle→ settled
        ↑               │                                 ↑             │
        └───decline─────┘                                 └──release── returned, refused
A claim that is not agreed yet takes in later statements; a signature over another sum is void.
What the provider owes because too much was agreed is a claim in the state open-case; it settles as
that is paid back or set off against what is agreed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn

State = Literal[
    "calculated",
    "signed",
    "agreed",
    "released",
    "sent",
    "settled",
    "returned",
    "refused",
    "open-case",
]
Move = Literal[
    "sign", "agree", "decline", "release", "send", "settle", "return", "refuse", "doubt", "set-off"
]

MOVES: dict[tuple[State, Move], State] = {
    ("calculated", "sign"): "signed",
    ("signed", "agree"): "agreed",
    ("signed", "decline"): "calculated",
    ("agreed", "release"): "released",
    # What the provider owes is kept back of it, so nothing of it is paid out.
    ("agreed", "set-off"): "settled",
    ("released", "send"): "sent",
    ("sent", "settle"): "settled",
    ("sent", "return"): "returned",
    ("sent", "refuse"): "refused",
    ("sent", "doubt"): "open-case",
    # A bank may give money back days after it said it was paid.
    ("settled", "return"): "returned",
    ("returned", "release"): "released",
    ("refused", "release"): "released",
    # Two officers found, on the bank's word, that it was paid after all.
    ("returned", "settle"): "settled",
    ("refused", "settle"): "settled",
    # An answer that came after its term closes the case that its absence opened.
    ("open-case", "settle"): "settled",
    ("open-case", "return"): "returned",
    ("open-case", "refuse"): "refused",
}
DECLINE_REASONS = ("attendance-doubt", "wrong-sum", "wrong-account", "other")
OVERPAID = "overpaid"
NOT_YET_AGREED: frozenset[State] = frozenset({"calculated", "signed"})


class NotNow(OutOfTurn):
    """The claim is in a state from which this step does not lead."""

    code = "payouts/not-now"


class SumChanged(OutOfTurn):
    """The claim is about another sum by now; look at it again."""

    code = "payouts/sum-changed"


class NothingToClaim(OutOfTurn):
    """The claim came down to nothing."""

    code = "payouts/nothing-to-claim"


class SecondPerson(NotAllowed):
    """Nobody agrees what they signed, nor releases what they signed or agreed."""

    code = "payouts/second-person"


class AdmittedHere(NotAllowed):
    """Nobody both admits a provider and releases its payment."""

    code = "payouts/admitted-here"


class ReasonNeeded(Malformed):
    """Whoever does not agree says why, and whoever agrees gives no reason."""

    code = "payouts/reason-needed"


@dataclass(frozen=True, slots=True)
class Hand:
    """Who moved a claim, and when."""

    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """What a provider gave back of what was agreed too much.

    By the bank: the answer, its line and the bank's own reference. By set-off: the claim it was
    kept back of.
    """

    amount_tiyn: int
    at: str
    answer_id: str | None = None
    line: int = 0
    reference: str | None = None
    claim_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a site asks for a month. amount_tiyn: never negative; owed by the provider in open-case
    with the reason "overpaid" (what is left of it: repaid came back already), to the provider
    otherwise. repay_by: until when the provider pays it back.

    first, last: the statements it covers. held: what keeps it from being paid, as a code.
    direction: whose department agrees it, "" in a programme that has one. agreed, released: the
    last hand of as many as the amount takes; agreements, releasing: all of them, so far.
    """

    claim_id: str
    number: int
    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    first: int
    last: int
    amount_tiyn: int
    state: State
    reason: str | None = None
    held: str | None = None
    calculated_at: str = ""
    signed: Hand | None = None
    agreed: Hand | None = None
    released: Hand | None = None
    releases: int = 0
    run_id: str | None = None
    end_to_end_id: str | None = None
    settled_at: str | None = None
    direction: str = ""
    agreements: tuple[Hand, ...] = ()
    releasing: tuple[Hand, ...] = ()
    repaid: tuple[Repayment, ...] = ()
    repay_by: str | None = None

    @property
    def is_owed(self) -> bool:
        """Return whether it is the provider who owes this."""
        return self.state == "open-case" and self.reason == OVERPAID

    @property
    def repaid_tiyn(self) -> int:
        """Return how much of what was agreed too much came back."""
        return sum(one.amount_tiyn for one in self.repaid)

    @property
    def agreed_by(self) -> frozenset[str]:
        """Return who agreed it so far."""
        hands = (*self.agreements, *((self.agreed,) if self.agreed else ()))
        return frozenset(hand.by for hand in hands)

    @property
    def signed_or_agreed_by(self) -> frozenset[str]:
        """Return who stands behind the sum so far; none of them releases or pays it."""
        return self.agreed_by | ({self.signed.by} if self.signed else frozenset())

    @property
    def released_by(self) -> frozenset[str]:
        """Return who released it so far, since it last came back."""
        return frozenset(hand.by for hand in self.releasing)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClaims:
    """The claims of a site's month, oldest first, and the last statement they cover."""

    site_id: str
    month: str
    covered: int = 0
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted statement as payouts needs it."""

    number: int
    movement_tiyn: int


def claim_id(site_id: str, month: str, number: int) -> str:
    """Return a claim's id: the same for the same site, month and number."""
    return short_id("claim", site_id, month, str(number))


def short_id(*parts: str) -> str:
    """Return 26 characters that stand for these parts, the same in every process."""
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def moved(claim: Claim, move: Move) -> State:
    """Return the state a step leads to. Raises NotNow."""
    target = MOVES.get((claim.state, move))
    if target is None or claim.is_owed:
        raise NotNow(state=claim.state, step=move)
    return target


def plan_claim(
    known: SiteClaims,
    last: Claim | None,
    statements: Iterable[Posted],
    *,
    site: Claim,
) -> tuple[SiteClaims, Claim | None] | None:
    """Return what new statements make: the site's claims and a claim new or changed; None: wait.

    last: the newest claim. site: a claim that names the site, organisation, month and instant.
    A signed claim waits for its agreement, unless less is due: then its signature is void. Of
    statements that come down to nothing no claim is made.
    """
    new = [s for s in statements if s.number > known.covered]
    if not new:
        return None
    covered = max(s.number for s in new)
    movement = sum(s.movement_tiyn for s in new)
    open_one = last is not None and (last.state in NOT_YET_AGREED or last.is_owed)
    if last is not None and open_one:
        if last.state == "signed" and movement >= 0:
            # Zero changes nothing, so a signature is not worth losing; more waits its turn.
            return (replace(known, covered=covered), None) if movement == 0 else None
        owed = -last.amount_tiyn if last.state == "open-case" else last.amount_tiyn
        changed = replace(
            last, last=covered, calculated_at=site.calculated_at, signed=None, agreements=()
        )
        return replace(known, covered=covered), _of(changed, owed + movement)
    if movement == 0:
        return replace(known, covered=covered), None
    number = len(known.claims) + 1
    made = replace(
        site,
        claim_id=claim_id(site.site_id, site.month, number),
        number=number,
        first=known.covered + 1,
        last=covered,
    )
    claims = (*known.claims, made.claim_id)
    return replace(known, covered=covered, claims=claims), _of(made, movement)


def decide_signature(claim: Claim, *, amount_tiyn: int, hand: Hand) -> Claim:
    """Return the claim signed by the provider's head over the sum they saw."""
    state = moved(claim, "sign")
    if claim.amount_tiyn == 0:
        raise NothingToClaim()
    if claim.amount_tiyn != amount_tiyn:
        raise SumChanged(amount_tiyn=claim.amount_tiyn)
    return replace(claim, state=state, signed=hand, reason=None)


def decide_agreement(
    claim: Claim, *, agree: bool, reason: str | None, hand: Hand, needed: int = 1
) -> Claim:
    """Return the claim agreed by the department, or back with its provider and the reason.

    needed: how many of the department the amount takes; until then it stays signed, with the hands
    so far. Raises ReasonNeeded, NotNow, SecondPerson.
    """
    if agree is (reason is not None):
        raise ReasonNeeded(reasons=list(DECLINE_REASONS))
    if not agree:
        back = moved(claim, "decline")
        return replace(claim, state=back, signed=None, agreements=(), reason=reason)
    state = moved(claim, "agree")
    if claim.signed is not None and claim.signed.by == hand.by:
        raise SecondPerson()
    if hand.by in claim.agreed_by:
        return claim
    hands = (*claim.agreements, hand)
    if len(hands) < needed:
        return replace(claim, agreements=hands, reason=None)
    return replace(claim, state=state, agreed=hand, agreements=hands, reason=None)


def decide_release(
    claim: Claim,
    *,
    by: Actor,
    hand: Hand,
    admitted_by: Collection[str] = (),
    needed: int = 1,
) -> Claim:
    """Return the claim released for payment, by nobody who signed or agreed it.

    admitted_by: who voted for the provider's site or put it on the List; they pay it nothing.
    needed: how many of finance the amount takes; until then its state stays, with the hands so far.
    Raises NotNow, SecondPerson, AdmittedHere.
    """
    state = moved(claim, "release")
    person = {by.subject, hand.by}
    if person & claim.signed_or_agreed_by:
        raise SecondPerson()
    if person & set(admitted_by):
        raise AdmittedHere()
    if hand.by in claim.released_by:
        return claim
    hands = (*claim.releasing, hand)
    if len(hands) < needed:
        return replace(claim, releasing=hands)
    return replace(
        claim,
        state=state,
        released=hand,
        releasing=hands,
        releases=claim.releases + 1,
        reason=None,
        held=None,
        run_id=None,
        end_to_end_id=None,
    )


def send(claim: Claim, *, run_id: str, end_to_end_id: str) -> Claim:
    """Return the claim on its way in a payment run."""
    return replace(
        claim,
        state=moved(claim, "send"),
        run_id=run_id,
        end_to_end_id=end_to_end_id,
        held=None,
    )


def answer(claim: Claim, move: Move, *, reason: str | None, at: str) -> Claim:
    """Return the claim as the bank's answer, or its absence, leaves it."""
    state = moved(claim, move)
    return replace(
        claim,
        state=state,
        reason=reason,
        settled_at=at if state == "settled" else None,
        # What came back is released anew, by as many hands as the first time.
        releasing=() if state in ("returned", "refused") else claim.releasing,
    )


def split(claim: Claim, known: SiteClaims, part_tiyn: int) -> tuple[Claim, Claim, SiteClaims]:
    """Return a claim as two: so much of it, and the rest as a claim of its own.

    They cover the same statements, stand where the claim stood and sum to what was claimed.
    """
    if not 0 < part_tiyn < claim.amount_tiyn:
        raise ValueError("a part is more than nothing and less than all")
    number = len(known.claims) + 1
    rest = replace(
        claim,
        claim_id=claim_id(claim.site_id, claim.month, number),
        number=number,
        amount_tiyn=claim.amount_tiyn - part_tiyn,
    )
    # The newest claim stays last: only that one takes in what is stated later.
    newest = known.claims[-1]
    claims = (
        (*known.claims, rest.claim_id)
        if newest == claim.claim_id
        else (*known.claims[:-1], rest.claim_id, newest)
    )
    return replace(claim, amount_tiyn=part_tiyn), rest, replace(known, claims=claims)


def _of(claim: Claim, owed_tiyn: int) -> Claim:
    if owed_tiyn < 0:
        return replace(claim, amount_tiyn=-owed_tiyn, state="open-case", reason=OVERPAID)
    return replace(claim, amount_tiyn=owed_tiyn, state="calculated", reason=None, repay_by=None)
