"""Pair a tablet with a site, list a site's tablets and what is wrong with them, revoke one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.access import actions as access
from chalicelib.attendance import rules, store
from chalicelib.attendance.rules import Device, DeviceState, Pairing, health
from chalicelib.attendance.rules.health import Health
from chalicelib.attendance.store import DeviceFlag
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint, purpose_key

_KEEP_CODE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A one-time code and until when a tablet may use it."""

    pairing_id: str
    site_id: str
    code: str
    valid_until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSeen:
    """A tablet with the end of its chain, how it fares, and what is wrong with its records."""

    device: Device
    state: DeviceState | None
    health: Health
    flags: tuple[DeviceFlag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A child who may be marked: its enrolment, and the name to show on the tablet."""

    enrolment_id: str
    group_id: str
    name: str


@settles
def invite(pairing_id: str, *, site_id: str, label: str, by: Actor, now: datetime) -> Code:
    """Return a one-time code for a tablet of the caller's site; the same id gives the same code.

    The code follows from the id and a key, so it is never stored. Raises Unknown, AnotherContent,
    PairingOver, TooManyDevices.
    """
    site = own_site(site_id, by)
    asked = fingerprint([site_id, label, by.subject])
    code = _code_for(pairing_id)
    digest = _digest_of(code)
    kept = store.find_pairing(digest)
    if kept is not None:
        if kept.value.asked != asked:
            raise AnotherContent()
        pairing = rules.decide_code(kept.value, now=now)
        return _shown(pairing, code)
    active = sum(k.value.revoked_at is None for k in store.list_devices(site_id))
    if active >= rules.DEVICES_MAX:
        raise rules.TooManyDevices(most=rules.DEVICES_MAX)
    until = rules.valid_until(now)
    pairing = Pairing(
        pairing_id=pairing_id,
        site_id=site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        label=label,
        asked=asked,
        created_at=stamp(now),
        valid_until=stamp(until),
    )
    journal.commit(
        journal.entry(
            "attendance/tablet-invited", f"pairing/{pairing_id}", by=by, now=now, site_id=site_id
        ),
        store.create_pairing(digest, pairing, expires_at=_expiry(until)),
    )
    return _shown(pairing, code)


@settles
def pair(
    device_id: str,
    *,
    code: str,
    public_key: bytes,
    label: str,
    proof: bytes,
    by: Actor,
    now: datetime,
) -> Device:
    """Return the tablet that a code and a key make; the same again is the same tablet.

    The caller has checked that the id is the key's. Raises BadKey, BadCode, AlreadyPaired.
    """
    typed = rules.typed_code(code)
    if not _signed(public_key, proof, rules.proof_text(device_id, typed)):
        raise rules.BadKey(problem="proof")
    digest = _digest_of(typed)
    kept = store.find_pairing(digest)
    if kept is None:
        raise rules.BadCode()
    asked = fingerprint([device_id, label])
    pairing = kept.value
    if pairing.device_id == device_id:
        held = store.find_device(pairing.site_id, device_id)
        if held is not None and held.value.asked == asked:
            return held.value
        raise rules.AlreadyPaired()
    used, device = rules.decide_pairing(
        pairing,
        device_id=device_id,
        public_key=base64.urlsafe_b64encode(public_key).decode().rstrip("="),
        label=label,
        asked=asked,
        now=now,
    )
    if store.find_state(device_id) is not None:
        raise rules.AlreadyPaired()
    first, *others = store.create_device(device)
    journal.commit(
        journal.entry(
            "attendance/tablet-paired",
            f"device/{device_id}",
            by=by,
            now=now,
            site_id=device.site_id,
            pairing_id=device.pairing_id,
        ),
        first,  # type: ignore[arg-type]
        *others,
        store.keep_pairing(kept, used, expires_at=_expiry(now)),
    )
    return device


@settles
def revoke(
    device_id: str,
    *,
    site_id: str,
    by: Actor,
    now: datetime,
    foreign_on: date | None = None,
) -> DeviceSeen:
    """Revoke a tablet for good; its next upload is refused.

    foreign_on: from which day it may have been in foreign hands; lines that rest on what it marked
    since are held. Raises Unknown, DayToCome.
    """
    own_site(site_id, by)
    kept = store.find_device(site_id, device_id)
    if kept is None:
        raise Unknown()
    device = rules.decide_revocation(kept.value, foreign_on=foreign_on, now=now)
    if device is not kept.value:
        first, *others = store.revoke_device(kept, device)
        journal.commit(
            journal.entry(
                "attendance/tablet-revoked",
                f"device/{device_id}",
                by=by,
                now=now,
                site_id=site_id,
                foreign_on=foreign_on.isoformat() if foreign_on else None,
            ),
            first,  # type: ignore[arg-type]
            *others,
        )
    return seen(device, store.find_state(device_id), None)


@settles
def clear(
    device_id: str, *, site_id: str, reason: rules.ClearReason, by: Actor, now: datetime
) -> DeviceSeen:
    """Clear a tablet of all that is known against it, so that its marks are proof again.

    For the department, never for who works for the provider. What is found out later makes it
    suspect again. Raises Unknown, MarksHere, AnotherContent, NotDoubted.
    """
    site = providers.load_site(site_id).value
    access.demand(by, area=site.area, direction=site.direction)
    rules.check_separate(by, site.organisation_id, rules.EMPTY)
    kept = store.find_device(site_id, device_id)
    if kept is None:
        raise Unknown()
    doubts = [d for d in store.load_doubts(site_id) if d.device_id == device_id]
    if not doubts and kept.value.cleared_by == by.subject and kept.value.cleared_reason != reason:
        raise AnotherContent()
    device = rules.decide_clearing(kept.value, doubts, reason=reason, by=by.subject, now=now)
    if device is not kept.value:
        journal.commit(
            journal.entry(
                "attendance/tablet-cleared",
                f"device/{device_id}",
                by=by,
                now=now,
                site_id=site_id,
                reason=reason,
            ),
            store.clear_device(kept, device),
        )
    return seen(device, store.find_state(device_id), None)


def own_site(site_id: str, by: Actor) -> Site:
    """Return a site of one of the caller's organisations. Raises Unknown."""
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id)
    return site


def seen_site(site_id: str, by: Actor) -> Site:
    """Return a site the caller may look at: own, in a served area, or any for auditors."""
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
    return site


def seen(device: Device, state: DeviceState | None, looked_at: date | None) -> DeviceSeen:
    """Return a tablet as it fares. looked_at: the last day it should have sent on. One query."""
    flags = tuple(store.list_flags(device.device_id))
    fares = health.health_of(
        device, state, flags={flag.kind for flag in flags}, looked_at=looked_at
    )
    return DeviceSeen(device=device, state=state, health=fares, flags=flags)


def _shown(pairing: Pairing, code: str) -> Code:
    return Code(
        pairing_id=pairing.pairing_id,
        site_id=pairing.site_id,
        code=f"{code[:4]}-{code[4:]}",
        valid_until=pairing.valid_until,
    )


def _code_for(pairing_id: str) -> str:
    key = purpose_key("pairing")
    return rules.code_from(hmac.new(key, pairing_id.encode(), hashlib.sha256).digest())


def _digest_of(code: str) -> str:
    return hmac.new(purpose_key("pairing-code"), code.encode(), hashlib.sha256).hexdigest()


def _expiry(at: datetime) -> int:
    return int((at + _KEEP_CODE).timestamp())


def _signed(public_key: bytes, signature: bytes, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
