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
