"""Headers that change on whose behalf, or how far, a request reaches; and answers of two persons.

`Kezek-Consent: <id>`   a clerk acts for the representative who gave that consent
`Kezek-Opening: <id>`   an officer reads under a broken glass
`Kezek-Device: <id>`    which device a family acts from, as its portal names it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.edge import log
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import checked_id
from chalicelib.storage.secrets import alias_digest

CONSENT, DEVICE, OPENING = "Kezek-Consent", "Kezek-Device", "Kezek-Opening"


def for_client(headers: Mapping[str, str], action: str, actor: Actor, *, now: datetime) -> Actor:
    """Return in whose name a request is made. Raises BadId, ConsentOver, NotUnderConsent."""
    named = headers.get(CONSENT.lower())
    if named is None:
        return actor
    consent_id = checked_id(named, field=CONSENT)
    return access.under_consent(consent_id, action, actor, now=now)


def from_device(headers: Mapping[str, str], actor: Actor) -> Actor:
    """Return a family with the digest of the device it says it acts from. Raises BadId."""
    named = headers.get(DEVICE.lower())
    if named is None or not actor.has(Role.REPRESENTATIVE):
        return actor
    return replace(actor, device=alias_digest("device", checked_id(named, field=DEVICE))[:32])


def opened(headers: Mapping[str, str], method: str, actor: Actor, *, now: datetime) -> Actor:
    """Return the caller with what an opening lets them reach. Raises OpeningOver, ReadingOnly."""
    named = headers.get(OPENING.lower())
    if named is None:
        return actor
    opening_id = checked_id(named, field=OPENING)
    wider = access.under_opening(opening_id, actor, reading=method == "GET", now=now)
    log.logger.warning("under-opening", extra={"opening_id": opening_id, "subject": actor.subject})
    return wider
