"""HTTP of tablets: invited, paired, revoked, cleared; what they may mark, and their uploads."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from chalicelib.attendance import actions, rules
from chalicelib.attendance.actions.devices import Code, DeviceSeen, Named
from chalicelib.attendance.actions.intake import Receipt
from chalicelib.attendance.routes.shapes import Id, Label, routes
from chalicelib.attendance.rules import (
    health,
)
from chalicelib.edge import auth
from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.kernel.refusals import AnotherContent, Unknown


class InvitationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site a tablet is for, and a name to know the tablet by."""

    site_id: Id
    label: Label


class DeviceAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time code, the tablet's public key (32 bytes) and a proof that it holds the other half.

    proof: Ed25519 signature of "kezek-pair-v1|<device_id>|<code>", the code in capitals without
    its hyphen. Both are base64url without padding.
    """

    code: Annotated[str, Meta(min_length=8, max_length=12)]
    public_key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$(?!\n)")]
    label: Label
    proof: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{86}$(?!\n)")]


class DeviceShown(Struct, frozen=True):
    """A paired tablet."""

    device_id: str
    site_id: str
    label: str
    paired_at: str


class RevocationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site the tablet belongs to.

    foreign_on: the day from which the tablet may have been in foreign hands, if it may.
    """

    site_id: Id
    foreign_on: date | None = None


class ClearingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site the tablet belongs to, and why its marks are proof again."""

    site_id: Id
    reason: rules.ClearReason


class SiteAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site whose tablets are asked for."""

    site_id: Id


class FlagShown(Struct, frozen=True):
    """What is odd about a stretch of records: gap, fork, clone, same-second or two-places.

    `first` and `last` are counters, both included.
    """

    kind: str
    first: int
    last: int
    at: str


class TabletShown(Struct, frozen=True):
    """A tablet, how it fares, and what is wrong with its records.

    `state`: the gravest of what is known, `reason` says it in words. `last_seen_at`: its last
    upload. `skew_s`: its clock minus ours then, null where it never told; `skew_worst_s`: the
    greatest that was too great. `app`, `battery`: as the tablet says itself, if it does.
    """

    device_id: str
    site_id: str
    label: str
    paired_at: str
    revoked_at: str | None
    state: health.HealthState
    reason: str
    last_seen_at: str | None
    skew_s: int | None
    skew_worst_s: int
    app: str | None
    battery: int | None
    head_counter: int
    flags: list[FlagShown]


class DevicesShown(Struct, frozen=True):
    """A site's tablets, revoked ones too."""

    items: list[TabletShown]


class RosterShown(Struct, frozen=True):
    """Who may be marked today."""

    items: list[Named]


class Upload(Struct, frozen=True, forbid_unknown_fields=True):
    """Signed records, format v1 (docs/check-in-format.md), in any order; each is judged alone.

    sent_at: the tablet's own clock as it sends, so that a wrong one is noticed.
    """

    records: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=rules.RECORDS_MAX)]
    sent_at: Annotated[datetime, Meta(tz=True)] | None = None


@routes.put(
    "/pairings/{pairing_id}",
    action="attendance/invite-tablet",
    asks=InvitationAsked,
    answers=Code,
    refuses=(Unknown, AnotherContent, rules.PairingOver, rules.TooManyDevices),
)
def invite_tablet(call: Call[InvitationAsked], pairing_id: str) -> Code:
    """Get a one-time code for a new tablet.

    The code is valid for 15 minutes and pairs one tablet; the same id again gets the same code.
    """
    asked = call.asked
    return actions.invite(
        pairing_id, site_id=asked.site_id, label=asked.label, by=call.actor, now=call.now
    )


@routes.put(
    "/devices/{device_id}",
    action="attendance/pair-tablet",
    asks=DeviceAsked,
    answers=DeviceShown,
    refuses=(rules.BadKey, rules.BadCode, rules.AlreadyPaired),
)
def pair_tablet(call: Call[DeviceAsked], device_id: str) -> DeviceShown:
    """Pair a tablet with the key it made, by a one-time code.

    The id is the first 16 bytes of the key's SHA-256 in base32, small letters, without padding.
    """
    asked = call.asked
    public_key = _bytes(asked.public_key)
    if auth.device_id(public_key) != device_id:
        raise rules.BadKey(problem="device_id")
    device = actions.pair(
        device_id,
        code=asked.code,
        public_key=public_key,
        label=asked.label,
        proof=_bytes(asked.proof),
        by=call.actor,
        now=call.now,
    )
    return DeviceShown(device.device_id, device.site_id, device.label, device.paired_at)


@routes.put(
    "/devices/{device_id}/revocation",
    action="attendance/revoke-tablet",
    asks=RevocationAsked,
    answers=TabletShown,
    refuses=(Unknown, rules.DayToCome),
)
def revoke_tablet(call: Call[RevocationAsked], device_id: str) -> TabletShown:
    """Revoke a tablet for good; its next upload is refused.

    foreign_on: what it marked since that day is held until the department decides.
    """
    seen = actions.revoke(
        device_id,
        site_id=call.asked.site_id,
        by=call.actor,
        now=call.now,
        foreign_on=call.asked.foreign_on,
    )
    return _tablet(seen, call.language)


@routes.put(
    "/devices/{device_id}/clearing",
    action="attendance/clear-tablet",
    asks=ClearingAsked,
    answers=TabletShown,
    refuses=(Unknown, rules.MarksHere, AnotherContent, rules.NotDoubted),
)
def clear_tablet(call: Call[ClearingAsked], device_id: str) -> TabletShown:
    """Clear a suspected tablet: what it marked so far is proof again, and its lines are paid."""
    seen = actions.clear(
        device_id,
        site_id=call.asked.site_id,
        reason=call.asked.reason,
        by=call.actor,
        now=call.now,
    )
    return _tablet(seen, call.language)


@routes.get(
    "/devices",
    action="attendance/list-tablets",
    query=SiteAsked,
    answers=DevicesShown,
    refuses=(Unknown,),
)
def list_tablets(call: Call[None]) -> DevicesShown:
    """List a site's tablets: when each was last heard of, how it fares, what is wrong."""
    seen = actions.list_devices(call.query.site_id, by=call.actor, now=call.now)
    return DevicesShown([_tablet(each, call.language) for each in seen])


def _tablet(seen: DeviceSeen, language: str) -> TabletShown:
    device, state, fares = seen.device, seen.state, seen.health
    which = fares.state
    key = f"attendance/tablet/{which}"
    if which == "skewed":
        key += "-ahead" if fares.facts["ahead"] else "-behind"
    return TabletShown(
        device_id=device.device_id,
        site_id=device.site_id,
        label=device.label,
        paired_at=device.paired_at,
        revoked_at=device.revoked_at,
        state=which,
        reason=text(key, language, fares.facts),
        last_seen_at=state.last_at if state else None,
        skew_s=state.skew_s if state else None,
        skew_worst_s=state.skew_worst_s if state else 0,
        app=state.app if state else None,
        battery=state.battery if state else None,
        head_counter=state.head_counter if state else 0,
        flags=[FlagShown(f.kind, f.first, f.last, f.at) for f in seen.flags],
    )


@routes.get(
    "/roster",
    action="attendance/read-roster",
    answers=RosterShown,
    refuses=(rules.NotPaired, rules.DeviceRevoked),
)
def read_roster(call: Call[None]) -> RosterShown:
    """List the children that the tablet may mark today."""
    return RosterShown(actions.roster_of(by=call.actor, now=call.now))


@routes.post(
    "/records",
    action="attendance/upload",
    asks=Upload,
    answers=Receipt,
    refuses=(
        rules.UploadTooLarge,
        rules.NotPaired,
        rules.DeviceRevoked,
        rules.TooManyUploads,
    ),
)
def upload(call: Call[Upload]) -> Receipt:
    """Hand in up to 500 signed records; each is accepted, had already, or refused with a code.

    The same upload again gets the same answer. What is answered is stored; send again what was
    not answered.
    """
    asked = call.asked
    return actions.receive(asked.records, by=call.actor, now=call.now, sent_at=asked.sent_at)


def _bytes(text: str) -> bytes:
    """Return base64url text without padding as bytes; its form was checked."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
