"""The one-time code of a notice: whoever holds it may confirm one lesson of one child, once.

Twelve signs of thirty-one: with a million codes alive at once, a thousand guesses a second find
none in a decade, so the length is what limits guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.kernel import onetime
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import NotAllowed

CONFIRMATION_LENGTH = 12


class BadConfirmation(NotAllowed):
    """Nothing can be confirmed with this code: wrong, for another lesson, or too old, all alike."""

    code = "attendance/bad-confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a code confirms, and for whom it was made. spent_at: when it did."""

    child_id: str
    person_id: str
    programme: str
    site_id: str
    lesson: str
    valid_until: str
    spent_at: str | None = None


def confirmation_code(digest: bytes) -> str:
    """Return a code made of 12 letters and digits that do not look alike, in three groups."""
    return onetime.in_groups(onetime.code_of(digest, length=CONFIRMATION_LENGTH))


def typed_confirmation(text: str) -> str:
    """Return a code as it was meant, whatever its case and hyphens. Raises BadConfirmation."""
    typed = onetime.typed(text)
    if len(typed) != CONFIRMATION_LENGTH:
        raise BadConfirmation()
    return typed


def decide_spending(confirmation: Confirmation | None, *, now: datetime) -> Confirmation:
    """Return the code as spent; one that is stays as it was. Raises BadConfirmation."""
    if confirmation is None:
        raise BadConfirmation()
    if confirmation.spent_at is not None:
        return confirmation
    if now >= from_stamp(confirmation.valid_until):
        raise BadConfirmation()
    return replace(confirmation, spent_at=stamp(now))
