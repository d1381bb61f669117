"""Every no of this slice; the state and the clock come before places."""

from __future__ import annotations

from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn, UsedUp

# Forms of providers, as a sentence in each language says them; others by their code.
_FORMS: dict[str, dict[str, str]] = {
    "public": {"kk": "мемлекеттік", "ru": "государственные", "en": "public"},
    "private": {"kk": "жеке", "ru": "частные", "en": "private"},
    "mini-centre": {"kk": "шағын орталықтар", "ru": "мини-центры", "en": "mini-centres"},
    "other": {"kk": "өзге ұйымдар", "ru": "иные", "en": "other"},
}


def forms_called(*forms: str) -> dict[str, str]:
    """Return forms of providers in words, by language."""
    return {
        language: ", ".join(_FORMS.get(form, {}).get(language, form) for form in forms)
        for language in ("kk", "ru", "en")
    }


class WrongState(OutOfTurn):
    """The voucher's state does not allow this."""

    code = "vouchers/wrong-state"


class TermPassed(OutOfTurn):
    """The term is over, whether or not the deadlines' job has come by."""

    code = "vouchers/term-passed"


class AnotherArea(OutOfTurn):
    """The voucher is of another area or programme than the group."""

    code = "vouchers/another-area"


class AgeDoesNotFit(OutOfTurn):
    """The group is for children of another age."""

    code = "vouchers/age-does-not-fit"


class OneAtATime(WrongState):
    """The child attends a group already; to go to another one it transfers."""

    code = "vouchers/one-at-a-time"


class WrongForm(OutOfTurn):
    """This kind of voucher is not for providers of that form."""

    code = "vouchers/wrong-form"


class ActivityAge(AgeDoesNotFit):
    """What is taught in the group is for children of another age."""

    code = "vouchers/activity-age"


class SenGroup(OutOfTurn):
    """A small group for children with special needs; the voucher is not for such a child."""

    code = "vouchers/sen-group"


class NeedsQueue(OutOfTurn):
    """A voucher for providers of that form is waited for: apply instead."""

    code = "vouchers/needs-queue"


class HeldAlready(OutOfTurn):
    """The child has an application, a voucher or a place in this programme; `held` says which."""

    code = "vouchers/held-already"


class NotOfAge(OutOfTurn):
    """The programme is for children of another age."""

    code = "vouchers/not-of-age"


class ChildOrId(Malformed):
    """Either a known child's id or a child's details, never both."""

    code = "vouchers/child-or-id"


class IssuedLater(Malformed):
    """A voucher cannot have been issued after it is taken over."""

    code = "vouchers/issued-later"


class OtherKind(Malformed):
    """The programme has no such kind of voucher; `known` names those it has."""

    code = "vouchers/other-kind"


class NoSuchGroup(Malformed):
    """The row names a group that Kezek does not have; clubs come before their vouchers."""

    code = "vouchers/no-such-group"


class BadUse(Malformed):
    """What was used of a month is of the month of the import, and not above its maximum."""

    code = "vouchers/bad-use"


class NoRaise(OutOfTurn):
    """The programme's rates are the same for every child: there is nothing to raise."""

    code = "vouchers/no-raise"


class OthersWait(UsedUp):
    """The free place belongs to those on the waiting list first."""

    code = "vouchers/others-wait"


class NoSeat(OutOfTurn):
    """No group is chosen yet."""

    code = "vouchers/no-seat"


class PapersNotAccepted(OutOfTurn):
    """The kindergarten has not accepted the papers yet."""

    code = "vouchers/papers-not-accepted"


class PapersSettled(OutOfTurn):
    """The papers were accepted; that is not taken back."""

    code = "vouchers/papers-settled"


class PapersReason(Malformed):
    """A refusal of papers has one of the published reasons, anything else has none."""

    code = "vouchers/papers-reason"


class BadStart(OutOfTurn):
    """The first day is not within the days on which the contract may begin."""

    code = "vouchers/bad-start"


class BadLastDay(OutOfTurn):
    """The last day is not within the days on which the enrolment may end."""

    code = "vouchers/bad-last-day"


class ClosingReason(NotAllowed):
    """This reason is not for the caller to give."""

    code = "vouchers/closing-reason"


class OneTransferAMonth(OutOfTurn):
    """The month's transfers are used; `ask_from` and `starts_from` say when the next may be."""

    code = "vouchers/one-transfer-a-month"


class TransferPending(OutOfTurn):
    """A transfer was agreed and has not begun yet."""

    code = "vouchers/transfer-pending"


class ListsFull(UsedUp):
    """The voucher stands on as many waiting lists as it may."""

    code = "vouchers/waiting-lists-full"


class PlaceIsFree(OutOfTurn):
    """The group has a free place: choose it instead of waiting for it."""

    code = "vouchers/place-is-free"


class AlreadyThere(OutOfTurn):
    """The voucher holds a seat in this group."""

    code = "vouchers/already-there"


class NotOffered(OutOfTurn):
    """No offer from this waiting list is open."""

    code = "vouchers/not-offered"


class RingOfDirections(OutOfTurn):
    """Holders whose money changes directions with them move one after another, not in a ring."""

    code = "vouchers/ring-of-directions"


class WishWithdrawn(OutOfTurn):
    """The holder does not ask to be moved to this group any more."""

    code = "vouchers/wish-withdrawn"
