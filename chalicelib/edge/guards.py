"""Headers that change on whose behalf, or how far, a request reaches; and answers of two persons.

`Kezek-Consent: <id>`   a clerk acts for the representative who gave that consent
`Kezek-Opening: <id>`   an officer reads under a broken glass
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.edge import log
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import checked_id

CONSENT, OPENING = "Kezek-Consent", "Kezek-Opening"


def for_client(headers: Mapping[str, str], action: str, actor: Actor, *, now: datetime) -> Actor:
    """Return in whose name a request is made. Raises BadId, ConsentOver, NotUnderConsent."""
    named = headers.get(CONSENT.lower())
    if named is None:
        return actor
    consent_id = checked_id(named, field=CONSENT)
    return access.under_consent(consent_id, action, actor, now=now)


def opened(headers: Mapping[str, str], method: str, actor: Actor, *, now: datetime) -> Actor:
    """Return the caller with what an opening lets them reach. Raises OpeningOver, ReadingOnly."""
    named = headers.get(OPENING.lower())
    if named is None:
        return actor
    opening_id = checked_id(named, field=OPENING)
    wider = access.under_opening(opening_id, actor, reading=method == "GET", now=now)
    log.logger.warning("under-opening", extra={"opening_id": opening_id, "subject": actor.subject})
    return wider
