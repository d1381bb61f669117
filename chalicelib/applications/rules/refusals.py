"""Every no of this slice."""

from __future__ import annotations

from chalicelib.kernel.refusals import Malformed, OutOfTurn


class AlreadyApplied(OutOfTurn):
    """The child has a live application, voucher or place in this programme, maybe elsewhere."""

    code = "applications/already-applied"


class ChildOrId(Malformed):
    """Either a known child's id or a child's details, never both."""

    code = "applications/child-or-id"


class TooYoung(OutOfTurn):
    """The child is younger than the pack allows; possible_from says when it is not."""

    code = "applications/too-young"


class TooOld(OutOfTurn):
    """The child is older than the pack allows for the academic year."""

    code = "applications/too-old"


class TooManyPreferences(Malformed):
    """More preferred groups than the pack allows."""

    code = "applications/too-many-preferences"


class DoubledPreference(Malformed):
    """A group may be preferred once."""

    code = "applications/doubled-preference"


class PreferenceNotHere(OutOfTurn):
    """No such group in this programme and area."""

    code = "applications/preference-not-here"


class BatchDiffers(OutOfTurn):
    """Applications that move together must agree in `field`."""

    code = "applications/batch-differs"


class BatchFull(OutOfTurn):
    """The batch has all the members it was made for."""

    code = "applications/batch-full"


class NotQueued(OutOfTurn):
    """The application does not stand in the queue now."""

    code = "applications/not-queued"


class NotOffered(OutOfTurn):
    """No voucher waits for an answer."""

    code = "applications/not-offered"


class ConfirmTooLate(OutOfTurn):
    """The time to confirm or refuse the voucher is over."""

    code = "applications/confirm-too-late"


class RefuseInstead(OutOfTurn):
    """A voucher is offered: refuse it instead of withdrawing."""

    code = "applications/refuse-instead"


class RestoreClosed(OutOfTurn):
    """The application was restored before, or the time to restore it is over."""

    code = "applications/restore-closed"


class NotInactive(OutOfTurn):
    """Only an inactive application can be restored."""

    code = "applications/not-inactive"


class NotLive(OutOfTurn):
    """The application has ended."""

    code = "applications/not-live"


class ReasonNeeded(Malformed):
    """A refused status needs its reason, a proved one has none."""

    code = "applications/reason-needed"


class PaperOutdated(OutOfTurn):
    """The paper is older than the rules allow, or dated in the future."""

    code = "applications/paper-outdated"


class KindNeeded(Malformed):
    """Places are given by kind of group here: one of the programme's kinds is to be named."""

    code = "applications/kind-needed"


class LanguageNeeded(Malformed):
    """Places are given by language here: one is to be named."""

    code = "applications/language-needed"


class BatchNotHere(Malformed):
    """Nobody is placed together where vouchers come by budget: each child has its own turn."""

    code = "applications/batch-not-here"


class NotFulfilled(OutOfTurn):
    """No voucher of this application is in anybody's hands."""

    code = "applications/not-fulfilled"


class NoDrawHere(OutOfTurn):
    """The rules in force order by time: no window of intake is announced."""

    code = "applications/no-draw-here"


class BadWindow(Malformed):
    """A window opens, then closes, then the beacon speaks: `field` is out of this order."""

    code = "applications/bad-window"


class WindowTooShort(OutOfTurn):
    """The window is shorter than the rules ask for."""

    code = "applications/window-too-short"


class AnnouncedTooLate(OutOfTurn):
    """A window is announced at least so many days before it opens."""

    code = "applications/announced-too-late"


class WindowsOverlap(OutOfTurn):
    """Another window of the area lies over this one, or its draw does."""

    code = "applications/windows-overlap"


class IntakeNotOpen(OutOfTurn):
    """The first window of the area is announced and not open yet: within it no hour is better."""

    code = "applications/intake-not-open"


class BeaconNotYet(OutOfTurn):
    """The announced moment of the beacon has not come."""

    code = "applications/beacon-not-yet"


class OtherRound(OutOfTurn):
    """Not the round of the beacon that was announced before the window opened."""

    code = "applications/other-round"


class BadBeacon(Malformed):
    """The beacon's value is not the SHA-256 of its signature."""

    code = "applications/bad-beacon"


class AlreadyDrawn(OutOfTurn):
    """The order was drawn with another value; it is never drawn again."""

    code = "applications/already-drawn"


class DecidedByOwnData(OutOfTurn):
    """The status follows from our own data; no paper proves or refutes it."""

    code = "applications/decided-by-own-data"


class IntakeOpened(OutOfTurn):
    """The window has opened: families stand in it, and it cannot be cancelled."""

    code = "applications/intake-opened"


class IntakeCancelled(OutOfTurn):
    """The window was cancelled before it opened: there is nothing to draw."""

    code = "applications/intake-cancelled"
